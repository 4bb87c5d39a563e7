"""Numbers as charts write them."""

import polars as pl


def thousands(name: str) -> pl.Expr:
    """A column of whole numbers with commas: `2,811`."""
    backwards = pl.col(name).cast(pl.String).str.reverse()
    return backwards.str.replace_all(r"(\d{3})", "$1,").str.strip_suffix(",").str.reverse()
