"""How deep HTML's elements lie in one another.

The compiler of MJML and the inliner of CSS go down element by element, and beyond some thousands end the whole process
(a stack overflow, which nothing can catch). So what they are given is looked through before.
"""

import re

_TAG = re.compile(
    r"""<(?:!--(?:-*>|.*?-->)|(/?)([A-Za-z][\w:-]*+)[^<>"']*+(?:(?:"[^"]*"|'[^']*')[^<>"']*+)*+>)""",
    re.DOTALL,
)
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
})  # fmt: skip
_MAY_STAY_OPEN = frozenset({"dd", "dt", "li", "option", "p", "tbody", "td", "tfoot", "th", "thead", "tr"})


def nested_deeper(markup: str, most: int, *, closes_itself: bool) -> int | None:
    """Where elements come to lie more than `most` deep, as a place in the text; None: nowhere.

    What isn't closed counts on, but for elements that HTML lets stay open once what holds them is closed.

    Args:
        markup: HTML, or MJML.
        most: the depth that is allowed.
        closes_itself: whether `<x/>` is closed, as in MJML; in HTML it isn't.
    """
    inner: list[str] = []
    for tag in _TAG.finditer(markup):
        end, name = tag.groups()
        if end:
            _close(inner, name.lower())
        elif name and name.lower() not in _VOID and not (closes_itself and tag[0].endswith("/>")):
            inner.append(name.lower())
            if len(inner) > most:
                return tag.start()
    return None


def _close(inner: list[str], name: str) -> None:
    """Close the innermost element of a name, if nothing lies in it but what may stay open."""
    for place in range(len(inner) - 1, -1, -1):
        if inner[place] == name:
            del inner[place:]
            return
        if inner[place] not in _MAY_STAY_OPEN:
            return
