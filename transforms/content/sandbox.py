"""How templates read a customer's values: Jinja2's sandbox, in which names are JSON values and nothing else.

What a template may say is in language.py, what it may cost in budget.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from jinja2 import Template, TemplateNotFound, Undefined
from jinja2.environment import TemplateModule
from jinja2.runtime import BlockReference, Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing, pass_context
from markupsafe import Markup

from transforms.content.anything import Anything
from transforms.content.budget import current, deeper, handle, spend, write
from transforms.content.counting import SPEND, WEIGH, WEIGH_LOOP
from transforms.content.filters import filters, tests
from transforms.content.marks import marked
from transforms.content.values import Named, says_nothing

_NUMBER_LIMIT = 1e15
_LOOP = ("index", "index0", "first", "last", "length", "revindex", "revindex0")
_SAFE_STARTS = ("https://", "http://", "mailto:")


class _Missing(Undefined):
    """A placeholder without a value: prints as nothing and is recorded; `default` still sees it."""

    def __str__(self) -> str:
        current().missing.append(str(self._undefined_name))
        return ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined) or says_nothing(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()


class _Names(Context):
    """The names of one template; a value that says nothing is no value."""

    def resolve_or_missing(self, key: str) -> Any:
        """The value of a name, or the mark of there being none."""
        if key in self.vars:
            return self.vars[key]
        found = self.parent.get(key, missing)
        return missing if found is not missing and says_nothing(found) else found


class Sandbox(ImmutableSandboxedEnvironment):
    """Looks names up in JSON values only, never as Python attributes: `event.items` is a property.

    Attributes:
        parts: the compiled files that templates of this environment may name.
    """

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    context_class = _Names
    parts: Mapping[str, Template] = {}

    def of_folder(self, parts: Mapping[str, Template]) -> "Sandbox":
        """The same environment for templates that name the files of a folder."""
        made: Sandbox = self.overlay()
        made.parts = parts
        return made

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:  # noqa: A002, ARG002
        """A file of the folder, compiled before.

        Raises:
            TemplateNotFound: there is none of that name.
        """
        try:
            return self.parts[name]
        except KeyError:
            raise TemplateNotFound(name) from None

    def select_template(self, names: Any, parent: str | None = None, globals: Any = None) -> Template:  # noqa: A002, ARG002
        """The first of some files that there is.

        Raises:
            TemplateNotFound: there is none of these names.
        """
        found = next((name for name in names if name in self.parts), ", ".join(map(str, names)))
        return self.get_template(found)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`, for which null and blank text are as good as absent."""
        if isinstance(obj, Named):
            found = obj.values.get(argument)
            return self.undefined(name=f"{obj.name}.{argument}") if says_nothing(found) else found
        if isinstance(obj, Undefined | Anything):
            return obj
        found = _within(obj, argument)
        absent = found is None or (says_nothing(found) and not isinstance(obj, str))
        return self.undefined(name=str(argument)) if absent else found

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`, the same as `obj[attribute]`."""
        return self.getitem(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Numbers that aren't too large, or with `+` whatever can be added."""
        if operator == "+" and not (isinstance(left, int | float) and isinstance(right, int | float)):
            handle(left)
            handle(right)
        else:
            _check_number(operator, left)
            _check_number(operator, right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """A macro's or parent block's text; nothing else can be called."""
        if isinstance(__obj, Undefined):
            raise ValueError(f"there is no macro {__obj._undefined_name!r}")
        if not isinstance(__obj, Macro | BlockReference):
            raise ValueError("only macros can be called")
        with deeper():
            return __context.call(__obj, *args, **kwargs)


def _check_number(operator: str, operand: Any) -> None:
    if not isinstance(operand, int | float | Anything) or abs(operand) > _NUMBER_LIMIT:
        given = f"{str(operand)[:40]!r}" if operand is not None else "null"
        raise ValueError(f"{operator} works on numbers up to 1e15; given: {given}")


def _within(obj: Any, key: Any) -> Any:
    if isinstance(obj, dict | Mapping):  # dict first: of the other, Python asks a registry
        return obj.get(key)
    if isinstance(obj, LoopContext):
        return getattr(obj, key) if key in _LOOP else None
    if isinstance(obj, TemplateModule):
        return None if str(key).startswith("_") else vars(obj).get(key)
    if not isinstance(obj, Sequence) or not isinstance(key, int):
        return None
    return obj[key] if -len(obj) <= key < len(obj) else None


@pass_context
def _printed(_: Context, value: Any) -> str:
    """A value as people read it: 80 for 80.0, lists with commas; text that is already safe stays so."""
    text: str = value if isinstance(value, str) else _text(value)
    write(text)
    return text


@pass_context
def _html_part(context: Context, value: Any) -> str:
    text = _printed(context, value)
    if isinstance(text, Markup):
        return text
    if ":" in text and not text.startswith(_SAFE_STARTS):
        current().suspicious = True
    printed = current().printed
    return marked(printed, text) if text and printed is not None else text


def _text(value: Any) -> str:
    if value is None or isinstance(value, Undefined):
        return "" if value is None else str(value)
    if isinstance(value, float) and abs(value) < _NUMBER_LIMIT and value.is_integer():
        return str(int(value))
    if isinstance(value, bool | dict):
        handle(value)
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, Named):
        return _text(dict(value.values))
    if isinstance(value, list | tuple):
        handle(value)
        return ", ".join(one if isinstance(one, str) else _text(one) for one in value)
    return str(value)


def _weighed(value: Any) -> Any:
    """A value as it stands, its size paid for."""
    if isinstance(value, str | Sequence | Mapping):
        handle(value)
    return value


def _weighed_loop(value: Any) -> Any:
    """What a loop goes through, its length paid for.

    Raises:
        ValueError: it is nothing to go through.
    """
    if isinstance(value, Named):
        value = value.values
    if isinstance(value, str | Sequence | Mapping):
        spend((1 + len(value) // 64, 0))
    elif not isinstance(value, Undefined | Iterator):
        raise ValueError(f"a loop needs a list; given: {str(value)[:40]!r}")
    return value


def _environment(*, html: bool) -> Sandbox:
    made = Sandbox(
        optimized=False, autoescape=html, undefined=_Missing, finalize=_html_part if html else _printed,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    made.globals.clear()
    made.filters = {**filters(), SPEND: spend, WEIGH: _weighed, WEIGH_LOOP: _weighed_loop}
    made.tests = cast("Any", tests())
    return made


PLAIN = _environment(html=False)
ESCAPED = _environment(html=True)
"""The sandbox of plain text, and that of HTML."""
