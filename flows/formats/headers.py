"""Headers of CSV files: the delimiter, the columns' names, and which of them are known under another spelling."""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

DELIMITERS = ",;\t|"
BLANKS = " \t\r\n\u00a0\ufeff"
"""What doesn't count at either end of a name or an id."""
SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?[ \t]*(?=[\r\n]|\Z)', re.IGNORECASE)
"""Excel's line in front of the header, which says what stands between cells."""


@dataclass(frozen=True)
class Header:
    """A header, as one delimiter reads it.

    Attributes:
        delimiter: what stands between its cells.
        names: of the columns; `""` for one without.
        records: how many records it takes, with a line `sep=`.
    """

    delimiter: str
    names: tuple[str, ...]
    records: int


def headers(text: str) -> Iterator[Header]:
    """The header that a text begins with, as each delimiter reads it; delimiters in quotes don't count."""
    text = text.lstrip(BLANKS.replace("\t", ""))
    said = SEPARATOR_LINE.match(text)
    for delimiter in said[1] if said else DELIMITERS:
        try:
            names = _names(text[said.end() :] if said else text, delimiter)
        except csv.Error:
            names = ()
        yield Header(delimiter, names, 2 if said else 1)


def _names(text: str, delimiter: str) -> tuple[str, ...]:
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    # Whatever the line ends are, they are read as LF.
    rows = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter)
    first = next((row for row in islice(rows, 1000) if any(row)), [])
    return tuple(name.strip(BLANKS) for name in first)


def as_known(names: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Names, those that spell a known column in another way replaced by it: `E-mail`, `Customer ID`, `Created At`.

    A spelling isn't taken for a column that stands there under its own name, nor one of two that mean the same.
    """
    missing = {_plain(name): name for name in known if name not in names}
    times = Counter(map(_plain, names))
    return tuple(
        missing[_plain(name)] if times[_plain(name)] == 1 and _plain(name) in missing else name
        for name in names
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()
