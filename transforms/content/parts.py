"""The parts of a message: a template compiled with the files that it names, and rendered within its budget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Template, TemplateError, TemplateNotFound, nodes
from jinja2.meta import find_undeclared_variables

from transforms.content.counting import counted
from transforms.content.errors import SourceError
from transforms.content.sandbox import Sandbox
from transforms.content.sources import parsed

Origins = Mapping[int, tuple[str, int]]
"""Line of what MJML was made into → the file and line that it comes from."""


_CONTROLS = bytes([*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])


@dataclass(frozen=True)
class Part:
    """A compiled part.

    Attributes:
        name: what it is called: `subject`, `text`, `html`, or the name of its file.
        template: what renders it.
        trees: the template and the files that it names, parsed.
        files: those files, compiled.
        origins: where its lines come from, if it was made from MJML.
    """

    name: str
    template: Template
    trees: Mapping[str, nodes.Template]
    files: Mapping[str, Template] = field(default_factory=dict)
    origins: Origins = field(default_factory=dict)


def compile_source(environment: Sandbox, part: str, source: str) -> Part:
    """An inline source, of the narrow language.

    Raises:
        SourceError: it can't be used.
    """
    tree = parsed(source, part, wide=False)
    return Part(part, _compiled(environment, part, tree), {part: tree})


def compile_files(
    environment: Sandbox, name: str, trees: Mapping[str, nodes.Template], origins: Origins | None = None
) -> Part:
    """A template file with the files that it names.

    Args:
        environment: of text or of HTML.
        name: which of them is the template.
        trees: all of them, parsed.
        origins: see `Part`.

    Raises:
        SourceError: one of them can't be compiled.
    """
    files: dict[str, Template] = {}
    own = environment.of_folder(files)
    free = cache(lambda one: one not in trees or _free_names(trees[one]))
    for tree in trees.values():
        _let_macros_see(tree, free)
    for one, tree in trees.items():
        files[one] = _compiled(own, one, tree)
    return Part(name, files[name], trees, files, origins or {})


def run_part(part: Part, values: dict[str, Any]) -> str:
    """A part's text for one customer, in the render that is under way.

    Raises:
        SourceError: the values don't fit the template, or it costs too much.
    """
    try:
        found = "".join(part.template.root_render_func(part.template.new_context(values, shared=True)))
    except Exception as error:  # whatever a value does to an expression, it is this message's fault alone
        raise SourceError(*_place(part, error), _what(error)) from error
    return sendable(found)


def sendable(text: str) -> str:
    """A text without what no mail can hold: control characters go, lone surrogates are replaced (RFC 5322 §2.3)."""
    raw = text.encode("utf-8", "surrogatepass")
    clean = raw.translate(None, _CONTROLS)  # four times as fast as a regular expression
    plain = text if len(clean) == len(raw) else clean.decode("utf-8", "surrogatepass")
    return plain if plain.isascii() else plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _compiled(environment: Sandbox, name: str, tree: nodes.Template) -> Template:
    try:
        code = environment.compile(counted(tree), name, name)
    except TemplateError as error:
        raise SourceError(name, getattr(error, "lineno", 1), str(error.message)) from error
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        raise SourceError(name, 1, f"can't be compiled ({type(error).__name__}); simplify it") from error
    return Template.from_code(environment, code, {})


def _free_names(tree: nodes.Template) -> bool:
    """Whether a file says something of a customer, so that its macros must see the values."""
    return bool(find_undeclared_variables(tree)) or any(
        tree.find_all((nodes.Include, nodes.Import, nodes.FromImport))
    )


def _let_macros_see(tree: nodes.Template, free: Callable[[str], bool]) -> None:
    """Let files be imported with the customer's values where they use them, once for all customers where they don't."""
    for node in tree.find_all((nodes.Import, nodes.FromImport)):
        if isinstance(node, nodes.Import | nodes.FromImport) and isinstance(node.template, nodes.Const):
            node.with_context = free(node.template.value)


def _place(part: Part, error: BaseException) -> tuple[str, int]:
    """Where a render broke off: the innermost line of a template on the way to the error."""
    found = part.name, 1
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        template = part.files.get(name) or (part.template if name == part.name else None)
        if template is not None:
            line = template.get_corresponding_lineno(trace.tb_lineno)
            found = part.origins.get(line, (name, line)) if name == part.name else (name, line)
        trace = trace.tb_next
    return found


def _what(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no file {error.name!r}"
    if isinstance(error, RecursionError):
        return "blocks or values are nested too deep"
    return str(error) or type(error).__name__
