"""`onward diff`, as people run it: files and folders in, text, JSON or Markdown out, and exit codes."""

import json
import re
import shlex
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from flows.backtest.past import Past
from flows.backtest.prepare import Preparation, prepare
from flows.cli import app
from flows.definitions.folder import Definitions
from flows.definitions.rules import read_patterns
from flows.errors import InputError, OnwardError
from flows.reports.diff import Difference, Side, Span, diff
from flows.reports.diff_document import Document, document
from flows.reports.diff_markdown import markdown, plain
from flows.reports.diff_text import CONTROL, text
from flows.reports.diff_words import customer_line
from flows.reports.fail_if import METRICS, parse_limit
from flows.settings import Settings
from tests.runs import House, house, onward, person
from tests.semantics.cases import Row, at, event, send, trigger, wait, workflow
from transforms.definitions.workflow import Workflow

LONG = "a_template_with_a_name_that_is_longer_than_most_lines_leave_room_for"
DOCS = Path(__file__).parents[2] / "docs" / "changes.md"
BEFORE = workflow(send("hello"), wait("1d"), send(LONG), workflow_id="welcome")
AFTER = workflow(send("hello"), wait("2d"), send(LONG), workflow_id="welcome")
OTHER = workflow(send("other"), workflow_id="other")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Thirty people of whom each goes on a day; old and new definitions, and others that are broken."""
    root = tmp_path_factory.mktemp("diff")
    found = house(root)
    names = [f"p{number:02d}" for number in range(30)]
    people = found.customers("people", *(person(name) for name in names))
    went = found.events("went", *(event("go", at(days=day / 3), name) for day, name in enumerate(names)))
    last = found.events("last", event("stay", at(days=20), "p00"))
    prepare(Preparation([went, last], people, root / "history", processes=1))
    _define(root / "old", BEFORE, OTHER)
    _define(root / "new", AFTER, OTHER)
    _define(root / "less", OTHER)
    _define(root / "odd", {**OTHER, "workflow_id": "<b>"})
    (found.root / "content").mkdir()
    rule = {"name": "r", "block": "tone", "workflows": ["welcome"], "text": "Hello"}
    (found.root / "content" / "rules.json").write_text(json.dumps({"rules": [rule]}))
    _define(root / "renamed", {**BEFORE, "description": "Greets"}, OTHER)
    _define(root / "broken", {**AFTER, "trigers": []}, OTHER)
    _define(root / "many", *({**OTHER, "workflow_id": f"w_{number:03d}"} for number in range(120)))
    return found


def _define(root: Path, *workflows: Row) -> None:
    (root / "workflows").mkdir(parents=True)
    for one in workflows:
        (root / "workflows" / f"{one['workflow_id']}.json").write_text(json.dumps(one))


Run = Callable[..., str]


@pytest.fixture
def ran(home: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process: what it prints, and what it complains of."""
    monkeypatch.chdir(home.root.parent)

    def run(*arguments: str, code: int = 0, history: str = "history") -> str:
        given = [f"--history={history}"] if history else []
        with pytest.raises(OnwardError) if code else nullcontext() as caught:
            app(["diff", *arguments, *given], standalone_mode=False)
        assert caught is None or caught.value.exit_code == code
        told = capsys.readouterr()
        return told.out + told.err + (str(caught.value) if caught else "")

    return run


def test_what_a_longer_wait_would_have_done(ran: Run) -> None:
    told = json.loads(ran("old", "new", "--json"))
    assert told["definitions"] == {
        "workflows": {"other": "same", "welcome": "changed"}, "patterns": {}, "identical": False,
    }  # fmt: skip
    assert told["period"]["began"], told["period"]["end"] == ("2026-03-02T00:00:00Z", "2026-03-22T00:00:00Z")
    assert told["period"]["days"] == 20
    assert told["all"]["changes"]["messages_moved"] == 30
    other, welcome = told["workflows"]
    assert not any(other["changes"].values())
    assert [one["moved_by_seconds"] for one in welcome["templates"]] == [86400, None]
    first = welcome["messages"][0]
    assert (first["customer_id"], first["at_before"], first["at_after"]) == (
        "p00", "2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z",
    )  # fmt: skip
    assert len(welcome["messages"]) == 3


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_on_a_terminal_nothing_is_cut(ran: Run, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    told = ran("old", "new")
    lines = told.splitlines()
    assert all(len(line) <= max(width, 60) for line in lines if LONG not in line)
    assert "messages 90 90 =" in {" ".join(line.split()) for line in lines}
    flat = " ".join(told.split())
    assert f"{LONG} 30 30 = 30 moved by +1d (median)" in flat
    assert f"p00, {LONG} moved: 2026-03-03 00:00:00 → 2026-03-04 00:00:00" in flat
    assert "As before: other" in told


def test_numbers_of_nine_digits_fit_into_sixty_columns() -> None:
    figures = dict.fromkeys(("entries", "customers", "messages"), 123_456_789)
    figures |= {"messages_per_customer": 1234.5}
    changes = {"customers_gained": 123_456_789, "executions_changed": 0}
    every: Document = {
        "before": figures,
        "after": {**figures, "messages": 987_654_321},
        "changes": changes,
        "days": [],
    }
    told: Document = {
        "old": {"given": "a", "workflows": 1, "caps": []},
        "new": {"given": "b", "workflows": 1, "caps": ["3/7d"]},
        "period": {"days": 30, "began": at(), "end": at(days=30), "events": 123_456_789, "quarantined": 0},
        "definitions": {"workflows": {}, "patterns": {}, "identical": False},
        "nothing_changed": False, "all": every, "workflows": [], "fail_if": [],
    }  # fmt: skip
    lines = text(told, 60).splitlines()
    assert max(map(len, lines)) <= 60
    assert "  messages               123,456,789 987,654,321 +700.0%" in lines
    assert "      caps: none → 3/7d" in lines


def test_a_comment_for_a_pull_request(ran: Run) -> None:
    told = ran("old", "less", "--markdown", "--fail-if", "messages > 5000")
    assert told.startswith("### What this change would have done\n\nOver 20 days, 2026-03-02 00:00:00 to")
    assert "Definitions: removed: welcome." in told
    assert "- ✅ --fail-if `messages > 5000` doesn't hold: messages: 90 before, 30 after (-66.7%)" in told
    assert "| welcome (removed) | 30 → 0 | 60 → 0 | 0 | 0 | 30 lost | 60 lost |" in told
    assert "- p00, lost: 2026-03-02 00:00:00\n" in told
    assert told.count("<details>") == told.count("</details>") == 2


def test_nobody_is_named_unless_that_is_asked_for(ran: Run) -> None:
    assert "p00" not in ran("old", "less", "--markdown", "--samples", "0")


def test_a_comment_that_grew_too_long_names_what_it_leaves_out(ran: Run) -> None:
    told = ran("many", "less", "--markdown")
    assert len(told) < 65_536
    assert "Too long for a comment (`--json` has it): w_" in told


def test_a_page_needs_nothing_else_and_says_what_the_terminal_does(ran: Run, tmp_path: Path) -> None:
    ran("old", "new", "--html", str(tmp_path / "page.html"), "--fail-if", "messages > 5", code=1)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.findall(r"(src|href)=|<script|url\(|@import", page)
    flat = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Messages: 30 moved." in flat
    assert f"{LONG} 30 30 = 30 moved by +1d (median)" in flat
    assert "As before: other" in flat
    assert [len(line.split()) for line in re.findall(r'points="(.*?)"', page)] == [12, 12] * 2
    assert '<p class="limit holds">--fail-if &#39;messages &gt; 5&#39; holds' in page


def test_a_name_is_no_markup(ran: Run, tmp_path: Path) -> None:
    ran("old", "odd", "--html", str(tmp_path / "page.html"))
    assert "<h2>&lt;b&gt; <small>(added)</small></h2>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "| \\<b\\> (added) |" in ran("old", "odd", "--markdown")


def test_an_id_is_no_command_for_a_terminal_and_no_line_of_its_own() -> None:
    shown = {
        "customer_id": "\x1b[2Jann\n# Boo",
        "kind": "lost",
        "entered_before": [at()] * 5,
        "entered_after": [],
    }
    line = customer_line(shown)
    assert line.endswith("lost: 2026-03-02 00:00:00, 2026-03-02 00:00:00, 2026-03-02 00:00:00 and 2 more")
    assert not {"\x1b", "\n"} & set(CONTROL.sub(" ", line))
    assert "\n" not in plain(line)


@pytest.mark.parametrize("new", ["old", "new/../old"])
def test_of_the_same_definitions_nothing_would_have_changed(ran: Run, new: str) -> None:
    assert "OLD and NEW say the same: nothing would have changed." in ran("old", new)
    told = json.loads(ran("old", new, "--json"))
    assert told["definitions"]["identical"] is told["nothing_changed"] is True
    assert told["all"]["before"] == told["all"]["after"]


def test_of_definitions_that_differ_without_effect_it_is_said_what_is_not_compared(ran: Run) -> None:
    told = " ".join(ran("old", "renamed").split())
    assert "changed: welcome" in told
    assert "Nothing would have changed: the same customers enter" in told


def test_a_limit_that_holds_is_told_with_its_figures_and_fails(ran: Run) -> None:
    told = ran("old", "less", "--fail-if", "messages < -10%", "--fail-if", "customers_lost > 30", code=1)
    assert "--fail-if 'messages < -10%' holds: messages: 90 before, 30 after (-66.7%)" in told
    assert "--fail-if 'customers_lost > 30' doesn't hold: customers lost: 0" in told


@pytest.mark.parametrize(
    ("given", "before", "after", "holds"),
    [
        ("messages > 5", 5, 6, True),
        ("messages>5", 6, 5, False),
        ("messages > +20%", 10, 12, False),
        ("messages > +20%", 10, 12.1, True),
        ("messages >= +20%", 10, 12, True),
        ("messages < -10%", 10, 8, True),
        ("messages < -10%", 10, 20, False),
        ("messages > +2", 10, 12, False),
        ("messages > +1.5", 10, 12, True),
        ("messages <= -2", 10, 8, True),
        ("messages != 10", 10, 10, False),
        ("messages = 10", 1, 10, True),
        ("messages > +20%", 0, 1, True),
        ("messages > +20%", 0, 0, False),
        ("conversion_rate < 5", 10.0, 4.5, True),
        ("conversion_rate < 5", 10.0, None, False),
        (" customers_lost >= 3 ", 0, 3, True),
    ],
)
def test_limits(given: str, before: float | None, after: float | None, holds: bool) -> None:
    assert parse_limit("--fail-if", given).holds(before, after) is holds


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("message > 3", "did you mean 'messages'?"),
        ("messages > 20%", "give +20% or -20%"),
        ("messages", "'messages > +20%'"),
        ("messages > many", "isn't understood"),
        ("", "isn't understood"),
    ],
)
def test_what_is_no_limit_is_refused(given: str, told: str) -> None:
    with pytest.raises(InputError, match=f"^--fail-if '{given}'") as error:
        parse_limit("--fail-if", given)
    assert told in str(error.value)


def test_the_workflow_of_the_docs_is_yaml_and_its_command_runs(ran: Run) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    steps = YAML(typ="safe").load(block)["jobs"]["diff"]["steps"]
    (command,) = (one["run"] for one in steps if "onward diff" in one.get("run", ""))
    arguments = shlex.split(command.partition(" > comment.md")[0])[2:]
    for given, name in (("before/data", "old"), ("data", "new")):
        arguments[arguments.index(given)] = name
    assert ran(*arguments, history="").startswith("### What this change would have done")


def test_every_metric_is_documented() -> None:
    _, _, table = DOCS.read_text(encoding="utf-8").partition("| metric | |\n|---|---|\n")
    rows = table.partition("\n\n")[0].splitlines()
    assert rows == [f"| `{name}` | {meaning} |" for name, meaning in METRICS.items()]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("broken", "new"), "OLD broken/workflows/welcome.json:1:"),
        (("old", "broken"), "1 fault; nothing was tried"),
        (("broken", "broken"), "2 faults; nothing was tried"),
        (("old", "new", "--html", "nowhere/page.html"), "--html nowhere/page.html: names a file in a folder"),
        (("old", "nowhere"), "NEW nowhere: no such folder or file"),
        (("old", "new", "--json", "--markdown"), "--json and --markdown: give one of them"),
        (("old", "new", "--events", "x"), "holds events and customers already"),
        (("old", "new", "--store"), "--history history and --store: give one of them"),
        (("old", "new", "--end", "2020-01-01"), "no events from 2026-03-02 00:00:00 to 2020-01-01"),
        (
            ("old", "new", "--start", "2027-01-01", "--end", "2028-01-01"),
            "no events from 2027-01-01 00:00:00",
        ),
        (("old", "new", "--start", "2026-03-03", "--last", "1d"), "give one of them"),
        (("old", "new", "--fail-if", "mesages > 3"), "did you mean 'messages'?"),
        (("old", "new", "--new-cap", "3"), "--new-cap '3' is not a cap"),
        (("-", "-"), "only one can come from standard input"),
    ],
)
def test_what_is_wrong_is_told_with_the_side(ran: Run, arguments: tuple[str, ...], told: str) -> None:
    assert told in ran(*arguments, code=2)


def test_without_events_it_is_said_what_to_give(ran: Run) -> None:
    assert "--history DIR" in ran("old", "new", code=2, history="")


def test_files_give_what_a_history_of_them_does_and_exit_codes_reach_the_shell(home: House, ran: Run) -> None:
    inbox = home.settings.inbox
    given = [
        *("old", "less", *(str(one) for one in sorted((inbox / "events").iterdir())), "--markdown"),
        *("--customers", str(inbox / "customers" / "people.ndjson"), "--fail-if", "messages < -10%"),
    ]
    told = onward("diff", *given, cwd=home.root.parent)
    assert (told.returncode, told.stderr.count("holds: messages: 90 before, 30 after")) == (1, 1)
    assert told.stdout in ran("old", "less", "--markdown", "--fail-if", "messages < -10%", code=1)


def side(name: str, *workflows: Row, **given: Any) -> Side:
    models = tuple(Workflow.model_validate(one) for one in workflows)
    return Side(name, Path(name), Definitions(models, **given), [])


def tried(home: House, old: Side, new: Side, span: Span | None = None) -> Difference:
    past = Past(history=home.root.parent / "history")
    return diff(old, new, past, span or Span(), Settings(data_dir=home.root))


def test_a_changed_pattern_is_told_with_those_it_turns_true_for(home: House) -> None:
    def often(count: int) -> dict[str, Any]:
        term = {"type": "go", "time_window": "7d", "min_count": count}
        return {"patterns": read_patterns({"often": {"pattern": "sequence", "events": [term]}})}

    entered = workflow(send(), on=trigger(None, "pattern", pattern="often"))
    found = tried(home, side("OLD", entered, **often(1)), side("NEW", entered, **often(2)))
    assert found.patterns == {"often": "changed"}
    told = document(found)
    assert told["all"]["changes"]["customers_lost"] == 30
    assert "patterns changed: often" in text(told, 80)
    assert "patterns changed: often" in markdown(told)


def test_a_span_before_the_end_counts_and_what_was_before_triggers_nothing(home: House) -> None:
    found = tried(home, side("OLD", BEFORE), side("NEW"), Span(end=at(days=5), last=timedelta(days=2)))
    assert (found.period.start, found.period.end, found.period.days) == (at(days=3), at(days=5), 2)
    assert document(found)["all"]["changes"]["customers_lost"] == 7
