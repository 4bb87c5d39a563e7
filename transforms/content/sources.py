"""Sources of templates → parsed, or the fault that keeps them from being used, with its line."""

from itertools import islice

from jinja2 import TemplateSyntaxError, nodes

from transforms.content.errors import TemplateFault
from transforms.content.foreign import foreign_hint
from transforms.content.language import MOST_TAGS, MOST_TOKENS, first_fault
from transforms.content.sandbox import PLAIN

SOURCE_LIMIT = 500_000


def template_fault(source: str) -> tuple[int, str] | None:
    """What keeps an inline source from being used, and in which of its lines; None if nothing does."""
    try:
        parsed(source, "", wide=False)
    except TemplateFault as fault:
        return fault.line, fault.what
    return None


def parsed(source: str, file: str, *, wide: bool) -> nodes.Template:
    """A template's tree, if all of it may be used.

    Args:
        source: its text.
        file: what faults call it.
        wide: whether layouts, macros and `set` are allowed.

    Raises:
        TemplateFault: it isn't valid Jinja2, or uses what isn't allowed.
    """
    _check_size(source, file)
    try:
        if sum(1 for _ in islice(PLAIN.lexer.tokeniter(source, None), MOST_TOKENS + 1)) > MOST_TOKENS:
            raise TemplateFault(
                file, 1, f"more than {MOST_TOKENS:,} words and signs in its tags; split the template"
            )
        tree = PLAIN.parse(source)
    except TemplateSyntaxError as error:
        what = foreign_hint(source, error.lineno) or f"not a valid Jinja2 template: {error.message}"
        raise TemplateFault(file, error.lineno, what) from error
    except (RecursionError, MemoryError) as error:
        raise TemplateFault(file, 1, "nested too deep to be read; simplify it") from error
    except TemplateFault:
        raise
    except ValueError as error:
        raise TemplateFault(file, 1, f"can't be read ({error}); simplify it") from error
    if fault := first_fault(tree, wide=wide):
        raise TemplateFault(file, *fault)
    return tree


def _check_size(source: str, file: str) -> None:
    if len(source) > SOURCE_LIMIT:
        raise TemplateFault(file, 1, f"{len(source):,} characters; allowed are {SOURCE_LIMIT:,}")
    if (tags := source.count("{{") + source.count("{%")) > MOST_TAGS:
        raise TemplateFault(file, 1, f"{tags:,} placeholders and tags; allowed are {MOST_TAGS:,}")
