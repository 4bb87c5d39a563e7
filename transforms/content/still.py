"""The HTML of a message with nothing in it that asks anybody for anything, or leads anywhere: to be looked at."""

import re
from html import escape
from html.parser import HTMLParser

_GONE = {
    *(
        "script",
        "noscript",
        "template",
        "title",
        "iframe",
        "frame",
        "frameset",
        "object",
        "applet",
        "audio",
        "video",
    ),
    *("svg", "math", "canvas", "select", "textarea", "button", "map"),
}
"""Elements that go with all that is in them."""
_UNWRAPPED = {
    "link",
    "meta",
    "base",
    "form",
    "input",
    "embed",
    "source",
    "track",
    "area",
    "bgsound",
    "param",
    "portal",
}
"""Elements of which what is in them stays."""
_VOID = {"br", "hr", "col", "wbr", "img"}
_KEPT = {
    *(
        "align",
        "alt",
        "bgcolor",
        "border",
        "cellpadding",
        "cellspacing",
        "class",
        "color",
        "colspan",
        "dir",
        "face",
    ),
    *("height", "lang", "role", "rowspan", "size", "start", "style", "title", "valign", "width"),
}
_URL = re.compile(r"\b(https?://[^\s/<>\"'?#]+)[^\s<>\"']*", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*(?:\"[^\"]*\"|'[^']*'|[^)]*)\s*\)", re.IGNORECASE)
_CSS_GONE = re.compile(r"@import[^;]*(?:;|$)|@font-face\s*\{[^}]*\}|/\*.*?\*/", re.IGNORECASE | re.DOTALL)
_CSS_ASKS = re.compile(r"\\|@import|url\(|image-set|image\(|src\(|https?:", re.IGNORECASE)


def still(html: str) -> str:
    """A message's HTML that can be shown anywhere: without images, links, scripts, forms and comments.

    Images are their words in a frame, or nothing; a link is its words; of addresses in the text the server is left.

    Args:
        html: as it went out, of any quality.
    """
    made = _Still()
    made.feed(html)
    made.close()
    return "".join(made.parts)


def still_text(text: str) -> str:
    """A text in which of each web address the server is left: the rest may be a secret of its reader."""
    return _URL.sub(r"\1/…", text)


def _css(text: str) -> str:
    """Styles that load nothing; none of them, where that isn't plain."""
    plain = _CSS_URL.sub("none", _CSS_GONE.sub("", text))
    return "" if _CSS_ASKS.search(plain) else plain


class _Still(HTMLParser):
    """Writes down again what may stay."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._within: list[str] = []
        self._is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        if tag in _GONE or self._within:
            if tag not in _VOID | _UNWRAPPED:
                self._within.append(tag)
            return
        if tag in _UNWRAPPED:
            return
        self._is_style = tag == "style"
        if tag == "img":
            self._image(dict(attrs))
            return
        kept = [
            (name, _css(value or "") if name == "style" else value or "")
            for name, value in attrs
            if name in _KEPT
        ]
        told = "".join(f' {name}="{escape(value)}"' for name, value in dict(kept).items() if value)
        self.parts.append(f"<{'u' if tag == 'a' else tag}{told}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that is closed at once, which HTML knows of void elements only."""
        if tag in _VOID or not (tag in _GONE or self._within):
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        if self._within:
            if tag in self._within:
                del self._within[self._within.index(tag) :]
            return
        self._is_style = False
        if tag not in _VOID | _UNWRAPPED | _GONE:
            self.parts.append(f"</{'u' if tag == 'a' else tag}>")

    def handle_data(self, data: str) -> None:
        """Words, or styles."""
        if self._within:
            return
        self.parts.append(
            _css(data).replace("<", "") if self._is_style else escape(still_text(data), quote=False)
        )

    def handle_decl(self, decl: str) -> None:
        """The type of the document."""
        self.parts.append("<!doctype html>" if decl.lower().startswith("doctype") else "")

    def _image(self, given: dict[str, str | None]) -> None:
        if words := (given.get("alt") or "").strip():
            self.parts.append(f'<span class="onward-image">{escape(words)}</span>')
