"""What is made of a rendered HTML part: its preheader put in, its CSS inlined, a text part that says the same."""

import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from transforms.content.budget import Run, Running
from transforms.content.errors import ContentError
from transforms.content.marks import filled
from transforms.content.nesting import nested_deeper
from transforms.content.parts import Part, run_part, sendable

if TYPE_CHECKING:
    from inscriptis.model.config import ParserConfig

_BODY = re.compile(r"<body\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
_STYLES = re.compile(r"<style\b", re.IGNORECASE)
_FILLER = "&#847;&zwnj;&nbsp;" * 60
"""So that what follows the preheader isn't shown behind it in a list of mails."""
_HIDDEN = (
    '<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;'
    'mso-hide:all">'
)
_TEXT_LIMIT = 300_000
_DEEPEST = 200
_MATCHES_LIMIT = 5_000_000
_SILENT_LINK = re.compile(r"\[\s*\]\([^()\s]*\)")
_BARE_LINK = re.compile(r"\[(\S+)\]\(\1\)")
_BLANK_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")
_TRAILING = re.compile(r"[ \t\xa0\u034f\u200c]+(?=\n|$)")


def with_preheader(html: str, preheader: str) -> str:
    """The HTML part with the text that mail programs show beside the subject, hidden, at the beginning of its body."""
    if not preheader:
        return html
    hidden = f"{_HIDDEN}{escape(preheader)}{_FILLER}</div>"
    found = _BODY.search(html)
    place = found.end() if found else 0
    return f"{html[:place]}{hidden}{html[place:]}"


def with_inline_css(html: str) -> str:
    """The HTML part with the rules of its `<style>` in the `style` of what they are for; the rest of them stays.

    Nothing is loaded from elsewhere.

    Raises:
        ContentError: its CSS can't be read.
    """
    import css_inline

    if not _STYLES.search(html):
        return html
    if nested_deeper(html, _DEEPEST, closes_itself=False) is not None:
        raise ContentError(
            f"html: elements nested more than {_DEEPEST} deep, or not closed; close them, or set inline_css: false"
        )
    if html.count("{") * html.count("<") > _MATCHES_LIMIT:
        raise ContentError(
            "html: too many CSS rules for so many elements; shorten it, or set inline_css: false"
        )
    try:
        return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False).inline(html)
    except css_inline.InlineError as error:
        raise ContentError(f"html: its CSS can't be inlined: {error}") from error


def text_of(html: str) -> str:
    """An HTML part as plain text, links with where they lead.

    Raises:
        ContentError: it is too long for that, or no HTML.
    """
    return _tidied(_text_of(html))


def text_like(part: Part, html: str, named: dict[str, Any], run: Run) -> str:
    """The text part that says what an HTML part says, as `text_of`; the HTML of most is gone through once for many.

    Customers' mails differ in the values they print, and seldom in what is around them. So the part is rendered once
    more with marks in place of values; what text that makes is known after the first customer.

    Args:
        part: what the HTML was rendered from.
        html: the HTML.
        named: the values.
        run: the render of the HTML.

    Raises:
        ContentError: as `text_of`.
    """
    printed: list[str] = []
    trial = Run(locale=run.locale, timezone=run.timezone, campaign=run.campaign, printed=printed)
    with Running(trial):
        shared = run_part(part, named)
    in_line = all(" ".join(value.split()) == value for value in printed)
    if not in_line or filled(shared, printed, lambda value: str(Markup.escape(value))) != html:
        return text_of(html)
    text = filled(_text_of_shared(shared), printed, str)
    return text_of(html) if text is None else _tidied(sendable(text))


@lru_cache(maxsize=256)
def _text_of_shared(html: str) -> str:
    return _text_of(html)


def _text_of(html: str) -> str:
    from inscriptis import get_text

    if len(html) > _TEXT_LIMIT:
        raise ContentError(
            f"html: {len(html):,} characters, too many for a text part to be made of them (allowed: "
            f"{_TEXT_LIMIT:,}); write a .txt.j2"
        )
    try:
        found: str = get_text(html, _config())
    except Exception as error:  # whatever the parser stumbles over, it is this message's fault alone
        raise ContentError(
            f"html: no text part can be made of it ({type(error).__name__}); write a .txt.j2"
        ) from error
    return found


def _tidied(text: str) -> str:
    """Without links that say nothing, those that are their own address once only, and without wide gaps."""
    told = _SILENT_LINK.sub("", text.replace("\xa0", " "))
    lines = _TRAILING.sub("", _BARE_LINK.sub(r"\1", told))
    return _BLANK_LINES.sub("\n\n", lines).strip("\n") + "\n"


@lru_cache(maxsize=1)
def _config() -> "ParserConfig":
    from inscriptis.css_profiles import CSS_PROFILES
    from inscriptis.html_properties import Display
    from inscriptis.model.config import ParserConfig
    from inscriptis.model.html_element import HtmlElement

    profile = CSS_PROFILES["strict"].copy()
    profile["head"] = HtmlElement(display=Display.none)
    return ParserConfig(css=profile, display_links=True, display_anchors=False, display_images=False)
