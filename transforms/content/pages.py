"""Pages of our own: a template that is part of Onward, in which every value is escaped."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Template


def filled_page(source: str, values: Mapping[str, Any]) -> str:
    """A page of HTML.

    Args:
        source: a Jinja2 template of ours; what isn't among the values is a mistake in it, and raised.
        values: by name; texts are escaped, whatever is in them.
    """
    return _compiled(source).render(values)


@lru_cache(maxsize=8)
def _compiled(source: str) -> Template:
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.from_string(source)
