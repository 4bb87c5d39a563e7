"""Merge tags of other tools in a template, each with what it is called here."""

import re
from collections.abc import Iterator

_TAGS = (
    re.compile(r"\*\|(?P<name>[A-Za-z0-9_]{1,60})\|\*"),
    re.compile(r"%%(?P<name>[A-Za-z][A-Za-z0-9_ ]{0,60})%%"),
    re.compile(r"\[\[(?P<name>[A-Za-z][A-Za-z0-9_.]{0,60})\]\]"),
    re.compile(r"(?<!\{)\{\$(?P<name>[A-Za-z][A-Za-z0-9_.]{0,60})\}"),
)
_LIQUID = re.compile(
    r"\{\{\s*(?P<name>[\w.]{1,80})\s*\|\s*(?P<filter>\w{1,40})\s*:\s*(?P<value>[^}|]{0,200}?)\s*(?:\|[^}]{0,200})?\}\}"
)
_LIQUID_TAG = re.compile(
    r"\{%-?\s*(?P<word>assign|capture|unless|case|when|comment|elsif|endunless|endcase|render)\b"
)
_HANDLEBARS = re.compile(r"\{\{\s*[#/^](?P<word>if|each|unless|with)\b[^}]{0,80}\}\}")
_KNOWN = {
    "fname": "first_name", "lname": "last_name", "email": "email", "email_address": "email",
    "emailaddr": "email", "firstname": "first_name", "lastname": "last_name",
    "unsub": "message.unsubscribe_url", "unsubscribe": "message.unsubscribe_url",
    "unsubscribe_url": "message.unsubscribe_url", "unsub_center_url": "message.preferences_url",
    "update_profile": "message.preferences_url", "archive": "message.view_url",
    "view_email_url": "message.view_url", "subscriberkey": "customer_id",
}  # fmt: skip
_WORDS = {
    "assign": "{% set name = value %}", "capture": "{% set name %}…{% endset %}", "unless": "{% if not … %}",
    "endunless": "{% endif %}", "elsif": "{% elif … %}", "case": "{% if … %}", "when": "{% elif … %}",
    "endcase": "{% endif %}", "comment": "{# … #}", "render": "{% include '…' %}", "if": "{% if … %}…{% endif %}",
    "each": "{% for one in … %}…{% endfor %}", "with": "{% with … %}…{% endwith %}",
}  # fmt: skip


def foreign_tags(source: str) -> list[tuple[int, str]]:
    """Merge tags of other tools that would go out as they stand: the line, and a sentence with the translation."""
    found = [(match, _ours(match["name"])) for pattern in _TAGS for match in pattern.finditer(source)]
    placed = sorted((match.start(), match[0], ours) for match, ours in found)
    return [
        (
            _line(source, start),
            f"{tag} is another tool's merge tag and would be printed as it stands; write {ours}",
        )
        for start, tag, ours in placed
    ]


def foreign_hint(source: str, line: int) -> str | None:
    """What a line that isn't valid Jinja2 means in Liquid or Handlebars, and what it is here; None: nothing known."""
    lines = source.splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return next(_hints(text), None)


def _hints(text: str) -> Iterator[str]:
    if match := _LIQUID.search(text):
        ours = f"{{{{ {match['name']}|{match['filter']}({match['value']}) }}}}"
        yield f"{match[0]} is Liquid; write {ours}"
    if match := _LIQUID_TAG.search(text):
        yield f"{match[0]} … is Liquid; write {_WORDS[match['word']]}"
    if match := _HANDLEBARS.search(text):
        yield f"{match[0]} is Handlebars; write {_WORDS[match['word']]}"


def _ours(name: str) -> str:
    lowered = name.lower().replace(" ", "_")
    return f"{{{{ {_KNOWN.get(lowered, lowered)} }}}}"


def _line(source: str, start: int) -> int:
    return source.count("\n", 0, start) + 1
