"""What tables and columns are, said in the database itself: `COMMENT ON`, with the words of docs/tables.md."""

import re
from collections.abc import Collection

from flows.warehouse import sql_text

_KIND = re.compile(r"^comment on \{(\w+)\}", re.MULTILINE)


def comments(views: Collection[str]) -> str:
    """The statements, for a database in which these names are views, and all others tables."""
    return _KIND.sub(
        lambda found: f"comment on {'view' if found[1] in views else 'table'}", sql_text("store/comments.sql")
    )
