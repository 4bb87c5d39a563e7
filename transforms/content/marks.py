"""Marks that stand for printed values, so that what all customers share is told apart from what is each one's own."""

import re
from collections.abc import Callable, Sequence

_MARK = re.compile("\ue000(\\d+)\ue001")


def marked(printed: list[str], text: str) -> str:
    """A mark for a value, which is put to those that are printed."""
    printed.append(text)
    return f"\ue000{len(printed) - 1}\ue001"


def filled(text: str, printed: Sequence[str], spelled: Callable[[str], str]) -> str | None:
    """A text with values in place of their marks; None: it has a mark that stands for none of them."""
    try:
        return _MARK.sub(lambda mark: spelled(printed[int(mark[1])]), text)
    except IndexError:
        return None
