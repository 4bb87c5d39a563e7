"""Rules of files: who runs which file of `sql/`, what an `__init__` holds, what lies beside the rooms."""

import ast
from collections.abc import Iterator

from tests.house.rooms import MODULES, ROOMS, SQL_GUESTS, listed, room_of
from tests.house.scan import House, Violation


def sql_rooms(house: House) -> Iterator[Violation]:
    """A room runs the files of its own folder of `sql/`, and every name is a file's."""
    for module, named in house.sql_names:
        what = f"names sql/{named.text}"
        if not named.files:
            rule = "what a module names is there"
            yield Violation(module.file, named.line, what, rule, "No file of sql/ has such a name.")
        for folder in sorted({file.partition("/")[0] for file in named.files}):
            may = (f"flows.{folder}", *SQL_GUESTS.get(folder, ()))
            if room_of(module.name, "flows") not in may:
                rule = "a room runs the files of its own folder of sql/"
                yield Violation(
                    module.file, named.line, what, rule, f"sql/{folder}/ is run by {listed(may)}."
                )


def sql_unnamed(house: House) -> Iterator[Violation]:
    """Every file of `sql/` is named by some module."""
    named = {file for _, one in house.sql_names for file in one.files}
    for file in house.sql:
        if file not in named:
            rule = "every file of sql/ is named by some module"
            where = f"Delete it, or run it in flows/{file.partition('/')[0]}/."
            yield Violation(f"sql/{file}", 1, "nobody names it", rule, where)


def docstrings(house: House) -> Iterator[Violation]:
    """The `__init__` of a package is one docstring."""
    for module in house.modules.values():
        if module.is_package and not (len(module.tree.body) == 1 and ast.get_docstring(module.tree)):
            rule = "the __init__ of a room is one docstring that says what the room is for"
            where = "Code belongs in a module of the room."
            yield Violation(module.file, 1, "is something else than one docstring", rule, where)


def places(house: House) -> Iterator[Violation]:
    """Beside the rooms lie no files but the modules that are rooms by themselves; no folder is without a row."""
    for folder, modules in MODULES.items():
        files = {"__init__.py", "py.typed", *(f"{one}.py" for one in modules.split())}
        rooms = {room.rpartition(".")[2] for room in ROOMS if room.rpartition(".")[0] == folder}
        rooms -= set(modules.split())
        for path in sorted(house.root.joinpath(*folder.split(".")).glob("*")):
            if path.name not in (rooms | {"__pycache__"} if path.is_dir() else files):
                rule = "every file lies in a room, and every room has a row in tests/house/rooms.py"
                where = f"Rooms of {folder}/: {listed(rooms)}; beside them: {listed(files)}."
                yield Violation(path.relative_to(house.root).as_posix(), 1, "isn't a room's", rule, where)
