"""What a message says: its sources are compiled once, and rendered for each customer within a budget.

Placeholders are those of `values.Values`; what a template may say is in language.py, what it may cost in budget.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from transforms.content.bodies import text_like, with_inline_css, with_preheader
from transforms.content.budget import Run, Running
from transforms.content.errors import ContentError, SourceError
from transforms.content.folder import MJML, body, reachable, reached, template_files
from transforms.content.links import may_split_scheme, refused_link, unquoted_value
from transforms.content.mjml import compile_mjml
from transforms.content.names import UsedNames, names_in
from transforms.content.parts import Part, compile_files, compile_source, run_part
from transforms.content.sandbox import ESCAPED, PLAIN
from transforms.content.sources import parsed
from transforms.content.values import Values, named_values

SUBJECT_LIMIT = 900

_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_ADDRESS = re.compile(r"(?P<name>.*?)<(?P<address>[^<>{}]+)>\s*|(?P<bare>[^<>{}]+)", re.DOTALL)


@dataclass(frozen=True)
class ContentSource:
    """The sources of a message.

    Attributes:
        subject: the subject line.
        text: the text part; a template's own file wins over it.
        html: the HTML part, likewise.
        template: the id of a template in `files`.
        files: every file of the templates folder, name → text; inline sources need none.
        preheader: what mail programs show beside the subject.
        sender: the From address, instead of the settings' own; its name may hold placeholders.
        reply_to: where answers go, likewise.
        attachments: names of files in the templates folder.
        inline_css: whether the rules of `<style>` go into the HTML part's elements; None: in HTML yes, in MJML, which
            does that itself, no.
    """

    subject: str | None
    text: str | None
    html: str | None = None
    template: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    preheader: str | None = None
    sender: str | None = None
    reply_to: str | None = None
    attachments: tuple[str, ...] = ()
    inline_css: bool | None = None

    @property
    def version(self) -> str:
        """16 hex digits that change with anything that can reach a message made of this."""
        told = [self.subject, self.text, self.html, self.template, self.preheader, self.sender, self.reply_to]
        told += [*self.attachments, str(self.inline_css)]
        for name, text in sorted(files_of(self).items()):
            told += [name, text]
        return sha256("\0".join(map(repr, told)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Address:
    """A From or Reply-To address whose name may hold placeholders."""

    name: Part | None
    address: str


@dataclass(frozen=True)
class CompiledContent:
    """A message's parts, checked and compiled.

    Attributes:
        always_check: whether every HTML part must be looked through for links that run code.
        inline_css: whether CSS is inlined.
    """

    subject: Part
    text: Part | None
    html: Part | None
    preheader: Part | None = None
    sender: Address | None = None
    reply_to: Address | None = None
    attachments: tuple[str, ...] = ()
    always_check: bool = False
    inline_css: bool = False


@dataclass(frozen=True)
class Rendered:
    """A message for one customer.

    Attributes:
        missing: the placeholders that had no value, in order of use.
        attachments: names of files in the templates folder.
    """

    subject: str
    text: str
    html: str | None
    missing: tuple[str, ...]
    preheader: str = ""
    sender: str | None = None
    reply_to: str | None = None
    attachments: tuple[str, ...] = ()


def compile_content(source: ContentSource) -> CompiledContent:
    """Check and compile a message's sources.

    Raises:
        ContentError: a source isn't valid, uses what isn't allowed, or neither body is there.
    """
    html, text = _html_part(source), _text_part(source)
    if text is None and html is None:
        raise ContentError(
            "a message needs a body: inline content, or a .txt.j2, .html.j2 or .mjml.j2 template"
        )
    is_mjml = html is not None and html.name.endswith(MJML)
    return CompiledContent(
        compile_source(PLAIN, "subject", source.subject or ""), text, html,
        compile_source(PLAIN, "preheader", source.preheader) if source.preheader else None,
        _address("from", source.sender), _address("reply_to", source.reply_to), source.attachments,
        any(map(may_split_scheme, [source.html or "", *files_of(source).values()])),
        not is_mjml if source.inline_css is None else source.inline_css,
    )  # fmt: skip


def render(compiled: CompiledContent, values: Values) -> Rendered:
    """Render a message for one customer; null and blank text are as good as absent.

    Raises:
        ContentError: the values don't fit the template, a link of theirs runs code, or it costs too much.
    """
    return render_named(compiled, named_values(values), values)


def render_named(compiled: CompiledContent, named: dict[str, Any], values: Values) -> Rendered:
    """As `render`, with the names of the values given."""
    campaign = values.execution.get("workflow_id")
    run = Run(locale=str(values.locale)[:20], timezone=str(values.timezone), campaign=campaign)
    with Running(run):
        subject = _one_line(compiled.subject, named)
        preheader = "" if compiled.preheader is None else _one_line(compiled.preheader, named)
        sender, reply_to = (_addressed(one, named) for one in (compiled.sender, compiled.reply_to))
        text = None if compiled.text is None else run_part(compiled.text, named)
        html = (
            None if compiled.html is None else _html(compiled.html, run, named, always=compiled.always_check)
        )
    if len(subject) > SUBJECT_LIMIT:
        raise ContentError(f"subject: {len(subject):,} characters came out; allowed are {SUBJECT_LIMIT:,}")
    if text is None:
        assert compiled.html is not None
        text = text_like(compiled.html, html or "", named, run)
    if html is not None:
        html = with_preheader(with_inline_css(html) if compiled.inline_css else html, preheader)
    missing = tuple(dict.fromkeys(run.missing))
    return Rendered(subject, text, html, missing, preheader, sender, reply_to, compiled.attachments)


def used_names(compiled: CompiledContent) -> UsedNames:
    """What of a customer and an event a message can say, told without rendering it."""
    return names_in(tree for part in parts_of(compiled) for tree in part.trees.values())


def parts_of(compiled: CompiledContent) -> list[Part]:
    """Everything of a message that is rendered."""
    addresses = [one.name for one in (compiled.sender, compiled.reply_to) if one]
    parts = [compiled.subject, compiled.text, compiled.html, compiled.preheader, *addresses]
    return [part for part in parts if part]


def files_of(source: ContentSource) -> dict[str, str]:
    """The files that can reach the message."""
    if source.template is None:
        return {}
    found: dict[str, str] = {}
    for name in template_files(source.template, source.files).all:
        found |= {one: source.files[one] for one in reached(name, source.files)}
    return found


def _html_part(source: ContentSource) -> Part | None:
    name = template_files(source.template, source.files).html if source.template else None
    if name is None:
        _check_quotes({"html": source.html or ""})
        return None if source.html is None else compile_source(ESCAPED, "html", source.html)
    trees = reachable(name, source.files)
    _check_quotes({one: source.files[one] for one in trees})
    if not name.endswith(MJML):
        return compile_files(ESCAPED, name, trees)
    made = compile_mjml(name, {one: body(source.files[one]) for one in trees})
    try:
        trees[name] = parsed(made.source, name, wide=True)
    except SourceError as fault:
        raise SourceError(*made.origins.get(fault.line, (name, 1)), fault.what) from fault
    return compile_files(ESCAPED, name, trees, made.origins)


def _check_quotes(sources: Mapping[str, str]) -> None:
    for name, source in sources.items():
        if line := unquoted_value(source):
            what = "the value of an attribute needs quotes around its placeholder, or a blank in it ends it"
            raise SourceError(name, line, what)


def _text_part(source: ContentSource) -> Part | None:
    name = template_files(source.template, source.files).text if source.template else None
    if name is None:
        return None if source.text is None else compile_source(PLAIN, "text", source.text)
    return compile_files(PLAIN, name, reachable(name, source.files))


def _html(part: Part, run: Run, named: dict[str, Any], *, always: bool) -> str:
    html = run_part(part, named)
    if (run.suspicious or always) and (link := refused_link(html)):
        raise SourceError(part.name, 1, f"the link {link[:60]!r} could run code; allowed: https, mailto, tel")
    return html


def _address(part: str, given: str | None) -> Address | None:
    if given is None:
        return None
    found = _ADDRESS.fullmatch(given)
    if found is None:
        raise SourceError(
            part, 1, f"{given!r} isn't `Name <name@example.com>`; only the name may hold placeholders"
        )
    name = (found["name"] or "").strip().strip('"')
    address = (found["address"] or found["bare"]).strip()
    return Address(compile_source(PLAIN, part, name) if name else None, address)


def _addressed(given: Address | None, named: dict[str, Any]) -> str | None:
    if given is None:
        return None
    if given.name is None:
        return given.address
    name = _one_line(given.name, named).replace("\\", "").replace('"', "'")
    return f'"{name}" <{given.address}>' if name else given.address


def _one_line(part: Part, named: dict[str, Any]) -> str:
    return _CONTROLS.sub(" ", run_part(part, named)).strip(" ")
