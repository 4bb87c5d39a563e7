"""The HTML page in a real Chromium: it is clicked, sorted, filtered, narrow, dark, and asks nobody for anything."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.reports.html.page import write_page
from flows.reports.scope import Scope
from tests.delivery.chromium import MISSING, PROGRAM, Page, chromium
from tests.delivery.test_preview import LEAST_CONTRAST
from tests.reports.html_page import HOSTILE, full_house
from tests.reports.test_html_page_charts import house_of_letters, two_versions
from tests.runs import house, person
from tests.semantics.cases import at, event, tag, workflow

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=MISSING)]
STEP = "document.querySelector('[data-workflow=all] [data-branch=default][data-step=\"1\"]')"
PANEL = "document.querySelector('[data-workflow=all] .panel')"
TOLD = f"[...{PANEL}.querySelectorAll('dd')].map(one => one.textContent).join()"
TROUBLE = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = full_house(tmp_path_factory.mktemp("home"))
    write_page(home.settings, home.root / "page.html", Scope())
    return home.root / "page.html"


@contextmanager
def opened(file: Path, profile: Path) -> Generator[Page]:
    """A page, opened; at the end nothing was wrong, and nothing was asked for but the page."""
    with chromium(profile) as browser:
        for domain in ("Log", "Network"):
            browser.call(f"{domain}.enable")
        browser.open(file.as_uri())
        yield browser
        browser.ask("new Promise(done => setTimeout(done, 300))")
        assert not [one for one in browser.events if one.get("method") in TROUBLE]
        sent = [one["params"] for one in browser.events if one.get("method") == "Network.requestWillBeSent"]
        asked = {one["request"]["url"] for one in sent}
        assert {one for one in asked if not one.startswith("about:")} == {file.as_uri()}


@pytest.fixture
def page(file: Path, tmp_path: Path) -> Generator[Page]:
    with opened(file, tmp_path / "profile") as browser:
        yield browser


def click(page: Page, what: str) -> None:
    page.ask(f"{what}.dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")


def test_a_click_on_a_step_shows_its_numbers_and_who_stands_there(page: Page) -> None:
    click(page, STEP)
    names = ("entered", "passed", "waitingHere", "leftHereConverted", "leftHereExited", "leftHereFailed")
    wanted = page.ask(f"{list(names)}.map(name => {STEP}.dataset[name]).join()")
    assert page.ask(TOLD).split(",")[:6] == wanted.split(",")
    assert HOSTILE in page.ask(f"{PANEL}.textContent")
    assert page.ask(f"{STEP}.getAttribute('aria-pressed')") == "true"


def test_steps_are_reached_and_opened_by_keyboard(page: Page) -> None:
    page.ask("document.querySelector('[data-workflow=all] .map').focus()")
    page.press("Tab")
    assert page.ask("document.activeElement.classList.contains('step')")
    page.press("Enter")
    assert page.ask(TOLD)


def test_the_switch_tells_shares_and_counts_again(page: Page) -> None:
    told = f"{STEP}.querySelector('text.n').textContent"
    count = page.ask(told)
    page.ask("document.querySelector('#told-percent').click()")
    assert page.ask(told).endswith(" %")
    page.ask("document.querySelector('#told-count').click()")
    assert page.ask(told) == count


def test_the_whole_map_is_shown_when_asked_for(page: Page) -> None:
    box = "document.querySelector('[data-workflow=all] .map')"
    page.ask(f"{box}.closest('.journey').querySelector('.fit').click()")
    assert page.ask(f"{box}.scrollHeight <= {box}.clientHeight && {box}.scrollWidth <= {box}.clientWidth")


def test_tables_are_sorted_and_filtered(page: Page) -> None:
    table = "document.querySelector('[data-workflow=all] [data-view=report_drop_off]')"
    cells = f"[...{table}.querySelectorAll('tbody tr')].map(row => row.cells[3].dataset.value).join()"
    heading = f"{table}.querySelector('[data-column=entered]')"
    entered = sorted(map(int, page.ask(cells).split(",")))
    for order, wanted in (("descending", entered[::-1]), ("ascending", entered)):
        page.ask(f"{heading}.querySelector('button').click()")
        assert [int(one) for one in page.ask(cells).split(",")] == wanted
        assert page.ask(f"{heading}.getAttribute('aria-sort')") == order
    box = f"{table}.closest('.numbers').querySelector('.filter')"
    page.ask(f"{box}.value = 'VIP'; {box}.dispatchEvent(new Event('input'))")
    shown = page.ask(
        f"[...{table}.tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[0].textContent)"
    )
    assert set(shown) == {"vip"}


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_sticks_out_of_a_narrow_page(page: Page, width: int) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=700, deviceScaleFactor=1, mobile=True)
    click(page, STEP)
    assert page.ask("document.documentElement.scrollWidth") <= width
    map_scrolls = page.ask(
        "[...document.querySelectorAll('.map')].some(one => one.scrollWidth > one.clientWidth)"
    )
    assert map_scrolls == (width == 360)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_readable_by_day_and_by_night(page: Page, scheme: str) -> None:
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    click(page, STEP)
    assert page.ask(LEAST_CONTRAST) >= 4.5  # WCAG 2.2, 1.4.3


def test_labels_stay_in_their_boxes(page: Page) -> None:
    out = """[...document.querySelectorAll('.step')].filter(step => {
        const box = step.querySelector('rect').getBBox();
        return [...step.querySelectorAll('.label, .n, .here')].some(one => {
            const text = one.getBBox();
            return text.x < box.x || text.x + text.width > box.x + box.width;
        });
    }).length"""
    assert page.ask(out) == 0


def charts(tmp_path: Path) -> Path:
    home = two_versions(tmp_path / "home")
    write_page(home.settings, home.root / "page.html", Scope())
    return home.root / "page.html"


SEEN = """[...document.querySelectorAll('.step')].map(
    one => [one.dataset.step, one.querySelector('text.n').textContent].join(' '))"""


def test_a_version_s_numbers_are_on_the_map_when_it_is_chosen(tmp_path: Path) -> None:
    choose = (
        "one = document.querySelector('.version'); one.value = '{}'; one.dispatchEvent(new Event('change'))"
    )
    with opened(charts(tmp_path), tmp_path / "profile") as browser:
        both = browser.ask(SEEN)
        browser.ask(choose.format(1))
        assert browser.ask(SEEN) == ["0 7", "0.a.0 0", "0.b.0 0", "1 7", "2 0"]
        assert browser.ask("document.querySelector('.step .label').textContent") == "plain"
        assert browser.ask("document.querySelectorAll('.step.absent').length") == 2
        browser.ask("document.querySelector('.step').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
        assert browser.ask("document.querySelector('.panel dd').textContent") == "7"
        browser.ask(choose.format(2))
        assert browser.ask(SEEN)[0] == "0 5"
        assert browser.ask("document.querySelector('.panel dd').textContent") == "5"
        browser.ask(choose.format(0))
        assert browser.ask(SEEN) == both
        assert both[0] == "0 12"


def test_a_message_is_shown_as_it_looks_and_asks_nobody(tmp_path: Path) -> None:
    home = house_of_letters(tmp_path / "home")
    write_page(home.settings, home.root / "page.html", Scope())
    with opened(home.root / "page.html", tmp_path / "profile") as browser:
        hello = "[...document.querySelectorAll('.letter')].find(one => one.textContent === 'hello')"
        browser.ask(f"{hello}.focus(), {hello}.click()")
        assert browser.ask("document.querySelector('#letter').open")
        assert browser.ask("document.querySelector('#letter iframe').getAttribute('sandbox')") == ""
        assert "Images aren’t loaded" in browser.ask("document.querySelector('#letter').innerText")
        browser.ask("new Promise(done => setTimeout(done, 500))")
        browser.ask("document.querySelector('#letter button').click()")
        assert browser.ask("document.activeElement.classList.contains('letter')")
        assert not browser.ask("document.querySelector('#letter iframe')")


def test_two_hundred_steps_are_there_within_a_second(tmp_path: Path) -> None:
    home = house(tmp_path / "home", workflow(*(tag(f"tag_{one}") for one in range(200))))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    write_page(home.settings, home.root / "page.html", Scope())
    with opened(home.root / "page.html", tmp_path / "profile") as browser:
        # Of processor time, which other programs don't take from it.
        browser.call("Performance.enable", timeDomain="threadTicks")
        browser.call("Page.reload")
        browser.ask(
            "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))"
        )
        found = {one["name"]: one["value"] for one in browser.call("Performance.getMetrics")["metrics"]}
        assert found["TaskDuration"] < 1
        assert browser.ask("document.querySelectorAll('.step').length") == 200
