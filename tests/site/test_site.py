"""`onward docs`: what its pages tell, with and without a store, and which folders it writes to."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from flows.overview.listing import list_workflows
from flows.site.write import MARK, write_site
from tests.runs import House, house, person
from tests.semantics.cases import action, at, condition, event, send, tag, trigger, wait, workflow
from tests.tick.test_command_line import Onward, home, onward, says
from transforms.definitions.told import trigger_told
from transforms.definitions.told_actions import action_told
from transforms.definitions.walk import named_steps

__all__ = ["home", "onward"]

HOSTILE = "</title><script>alert(1)</script><b onclick='x'>"
PATTERNS = """
keen:
  pattern: sequence
  events: [{type: visit, time_window: 7d, min_count: 3}]
"""
FIRST = workflow(wait("2d"), tag("late"), workflow_id="first", on="go")
SECOND = workflow(
    action(
        "branch_decision",
        criteria={"rich": condition("event.value", "at_least", 100)},
        paths={"rich": [send("gold", subject="Hello"), action("end_workflow")]},
    ),
    {**send("plain"), "conditions": [condition("pattern.keen", "equals", True)]},
    workflow_id="Second one/../x",
    workflow_name=HOSTILE,
    on=trigger("add_tag", "workflow_action", tag="late"),
    goal={"type": "behavioral", "config": {"action": "order"}},
    branches=[{"name": "pro", "conditions": [condition("plan", "equals", "pro")], "actions": []}],
)
TESTS = """
tests:
  - {name: "is late", workflows: [first], customers: {ann: {}}, events: [{at: 2026-03-01, action: go}]}
"""


class Read(HTMLParser):
    """What is in a page: elements as (name, attributes), all addresses, and the words outside of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._skips = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._skips = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._skips = self._skips and tag not in ("style", "script")

    def handle_data(self, data: str) -> None:
        self.words += "" if self._skips else data

    def having(self, *names: str) -> list[tuple[str | None, ...]]:
        """These attributes of all elements that have them all."""
        return [
            tuple(given[one] for one in names)
            for _, given in self.elements
            if all(one in given for one in names)
        ]


@pytest.fixture
def built(tmp_path: Path) -> House:
    made = house(tmp_path, FIRST)
    (made.settings.workflows / "second.json").write_text(json.dumps(SECOND))
    (made.settings.patterns).write_text(PATTERNS)
    made.settings.tests.mkdir()
    (made.settings.tests / "late.yaml").write_text(TESTS)
    made.customers("people", person("ann"))
    made.events("go", event("go", at(5)))
    return made


def top(home: House) -> Path:
    """The folder of the project."""
    return home.root.parent


def pages(home: House) -> dict[str, Read]:
    """The pages by their paths, just written."""
    folder = top(home) / "site"
    _, written = write_site(home.settings, folder)
    return {one.relative_to(folder).as_posix(): Read(one.read_text(encoding="utf-8")) for one in written}


def page_of(home: House, name: str) -> Read:
    return next(page for page in pages(home).values() if page.having("data-workflow") == [(name,)])


def test_there_is_a_page_for_each_and_an_index_that_leads_to_them(built: House) -> None:
    found = pages(built)
    assert [one for one in found if "/" not in one] == ["index.html"]
    index = found["index.html"]
    assert index.having("data-workflow", "data-state") == [("Second one/../x", "active"), ("first", "active")]
    assert len(found) == 3
    assert all(re.fullmatch(r"workflows/[\w-]+\.html", one) for one in found if one != "index.html")


def test_every_link_leads_to_a_page_or_a_place_on_it_and_nowhere_else(built: House) -> None:
    found = pages(built)
    for path, page in found.items():
        ids = {one for (one,) in page.having("id")}
        for (link,) in page.having("href"):
            assert link is not None
            if link.startswith("#"):
                assert link[1:] in ids
            else:
                target = (top(built) / "site" / path).parent / unquote(link)
                assert target.resolve().is_file(), (path, link)
        assert not page.having("src")


def test_a_page_says_what_show_says(built: House) -> None:
    for listed in list_workflows(built.settings).workflows:
        own = listed.workflow
        page = page_of(built, own.workflow_id)
        for one in [*own.triggers, *([own.goal] if own.goal else [])]:
            assert trigger_told(one) in page.words
        steps = [(branch, name, action_told(one)) for branch, name, one in named_steps(own)]
        assert sorted(page.having("data-branch", "data-step", "data-told"), key=repr) == sorted(
            steps, key=repr
        )
        assert all(told in page.words for _, _, told in steps)
        source = (built.settings.workflows).glob("*")
        assert any(one.read_text().strip() in page.words for one in source)


def test_the_map_has_the_ways_that_customers_may_go(built: House) -> None:
    page = page_of(built, "Second one/../x")
    lines = set(page.having("data-source", "data-target"))
    assert lines == {("entry", "completed"), ("entry", "0"), ("0", "0.rich.0"), ("0.rich.0", "0.rich.1"),
                     ("0", "1"), ("1", "completed")}  # fmt: skip
    assert [one for (one,) in page.having("data-end")] == ["entry", "converted", "completed"]
    assert "rich, if the event's value is at least 100" in page.words
    assert 'pro, if plan is "pro"' in page.words


def test_who_starts_whom(built: House) -> None:
    found = pages(built)
    index = found["index.html"]
    assert index.having("data-source", "data-target") == [("first", "Second one/../x")]
    assert {one for (one,) in index.having("data-box")} == {"first", "Second one/../x"}
    assert "first starts Second one/../x by add_tag late" in index.words
    assert "Started by" in page_of(built, "Second one/../x").words


def test_patterns_templates_and_tests_that_belong_to_a_workflow(built: House) -> None:
    found = pages(built)
    assert found["index.html"].having("data-pattern") == [("keen",)]
    first, second = page_of(built, "first"), page_of(built, "Second one/../x")
    assert (first.having("data-pattern"), second.having("data-pattern")) == ([], [("keen",)])
    assert 'the number of "visit" events in 7d at least 3' in second.words
    assert second.having("data-template") == [("gold",), ("plain",)]
    assert (first.having("data-test"), second.having("data-test")) == ([("is late",)], [])
    assert "tests/late.yaml" in first.words


def test_without_a_store_no_figures_and_with_one_versions(built: House) -> None:
    page = page_of(built, "first")
    assert "in flight" not in page.words
    again = {path: one.words for path, one in pages(built).items()}
    assert again == {path: one.words for path, one in pages(built).items()}
    built.tick(at(10))
    page = page_of(built, "first")
    assert "Versions" in page.words
    assert "1 (current)" in page.words
    assert "entries 1" in pages(built)["index.html"].words


def test_a_file_that_cant_be_read_has_a_page_with_what_is_wrong(onward: Onward, built: House) -> None:
    (built.settings.workflows / "bad.json").write_text('{"workflow_id": "bad", "trigers": []}')
    (built.settings.workflows / "empty.yaml").write_text("")
    built.settings.patterns.write_text("keen: {pattern: sequenze}")
    found = onward("docs", "--out", "site")
    says(found, 0, "Written to site: open site/index.html", "bad.json:1", "did you mean 'sequence'?")
    index = Read((top(built) / "site/index.html").read_text())
    states = dict(index.having("data-workflow", "data-state"))
    assert states["bad"] == states["data/workflows/empty.yaml"] == "unreadable"
    assert "did you mean 'triggers'?" in index.words
    assert "Other files with faults" in index.words
    page = Read((top(built) / "site/workflows/bad.html").read_text())
    assert "did you mean 'triggers'?" in page.words
    assert '"trigers": []' in page.words


def test_one_id_in_two_files_is_one_page_with_both(built: House) -> None:
    first = next(built.settings.workflows.glob("*first*"))
    (built.settings.workflows / "zz.json").write_text(first.read_text())
    page = page_of(built, "first")
    assert "is also in" in page.words
    assert "zz.json" in page.words
    assert str(top(built)) not in page.words


def test_no_page_names_the_folders_around_the_project(built: House, tmp_path: Path) -> None:
    elsewhere = tmp_path / "own" / "flows"
    elsewhere.mkdir(parents=True)
    (elsewhere / "a.json").write_text(json.dumps(FIRST))
    (elsewhere / "b.json").write_text("{")
    write_site(built.settings.model_copy(update={"workflows_dir": elsewhere}), tmp_path / "pages")
    found = {one.name: one.read_text() for one in (tmp_path / "pages").rglob("*.html")}
    assert [name for name, text in found.items() if str(tmp_path) in text] == []
    assert "flows/b.json:1:2" in found["index.html"]


def test_names_that_differ_by_case_alone_have_pages_of_their_own(tmp_path: Path) -> None:
    made = house(tmp_path, *(workflow(wait("1d"), workflow_id=one) for one in ("a", "A", "a b", "a-b", "é")))
    found = [one.lower() for one in pages(made)]
    assert len(set(found)) == len(found) == 6


def test_names_are_only_text(built: House) -> None:
    for page in pages(built).values():
        assert [tag for tag, _ in page.elements].count("script") == 1
        assert page.having("onclick") == []
    policy = page_of(built, "first").having("content")
    assert any(str(one).startswith("default-src 'none'") for (one,) in policy)


def test_what_is_gone_is_removed_and_what_isnt_ours_stays(built: House) -> None:
    folder = top(built) / "site"
    before = pages(built)
    (folder / "CNAME").write_text("docs.example")
    (folder / "workflows/note.html").write_text("mine")
    built.forget("first")
    after = pages(built)
    assert set(before) - set(after) == {"workflows/first.html"}
    assert not (folder / "workflows/first.html").exists()
    assert (folder / "CNAME").exists()
    assert (folder / "workflows/note.html").read_text() == "mine"
    assert sorted((folder / MARK).read_text().split()) == sorted(after)


def test_a_list_that_somebody_changed_removes_nothing_elsewhere(built: House) -> None:
    pages(built)
    (top(built) / "precious.html").write_text("mine")
    mark = top(built) / "site" / MARK
    mark.write_text(mark.read_text() + "../precious.html\n/etc/hosts\nworkflows/../../precious.html\n")
    pages(built)
    assert (top(built) / "precious.html").read_text() == "mine"


@pytest.mark.parametrize("name", ["onward.toml", "sub/x"])
def test_a_folder_with_other_files_isnt_touched(onward: Onward, built: House, name: str) -> None:
    file = top(built) / "mine" / name
    file.parent.mkdir(parents=True)
    file.write_text("x")
    says(onward("docs", "--out", "mine"), 2, "mine: holds other files", "name another folder")
    assert [one for one in (top(built) / "mine").rglob("*") if one.is_file()] == [file]


def test_a_page_of_somebody_elses_isnt_replaced(onward: Onward, built: House) -> None:
    pages(built)
    (top(built) / "site" / MARK).write_text("index.html\n")
    says(onward("docs"), 2, "no page of `onward docs`", "workflows/first.html")


def test_odd_places(onward: Onward, built: House) -> None:
    (top(built) / "file").write_text("x")
    says(onward("docs", "--out", "file"), 2, "file: is a file; name a folder")
    says(onward("docs", "--out", "file/sub"), 2, "file/sub: can't be written (Not a directory)")
    (top(built) / "link").symlink_to("nowhere")
    says(onward("docs", "--out", "link"), 2, "link: leads nowhere")
    (top(built) / "empty").mkdir()
    says(onward("docs", "--out", "empty"), 0, "2 workflows. Written to empty")
    says(onward("docs", "--out", "empty"), 0)
    says(onward("docs", "--ot", "x"), 2, "--out")


def test_nothing_to_tell(onward: Onward, tmp_path: Path) -> None:
    says(onward("docs"), 2, "no workflows there yet", "`onward init`")
    assert list(tmp_path.iterdir()) == []


def test_json(onward: Onward, built: House) -> None:
    found = json.loads(onward("docs", "--json").stdout)
    assert found["written"][0] == "site/index.html"
    assert found["faults"] == []
    assert top(built).is_dir()
