"""What tables and columns are, said in the database itself: `COMMENT ON`, with the words of docs/tables.md."""

import re
from collections.abc import Collection

from flows.warehouse import sql_text

_KIND = re.compile(r"^comment on \{(\w+)\}", re.MULTILINE)


_NAME = re.compile(r"^comment on (?:\{|column \")(\w+)")


def comments(views: Collection[str], only: Collection[str] | None = None) -> str:
    """The statements, for a database in which these names are views, and all others tables.

    Args:
        views: the names of views.
        only: the names of those that are told; None: all.
    """
    text = sql_text("store/comments.sql")
    if only is not None:
        found = ((line, _NAME.match(line)) for line in text.splitlines())
        text = "\n".join(line for line, name in found if name and name[1] in only)
    return _KIND.sub(lambda found: f"comment on {'view' if found[1] in views else 'table'}", text)
