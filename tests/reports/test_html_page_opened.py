"""The HTML page in a real Chromium: it is clicked, sorted, filtered, narrow, dark, and asks nobody for anything."""

from collections.abc import Generator
from pathlib import Path

import pytest

from flows.reports.html.page import write_page
from flows.reports.scope import Scope
from tests.delivery.chromium import MISSING, PROGRAM, Page, chromium
from tests.delivery.test_preview import LEAST_CONTRAST
from tests.reports.html_page import HOSTILE, full_house

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


@pytest.fixture
def page(file: Path, tmp_path: Path) -> Generator[Page]:
    """The page, opened; at the end nothing was wrong, and nothing was asked for but the page."""
    with chromium(tmp_path / "profile") as browser:
        for domain in ("Log", "Network"):
            browser.call(f"{domain}.enable")
        browser.open(file.as_uri())
        yield browser
        browser.ask("1")
        assert not [one for one in browser.events if one.get("method") in TROUBLE]
        sent = [one["params"] for one in browser.events if one.get("method") == "Network.requestWillBeSent"]
        assert [one["request"]["url"] for one in sent] == [file.as_uri()]


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
