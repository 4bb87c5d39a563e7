"""The rules of the house together."""

from tests.house import calls, files, imports
from tests.house.scan import House, Violation

RULES = (
    *(imports.rooms, imports.engine_doors, imports.purity, imports.owners),
    *(calls.duckdb, calls.purity, calls.row_loops),
    *(files.sql_rooms, files.sql_unnamed, files.docstrings, files.places),
)


def violations(house: House) -> list[Violation]:
    """Everything that breaks a rule, in the order of files."""
    found = [one for rule in RULES for one in rule(house)]
    return sorted(found, key=lambda one: (one.file, one.line))
