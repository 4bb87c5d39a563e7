"""What docs/tables.md says of tables and columns, as SQL.

`python -m tests.house.comments` writes `sql/store/comments.sql`.
So people read the same in a database tool, which shows comments, as in the docs.
"""

import re
from collections.abc import Iterator

from flows.warehouse import literal, quoted
from tests.house.rooms import ROOT

DOCS, FILE = ROOT / "docs" / "tables.md", ROOT / "sql" / "store" / "comments.sql"
HEAD = "-- No rows: what tables and columns are, as docs/tables.md says; `python -m tests.house.comments` writes it.\n"
_TABLE = re.compile(r"\*\*`(\w+)`\*\*: (.*?)\n\n", re.DOTALL)
_ROWS = re.compile(r"\| column \| \|\n\|---\|---\|\n((?:\|.*\n)+)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def described() -> dict[str, tuple[str, dict[str, str]]]:
    """Of each table what it is, and its columns with what each is."""
    parts = re.split(r"(?=\*\*`\w+`\*\*: )", DOCS.read_text(encoding="utf-8"))[1:]
    return {name: (grain, dict(_columns(part))) for part in parts for name, grain in _TABLE.findall(part)[:1]}


def _columns(part: str) -> Iterator[tuple[str, str]]:
    rows = _ROWS.search(part)
    for line in re.findall(r"^\| (`.*) \|$", rows[1] if rows else "", re.MULTILINE):
        names, told = re.split(r" \| ?", line, maxsplit=1)
        for name in re.findall(r"`(\w+)`", names):
            yield name, told


def plain(markdown: str) -> str:
    """Without links, marks and line ends."""
    return " ".join(_LINK.sub(r"\1", markdown).replace("`", "").replace("**", "").split())


def written() -> str:
    """The file: one statement for each table and column; what a table is (view or table) is left to whoever runs it."""
    lines = []
    for name, (grain, columns) in described().items():
        lines.append(f"comment on {{{name}}} {quoted(name)} is {literal(plain(grain))};")
        lines += [
            f"comment on column {quoted(name)}.{quoted(one)} is {literal(plain(told))};"
            for one, told in columns.items()
        ]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
