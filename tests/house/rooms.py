"""The rooms of the house, as data: which room may import which, and what only some may import or run.

A room is a package right under `flows/`, `transforms/` or `transforms/engine/`, or one of the modules named here.
What a room is for is the first line of its docstring; `purpose` reads it from there, so it is said once.
"""

import ast
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TRANSFORMS = {
    "columns": "",
    "tables": "",
    "content": "",
    "timing": "columns",
    "people": "columns",
    "definitions": "timing content",
    "signals": "definitions timing columns tables",
    "program": "signals definitions people timing columns",
    "engine": "program signals timing columns tables",
    "lint": "program signals definitions people timing columns",
    "delivery": "content program definitions people timing columns tables",
    "answers": "engine program signals definitions timing columns tables",
}
"""Room of `transforms/` → the rooms of `transforms/` that it may import, besides itself."""

ENGINE = {
    "state": "",
    "lanes": "state",
    "introductions": "state",
    "layout": "lanes introductions state",
    "waves": "lanes state",
    "ledger": "layout waves lanes state",
    "recorder": "lanes state",
    "tally": "lanes state",
    "decide": "ledger recorder layout waves lanes introductions state",
    "fold": "ledger layout waves lanes introductions state",
}
"""The same within `transforms/engine/`."""

ENGINE_DOORS = ("state", "decide", "fold", "ledger", "recorder", "tally")
"""What of the engine is imported from outside it."""

SIDE_DOORS = {
    "transforms.engine.layout.reach": ("flows.decide",),
    "transforms.engine.layout.cron_reach": ("flows.decide",),
}
"""Modules behind the doors, and the rooms that may import them all the same."""

GROUND = (
    "errors interrupts session summary sending secrets setting_faults settings files fitting processes warehouse "
    "arguments"
)
"""The modules of `flows/` that all its rooms stand on."""

FLOWS = {
    "errors": "",
    "interrupts": "errors",
    "summary": "",
    "fitting": "",
    "files": "errors",
    "processes": "errors",
    "sending": "",
    "secrets": "errors",
    "setting_faults": "",
    "settings": "setting_faults sending errors",
    "session": "settings",
    "warehouse": "files errors",
    "arguments": "settings errors",
    "store": f"history {GROUND}",
    "buckets": GROUND,
    "history": f"buckets {GROUND}",
    "definitions": f"store {GROUND}",
    "formats": GROUND,
    "inbox": f"formats store {GROUND}",
    "decide": f"definitions buckets store {GROUND}",
    "delivery": f"definitions store {GROUND}",
    "backtest": f"history formats decide definitions buckets store {GROUND}",
    "tick": f"inbox decide delivery definitions store {GROUND}",
    "reports": f"backtest history formats decide delivery definitions buckets store {GROUND}",
    "project": GROUND,
    "overview": f"inbox delivery definitions store {GROUND}",
    "site": f"overview reports definitions store {GROUND}",
    "weekly": f"overview reports delivery store {GROUND}",
    "serve": f"backtest tick reports weekly store {GROUND}",
    "scenarios": f"backtest inbox formats decide delivery definitions buckets store {GROUND}",
    "commands": f"project site overview scenarios serve weekly reports tick backtest history delivery decide inbox "
    f"formats definitions buckets store {GROUND}",
    "cli": f"commands {GROUND}",
    "__main__": "cli interrupts",
}
"""Room or module of `flows/` → those of `flows/` that it may import. Every room may import `transforms/`."""

OWNERS = {
    "altair": ("flows.reports.charts",),
    "vl_convert": ("flows.reports.charts",),
    "prefect": ("flows.serve", "flows.secrets"),
    "boto3": ("flows.delivery.senders.ses",),
    "botocore": ("flows.delivery.senders.ses",),
    "jinja2": ("transforms.content",),
    "sqlite3": (
        "flows.store",
        "flows.delivery.ledger_database",
        "flows.delivery.send_ledger",
        "flows.delivery.ledger_schema",
    ),
}
"""A package from elsewhere → the rooms or modules that may import it."""

OPENS_DUCKDB = "flows.warehouse"

BY_VALUE = ("transforms.engine.layout.encode", "transforms.columns.json_values")
"""Where `transforms/` may loop over rows: over kinds of facts and distinct values, however many customers there are."""

WORLDLY = {
    *("duckdb", "httpx", "prefect", "os", "pathlib", "time", "logging", "random", "sqlite3", "subprocess"),
    *("socket", "requests", "http", "io", "shutil", "tempfile", "secrets", "uuid"),
}
"""What `transforms/` may not import: the disk, the network, the clock and chance."""

SQL_GUESTS = {"reports": ("flows.store",)}
"""A folder of `sql/` → rooms that name its files besides the room of its name: the store makes the views."""

MODULES = {
    "transforms": "",
    "transforms.engine": "state introductions decide fold ledger recorder tally",
    "flows": f"{GROUND} cli __main__",
}
"""The modules that are rooms by themselves; every other room is a package, and no other file lies beside them."""


ROOMS = {
    f"{folder}.{room}": frozenset(f"{folder}.{one}" for one in may.split())
    for folder, rooms in (("transforms", TRANSFORMS), ("transforms.engine", ENGINE), ("flows", FLOWS))
    for room, may in rooms.items()
}
"""Every room by its dotted name → the rooms of its own folder that it may import."""


def purpose(room: str, root: Path = ROOT) -> str:
    """What a room is for: the first line of its docstring, without the full stop."""
    path = root.joinpath(*room.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return told.partition("\n")[0].removesuffix(".")


def room_of(module: str, folder: str) -> str | None:
    """The room right under `folder` that a module belongs to, both dotted; none for the folder and what's elsewhere."""
    inner = module.removeprefix(f"{folder}.")
    return None if inner == module else f"{folder}.{inner.partition('.')[0]}"


def short(room: str) -> str:
    """The name without its folder, as people say it."""
    return room.removeprefix("transforms.").removeprefix("flows.")


def listed(rooms: Iterable[str]) -> str:
    """The short names in one line."""
    return ", ".join(sorted(map(short, rooms))) or "none of the others"
