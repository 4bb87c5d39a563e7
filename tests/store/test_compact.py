"""Compaction: fewer files say the same, beside ticks, and whenever it is killed."""

import itertools
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import polars as pl
import pytest

from flows.backtest.archive import lay_out_archive
from flows.store import compact as compacting
from flows.store.check import check
from flows.store.compact import COMPACT_LOCK, Compacted, compact
from flows.store.ledger import BASE, CURRENT, ledger_folder
from flows.store.lock import RunInProgressError, run_lock
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, tag, wait, workflow
from tests.store.agreement import assert_current
from tests.tick.test_named_points import kill_at

CROWD = [f"c{number:02d}" for number in range(30)]
WORKFLOWS = [
    workflow(send("hello", subject="Hi", content="x"), wait("1h"), tag("t"), wait("2h"), tag("u")),
    workflow(
        tag("plan"),
        workflow_id="plans",
        triggers=[{"type": "attribute_change", "config": {"attribute": "plan"}}],
    ),
]
POINTS = (
    "flows.store.compact:name_files",
    "flows.store.compact:_merged",
    "flows.store.compact:_replace",
    "flows.store.compact:_remove",
    "flows.store.compact:publish",
    "flows.store.state_file:StateFile._commit",
    "flows.backtest.archive:write_history",
    "flows.backtest.archive:count_on",
)


def lived(root: Path, ticks: int = 6) -> House:
    """A house after some ticks, each with files of its own."""
    home = house(root, *WORKFLOWS)
    home.customers("people", *(person(who, plan="free") for who in CROWD))
    for number in range(ticks):
        goes_on(home, number)
    return home


def goes_on(home: House, number: int) -> None:
    """A tick that changes some customers."""
    some = CROWD[number::5]
    home.events(
        f"go-{number}", *(event("go", at(20 * number + 1), who, event_id=f"{number}-{who}") for who in some)
    )
    if number % 3 == 2:
        home.customers(f"plans-{number}", *(person(who, plan=f"pro {number}") for who in some))
    home.tick(at(20 * number + 10))


def files_of(home: House) -> pl.DataFrame:
    """The files that count."""
    columns = ["name", "relation", "level", "rows"]
    rows = home.rows(f"select {', '.join(columns)} from internal.files")
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_fewer_files_say_the_same(tmp_path: Path) -> None:
    home = lived(tmp_path)
    before, reports = home.frames(), reports_of(home)
    done = compact(home.settings)
    assert done.after < done.before / 3
    files = files_of(home)
    assert files["relation"].is_unique().all()
    assert files.filter(pl.col("relation").is_in(CURRENT))["level"].unique().to_list() == [BASE]
    assert unchanged(before, home.frames()) == []
    assert reports_of(home) == reports
    assert_current(home)
    again = compact(home.settings)
    assert (again.before, again.after) == (done.after, done.after)
    goes_on(home, 6)
    goes_on(home, 7)
    compact(home.settings)
    assert_current(home)


def reports_of(home: House) -> list[list[tuple[object, ...]]]:
    names = ("report_drop_off", "report_workflow_summary", "report_messages_daily", "customers")
    return [home.rows(f"from {name} order by all") for name in names]


def unchanged(before: dict[str, pl.DataFrame], after: dict[str, pl.DataFrame]) -> list[str]:
    """The tables that differ."""
    return [name for name in before if not before[name].equals(after[name])]


def test_large_files_stay_and_customers_lie_in_several_by_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "LARGE", 10)
    home = lived(tmp_path)
    before = home.frames()
    compact(home.settings)
    files = files_of(home).filter(relation="profiles")
    assert len(files) > 2
    held = [pl.read_parquet(ledger_folder(home.settings) / name)["customer_key"] for name in files["name"]]
    spans = sorted((int(keys.min() or 0), int(keys.max() or 0)) for keys in held)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))
    assert unchanged(before, home.frames()) == []
    assert_current(home)


def while_merging(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Let something happen after new files are written and before they count."""
    merged = compacting._based

    def then(*given: object) -> object:
        found = list(merged(*given))  # type: ignore[arg-type]
        meanwhile()
        return found

    monkeypatch.setattr(compacting, "_based", then)


@pytest.mark.parametrize("what", ["tick", "rebuild", "repair", "compact"])
def test_what_happens_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    home, twin = lived(tmp_path / "a"), lived(tmp_path / "b")
    if what == "tick":
        goes_on(twin, 6)

    def meanwhile() -> None:
        if what == "tick":
            goes_on(home, 6)
        elif what == "rebuild":
            rebuild(home.settings)
        elif what == "repair":
            next(ledger_folder(home.settings).rglob("attributes-0-*")).write_bytes(b"")
            assert check(home.settings, repair=True).is_empty()
        else:
            with pytest.raises(Exception, match="another run is in progress"):
                compact(home.settings)

    with monkeypatch.context() as patch:
        while_merging(patch, meanwhile)
        compact(home.settings)
    expected, found = twin.frames(), home.frames()
    same = [name for name in expected if name not in ("ticks", "quarantine")]
    assert [name for name in same if not expected[name].equals(found[name])] == []
    assert_current(home)


def test_replaced_files_go_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = lived(tmp_path)
    old = lying(home)
    compact(home.settings)
    assert old <= lying(home)
    monkeypatch.setattr(compacting, "KEPT", compacting.KEPT * 0)
    assert compact(home.settings).removed >= len(old - set(files_of(home)["name"]))
    assert lying(home) == set(files_of(home)["name"])
    assert_current(home)


def lying(home: House) -> set[str]:
    """The files of the ledger that are there, by name."""
    folder = ledger_folder(home.settings)
    return {str(one.relative_to(folder)) for one in folder.rglob("*.parquet")}


@pytest.mark.slow
def test_ticks_beside_compactions(tmp_path: Path) -> None:
    home, ended = lived(tmp_path), Event()
    done: list[Compacted | BaseException] = []

    def again_and_again() -> None:
        while not ended.is_set():
            try:
                done.append(compact(home.settings))
            except BaseException as error:
                done.append(error)
                raise

    beside = Thread(target=again_and_again)
    beside.start()
    for number in range(6, 12):
        patiently(lambda number=number: goes_on(home, number))
    ended.set()
    beside.join()
    assert [one for one in done if isinstance(one, BaseException)] == []
    assert done
    twin = lived(tmp_path / "twin", ticks=12)
    expected, found = (
        {name: frame.drop("tick_id", strict=False) for name, frame in one.frames().items()}
        for one in (twin, home)
    )
    same = [name for name in expected if name not in ("ticks", "tick_counts", "quarantine", "batches")]
    assert [name for name in same if not expected[name].equals(found[name])] == []
    assert_current(home)


def patiently(work: Callable[[], object]) -> None:
    """Do it as soon as the store is free."""
    while True:
        try:
            work()
        except RunInProgressError:
            continue
        return


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_a_compaction_killed_at_a_named_point_is_made_good(tmp_path: Path, point: str, when: str) -> None:
    home = lived(tmp_path)
    before = home.frames()
    assert kill_at(point, when, home, "compact"), f"no compaction comes to {point}"
    goes_on(home, 6)
    compact(home.settings)
    lay_out_archive(home.settings)
    twin = lived(tmp_path / "twin")
    goes_on(twin, 6)
    expected, found = twin.frames(), home.frames()
    same = [name for name in before if name not in ("ticks", "quarantine")]
    assert [name for name in same if not expected[name].equals(found[name])] == []
    assert_current(home)


def test_the_archive_laid_out_by_key_says_the_same(tmp_path: Path) -> None:
    home = lived(tmp_path)
    events = home.rows("from events order by all")
    assert "Laid" in lay_out_archive(home.settings)
    assert "already" in lay_out_archive(home.settings)
    assert home.rows("from events order by all") == events
    goes_on(home, 6)
    assert len(home.rows("from events")) > len(events)
    assert_current(home)


def test_the_archive_is_laid_out_by_one_at_a_time(tmp_path: Path) -> None:
    home = lived(tmp_path, ticks=1)
    with run_lock(home.settings.state / COMPACT_LOCK), pytest.raises(RunInProgressError):
        lay_out_archive(home.settings)
    assert "Laid" in lay_out_archive(home.settings)


def test_of_earlier_layouts_the_last_one_stays_and_nothing_of_killed_ones(tmp_path: Path) -> None:
    home = lived(tmp_path, ticks=1)
    layouts = home.settings.state / "archive" / "history"
    for number in range(1, 4):
        lay_out_archive(home.settings)
        (layouts / f"0000009{number}.aside").mkdir()
        goes_on(home, number)
    lay_out_archive(home.settings)
    assert len(there := sorted(one.name for one in layouts.iterdir())) == 2
    assert all(name.isdigit() for name in there)
    assert_current(home)
