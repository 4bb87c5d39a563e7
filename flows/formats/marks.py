"""Where the cells and records of CSV text begin and end, and the first quote that stands where none may (RFC 4180)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.columns.arrays import Ints

Octets = npt.NDArray[np.uint8]

LINE_FEED, CARRIAGE_RETURN, QUOTE = b'\n\r"'


@dataclass(frozen=True)
class Stray:
    """A quote that stands where none may.

    Attributes:
        at: its position.
        opened: the position of the quote it closes; its own, where it would open a cell that began without it.
    """

    at: int
    opened: int


@dataclass(frozen=True)
class Marks:
    """Positions in a piece of text that begins with a record.

    Attributes:
        breaks: the last bytes of line ends (LF, CR, CRLF), in quotes too.
        ends: those of them that end a record.
        separators: what ends a cell: delimiters outside quotes, and `ends`.
        dropped: bytes that belong to no cell: separators, their CRs, quotes around cells, the first of two doubled.
        opened: the last quote that opens a cell.
        is_open: whether it is still open at the end.
        stray: the first quote that stands where none may.
    """

    breaks: Ints
    ends: Ints
    separators: Ints
    dropped: Ints
    opened: int | None
    is_open: bool
    stray: Stray | None


def marks(text: bytes, delimiter: str, *, whole: bool) -> Marks:
    """Look through a piece of text that begins with a record.

    Args:
        text: the piece.
        delimiter: what stands between cells: one byte.
        whole: whether nothing comes after it; else its last byte isn't judged by what may follow.
    """
    octets = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(octets == QUOTE)
    breaks, returns = _line_ends(octets, whole)
    ends = _outside(breaks, quotes)
    delimiters = _outside(np.flatnonzero(octets == ord(delimiter)), quotes)
    separators = np.sort(np.concatenate([delimiters, ends])) if delimiters.size else ends
    around, opening, stray = _judged(octets, quotes, ord(delimiter))
    last = ends[-1] if ends.size else -1
    dropped = np.concatenate([separators, _outside(returns, quotes), around])
    dropped = np.sort(dropped[dropped <= last])
    opened = int(opening[-1]) if opening.size else None
    return Marks(breaks, ends, separators[separators <= last], dropped, opened, quotes.size % 2 == 1, stray)


def _line_ends(octets: Octets, whole: bool) -> tuple[Ints, Ints]:
    """The last bytes of line ends, and the CRs before LFs; whether a CR is one alone, the next byte must say."""
    feeds = np.flatnonzero(octets == LINE_FEED)
    returns = np.flatnonzero(octets == CARRIAGE_RETURN)
    if not returns.size:
        return feeds, returns
    last = octets.size - 1
    paired = octets[np.minimum(returns + 1, last)] == LINE_FEED
    alone = returns[~paired & (whole | (returns < last))]
    return np.sort(np.concatenate([feeds, alone])), returns[paired]


def _outside(positions: Ints, quotes: Ints) -> Ints:
    """Those that stand in no quotes: an even number of quotes lies before them."""
    if not quotes.size:
        return positions
    found: Ints = positions[np.searchsorted(quotes, positions) % 2 == 0]
    return found


def _judged(octets: Octets, quotes: Ints, delimiter: int) -> tuple[Ints, Ints, Stray | None]:
    """The quotes that aren't text, those that open a cell, and the first that stands where none may."""
    if not quotes.size:
        return quotes, quotes, None
    opening, closing = quotes[::2], quotes[1::2]
    # Two quotes side by side within a cell are one of its text: they close and open it again.
    again = np.zeros(opening.size, bool)
    again[1:] = opening[1:] == closing[: opening.size - 1] + 1
    before = octets[np.maximum(opening - 1, 0)]
    after = octets[np.minimum(closing + 1, octets.size - 1)]
    allowed = np.array([delimiter, LINE_FEED, CARRIAGE_RETURN], np.uint8)
    wrong_open = opening[~(np.isin(before, allowed) | again | (opening == 0))]
    wrong_close = closing[~(np.isin(after, [*allowed, QUOTE]) | (closing == octets.size - 1))]
    first = opening[~again]
    around = np.sort(np.concatenate([first, closing]))
    return around, first, _first_stray(wrong_open, wrong_close, first)


def _first_stray(wrong_open: Ints, wrong_close: Ints, opening: Ints) -> Stray | None:
    if not (wrong_open.size or wrong_close.size):
        return None
    at = int(min([*wrong_open[:1], *wrong_close[:1]]))
    if wrong_open.size and at == wrong_open[0]:
        return Stray(at, at)
    return Stray(at, int(opening[np.searchsorted(opening, at) - 1]))
