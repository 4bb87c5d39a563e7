"""What stands in a file, as a sentence about the file may show it: in one line, and not without end."""

from collections.abc import Sequence

LONGEST = 100
MOST = 30


def one_line(text: str, most: int = LONGEST) -> str:
    """The text with a `�` for each character that can't be printed, cut off where it is longer than `most`."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:most])
    return shown + "…" * (len(text) > most)


def listed(names: Sequence[str]) -> str:
    """The names of columns, the first ones if there are many."""
    shown = ", ".join(map(one_line, names[:MOST]))
    return shown + f" and {len(names) - MOST:,} more" * (len(names) > MOST)
