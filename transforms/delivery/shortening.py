"""A message cut to its first sentences, as the seed's `make_content_concise` does it, and with its links kept."""

import re
from html import unescape

_END = re.compile(r"\.(?!\w)")
"""What ends a sentence; a full stop inside a price or an address doesn't."""
_PARAGRAPH = re.compile(r"<p\b[^>]*>(.*?)</p\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LINK = re.compile(r"://|\bmailto:|\bhref\b", re.IGNORECASE)


def shortened(text: str, sentences: int) -> str:
    """The first so many sentences of a text, and the lines with links of what is cut off.

    As in the seed, sentences end with a full stop, and what is kept is joined by `". "`.
    """
    parts = _END.split(text)
    if len(parts) <= sentences:
        return text
    cut = _cut_off(text, sentences)
    links = [line.strip() for line in cut.splitlines() if _LINK.search(line)]
    return "\n\n".join([". ".join(parts[:sentences]) + ".", *links])


def shortened_html(html: str, sentences: int) -> str:
    """An HTML part without the paragraphs (`<p>`) after the one in which so many sentences are complete.

    Paragraphs with links stay, and so does whatever isn't a paragraph: headings, pictures, tables.
    """
    room = sentences

    def kept(found: re.Match[str]) -> str:
        nonlocal room
        if room <= 0 and not _LINK.search(found[0]):
            return ""
        room -= len(_END.findall(unescape(_TAG.sub("", found[1]))))
        return found[0]

    return _PARAGRAPH.sub(kept, html)


def _cut_off(text: str, sentences: int) -> str:
    """What stands behind the first sentences."""
    ends = [found.end() for found in _END.finditer(text)]
    return text[ends[sentences - 1] :]
