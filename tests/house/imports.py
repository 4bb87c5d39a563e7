"""Rules of imports: between rooms, of the engine, of packages from elsewhere; what `transforms/` may not reach."""

from collections.abc import Iterable, Iterator

from tests.house.rooms import ENGINE_DOORS, OWNERS, ROOMS, SIDE_DOORS, WORLDLY, listed, room_of, short
from tests.house.scan import House, Module, Violation


def rooms(house: House) -> Iterator[Violation]:
    """A room imports itself and the rooms of its row; `transforms/` nothing of `flows/`."""
    for module, target, line in house.imports:
        for folder in ("flows", "transforms", "transforms.engine"):
            own, other = room_of(module.name, folder), room_of(target, folder)
            if own and other and own != other and other not in ROOMS.get(own, ()):
                rule = f"{short(own)} imports {listed(ROOMS.get(own, ()))}"
                yield _imported(module, line, target, rule, _who_may(other))
        if module.name.startswith("transforms") and room_of(f"{target}.", "flows"):
            rule = "transforms/ is pure: it imports nothing of flows/"
            yield _imported(module, line, target, rule, "It belongs in flows/.")


def engine_doors(house: House) -> Iterator[Violation]:
    """Outside the engine only its doors are imported, and side doors by those who have the key."""
    for module, target, line in house.imports:
        room = room_of(target, "transforms.engine")
        if not room or module.name.startswith("transforms.engine"):
            continue
        if _in(module.name, SIDE_DOORS.get(target, ())):
            continue
        if room.rpartition(".")[2] not in ENGINE_DOORS:
            rule = f"of the engine, others import {listed(ENGINE_DOORS)}"
            yield _imported(
                module, line, target, rule, "It belongs in transforms/engine/, or behind one of these."
            )


def purity(house: House) -> Iterator[Violation]:
    """`transforms/` imports nothing that reaches the world."""
    for module, target, line in house.imports:
        if module.name.startswith("transforms") and target.partition(".")[0] in WORLDLY:
            rule = "transforms/ is pure: no disk, network, clock or chance"
            yield _imported(module, line, target, rule, "It belongs in flows/.")


def owners(house: House) -> Iterator[Violation]:
    """Packages that only some rooms import."""
    for module, target, line in house.imports:
        package = target.partition(".")[0]
        if package in OWNERS and not _in(module.name, OWNERS[package]):
            rule = f"{package} is imported in {listed(OWNERS[package])} only"
            yield _imported(module, line, target, rule, f"It belongs in {listed(OWNERS[package])}.")


def _imported(module: Module, line: int, target: str, rule: str, where: str) -> Violation:
    return Violation(module.file, line, f"imports {target}", rule, where)


def _who_may(room: str) -> str:
    may = [one for one, others in ROOMS.items() if room in others]
    return f"{short(room)} may be imported in {listed(may)}."


def _in(module: str, places: Iterable[str]) -> bool:
    return any(f"{module}.".startswith(f"{place}.") for place in places)
