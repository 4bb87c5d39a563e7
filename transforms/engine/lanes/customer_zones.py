"""Whose wall clock counts: the configured default, a named zone, or each customer's own (semantics.md §7)."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import Array, Ints
from transforms.columns.json_values import STRING
from transforms.timing.zones import CUSTOMER, Zone, zone_name, zone_of

_NONE = -1


@dataclass(frozen=True)
class Clocks:
    """The zones of a tick, by number.

    Attributes:
        names: of the zones; the first is the default.
        by_code: the zone that a value code names, −1 for none.
    """

    names: tuple[str, ...]
    by_code: Ints

    def zone(self, number: int) -> Zone:
        """The zone of a number."""
        return zone_of(self.names[number])

    def number(self, timezone: str | None, own: int) -> int:
        """The zone that a declaration means, for customers whose own zone is `own`."""
        if timezone == CUSTOMER:
            return own
        return 0 if timezone is None else self.names.index(timezone)

    def of(self, codes: Array) -> Ints:
        """The zones of customers whose attribute `timezone` has these `codes`."""
        return np.maximum(self.by_code[codes], 0)


def read_clocks(default: str, named: list[str], dictionary: pl.DataFrame, codes: Array) -> Clocks:
    """The zones of a tick.

    Args:
        default: the configured zone.
        named: those that schedules and send times name.
        dictionary: the values behind codes.
        codes: of the values that the attribute `timezone` may have in the tick.
    """
    distinct = np.unique(codes)
    texts = dictionary["text"].gather(distinct)
    is_text = dictionary["kind"].gather(distinct) == STRING
    told = texts.zip_with(is_text, pl.Series([None], dtype=pl.String).new_from_index(0, len(texts)))
    known = {
        text: name for text in told.drop_nulls().unique(maintain_order=True) if (name := zone_name(text))
    }
    names = tuple(dict.fromkeys([default, *named, *known.values()]))
    number = {text: names.index(name) for text, name in known.items()}
    by_code = np.full(len(dictionary), _NONE)
    by_code[distinct] = told.replace_strict(number, default=_NONE, return_dtype=pl.Int64).fill_null(_NONE)
    return Clocks(names, by_code)
