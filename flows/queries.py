"""Queries composed of the files of `sql/staging/`, each naming the one before it as its import."""

from pathlib import Path

from flows.warehouse import sql_text


def quoted(name: str) -> str:
    """An SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(value: str | Path) -> str:
    """An SQL string."""
    escaped = str(value).replace("'", "''")
    return f"'{escaped}'"


def chained(*links: tuple[str, str], final: str) -> str:
    """The query of the file `final`, with each link `(name, query or file)` visible to those after it."""
    ctes = ", ".join(f"{name} as not materialized ({_text(query)})" for name, query in links)
    return f"with {ctes} select * from (\n{_text(final)}\n)"


def _text(query: str) -> str:
    return sql_text(query) if query.endswith(".sql") else query
