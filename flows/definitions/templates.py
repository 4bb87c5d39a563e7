"""The templates folder: its files as texts, what a message's files and front matter make, and every fault of them."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import InputError
from transforms.content.errors import ContentError, SourceError
from transforms.content.folder import MJML, front_matter, names_of, reached, template_files, template_ids
from transforms.content.foreign import foreign_tags
from transforms.definitions.actions import Message, SendEmail
from transforms.definitions.base import advice
from transforms.definitions.faults import DefinitionError
from transforms.definitions.front_matter import FrontMatter
from transforms.definitions.reading import read_front_matter
from transforms.definitions.walk import named_steps
from transforms.definitions.workflow import Workflow

if TYPE_CHECKING:
    from transforms.content.templates import ContentSource

SUFFIX = ".j2"
BARE = (".html", ".mjml", ".txt")
MAX_BYTES = 4 * 1024**2
MOST_BYTES = 64 * 1024**2
MOST_FILES = 5_000


class Templates(dict[str, str]):
    """The template files of a folder, name → text; those in folders of it as `folder/name`.

    Attributes:
        folder: where they were read.
        unreadable: the names of those that couldn't be read, each with the line and the reason.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.unreadable: dict[str, tuple[int, int, str]] = {}


def read_templates(folder: Path) -> Templates:
    """Every template file (`.j2`) of a folder; of one that isn't there, none.

    Raises:
        InputError: they are more, or larger together, than templates are.
    """
    found = Templates(folder)
    total = 0
    for number, path in enumerate(_files(folder)):
        content = _bytes(found, path)
        total += len(content or b"")
        if number >= MOST_FILES or total > MOST_BYTES:
            most = f"{MOST_FILES:,} template files, {MOST_BYTES:,} bytes together"
            raise InputError(f"{folder}: more than {most}; move away what isn't a template")
        if content is not None:
            _take(found, path.relative_to(folder).as_posix(), content)
    return found


def template_source(
    templates: Templates, template: str, subject: str | None, text: str | None
) -> "ContentSource":
    """The sources of a message with a template.

    Args:
        templates: the folder's files.
        template: the template's id.
        subject: the step's own, which wins over the front matter's.
        text: the step's own content, the text part where no file is.

    Raises:
        ContentError: a file of it can't be read, or its front matter isn't valid.
    """
    from transforms.content.templates import ContentSource

    files = template_files(template, templates.keys() | templates.unreadable.keys())
    for name in files.all:
        if name in templates.unreadable:
            line, _, what = templates.unreadable[name]
            raise SourceError(name, line, what)
    try:
        told = [_told(templates, name) for name in files.all]
    except DefinitionError as error:
        raise ContentError(str(error)) from error
    given = {
        key: value for one in reversed(told) for key, value in one.model_dump(exclude_unset=True).items()
    }
    own = given.pop("subject", None)
    return ContentSource(subject or own, text, None, template, templates, **given)


def check_templates(templates: Templates, *, thorough: bool = False) -> tuple[frozenset[str], list[str]]:
    """The ids of the valid templates, and every fault of the others as `file:line:column what`.

    Args:
        templates: the folder's files.
        thorough: whether each is also rendered for sample customers.
    """
    faults = [
        f"{templates.folder / name}:{line}:{column} {what}"
        for name, (line, column, what) in _unread(templates)
    ]
    wrong = set(templates.unreadable)
    for name in templates:
        if found := list(_faults(templates, name)):
            wrong.add(name)
            faults += found
    names = templates.keys() | templates.unreadable.keys()
    valid = {one for one in template_ids(names) if not wrong.intersection(_names(one, names))}
    if thorough:
        for one in sorted(valid & _roots(templates)):
            if found := list(_sample_faults(templates, one)):
                valid.discard(one)
                faults += found
    return frozenset(valid), list(dict.fromkeys(faults))


def template_warnings(templates: Templates) -> list[str]:
    """Merge tags of other tools in template files, and files that are likely meant as templates, one sentence each."""
    tags = [
        f"{templates.folder / name}:{line}:1 {what}"
        for name, text in templates.items()
        for line, what in foreign_tags(text)
    ]
    return [*tags, *_misnamed(templates)]


def inline_faults(workflow: Workflow) -> list[str]:
    """What of the messages written in a workflow itself can never be rendered, each with branch and step."""
    from transforms.content.templates import ContentSource

    return [
        f"{where}: {fault}"
        for where, message in _inline(workflow)
        for fault in _never(ContentSource(message.subject, message.content or ""))
    ]


def inline_warnings(workflow: Workflow) -> list[str]:
    """Merge tags of other tools in the messages written in a workflow itself, one sentence each."""
    return [
        f"{workflow.workflow_id}: {where}: {what}"
        for where, message in _inline(workflow)
        for text in (message.subject, message.content)
        for _, what in foreign_tags(text or "")
    ]


def template_doubts(workflow: Workflow, templates: Collection[str]) -> list[str]:
    """Templates that messages name and that aren't there, so that their content is sent instead, one sentence each.

    Args:
        workflow: a valid one: whatever names no template has content.
        templates: the ids of the valid templates.
    """
    return [
        f"{workflow.workflow_id}: {where}: no valid template {one.template_id!r}, so the step's content is sent; "
        f"{advice(one.template_id, sorted(templates))}"
        for where, message in _inline(workflow)
        for one in (message, *message.variants)
        if one.template_id is not None and one.template_id not in templates
    ]


def _inline(workflow: Workflow) -> Iterator[tuple[str, Message]]:
    for branch, step, action in named_steps(workflow):
        if isinstance(action, SendEmail):
            yield f"branch {branch}, step {step}", action.config


def _files(folder: Path) -> list[Path]:
    found = folder.rglob(f"*{SUFFIX}") if folder.is_dir() else []
    return sorted(one for one in found if not _is_hidden(one.relative_to(folder)) and one.is_file())


def _misnamed(templates: Templates) -> Iterator[str]:
    """Files that would be templates if their names ended so, and go along with no message."""
    named = {one.removesuffix(SUFFIX) for one in templates}
    said = "\n".join(templates.values())
    for suffix in BARE:
        for path in sorted(templates.folder.rglob(f"*{suffix}")):
            name = path.relative_to(templates.folder).as_posix()
            if name not in named and name not in said and not _is_hidden(Path(name)):
                yield f"{path}:1:1 isn't read as a template; if it is one, name it {path.name}{SUFFIX}"


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _bytes(found: Templates, path: Path) -> bytes | None:
    name = path.relative_to(found.folder).as_posix()
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        found.unreadable[name] = 1, 1, f"can't be read: {error.strerror}"
        return None
    if len(content) > MAX_BYTES:
        found.unreadable[name] = 1, 1, f"more than {MAX_BYTES:,} bytes; allowed: at most that many"
        return None
    return content


def _take(found: Templates, name: str, content: bytes) -> None:
    try:
        found[name] = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        found.unreadable[name] = line, column, "not UTF-8 text; save the file as UTF-8"


def _told(templates: Templates, name: str) -> FrontMatter:
    text = front_matter(templates[name])
    return FrontMatter() if text is None else read_front_matter(text, str(templates.folder / name))


def _unread(templates: Templates) -> list[tuple[str, tuple[int, int, str]]]:
    return sorted(templates.unreadable.items())


def _faults(templates: Templates, name: str) -> Iterator[str]:
    try:
        _told(templates, name)
    except DefinitionError as error:
        yield from map(str, error.faults)
    try:
        template_files(name.removesuffix(MJML), templates)
        reached(name, templates)
    except SourceError as fault:
        yield _shown(templates, fault)


def _shown(templates: Templates, fault: ContentError) -> str:
    if isinstance(fault, SourceError) and fault.file in templates:
        return f"{templates.folder / fault.file}:{fault.line}:1 {fault.what}"
    return f"{templates.folder}: {fault}"


def _names(template: str, files: Collection[str]) -> tuple[str, ...]:
    try:
        return template_files(template, files).all
    except SourceError as fault:
        return (fault.file,)


def _roots(templates: Templates) -> frozenset[str]:
    """The ids of templates that no other file names: what isn't a layout or a partial."""
    named = {other for name in templates for other in names_of(name, templates)}
    return template_ids(name for name in templates if name not in named) - template_ids(named)


def _sample_faults(templates: Templates, template: str) -> Iterator[str]:
    yield from _attachment_faults(templates, template)
    for fault in _never(template_source(templates, template, None, None)):
        shown = _shown(templates, fault)
        yield (
            shown if isinstance(fault, SourceError) and fault.file in templates else f"{shown} ({template})"
        )


def _attachment_faults(templates: Templates, template: str) -> Iterator[str]:
    """Files that are named to go along and aren't there, each at the line of the front matter that says so."""
    for name in template_files(template, templates).all:
        for one in _told(templates, name).attachments:
            if not (templates.folder / one).is_file():
                lines = templates[name].splitlines()
                line = next(n for n, text in enumerate(lines, 1) if "attachments" in text)
                yield (
                    f"{templates.folder / name}:{line}:1 attachments: there is no file {templates.folder / one}; "
                    "put it there"
                )


def _never(source: "ContentSource") -> list[ContentError]:
    """Why a message can never be rendered; empty: it can."""
    from transforms.content.samples import sample_faults
    from transforms.content.templates import compile_content

    try:
        return sample_faults(compile_content(source))
    except ContentError as error:
        return [error]
