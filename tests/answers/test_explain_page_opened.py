"""The page of `onward explain` in a real Chromium: filtered, narrow, dark, by keyboard, and it asks for nothing."""

from collections.abc import Generator
from pathlib import Path

import pytest

from flows.reports.explain import explain_customer
from flows.reports.html.explained import write_page
from tests.answers.test_explain_page import HOSTILE, hostile_house
from tests.delivery.chromium import MISSING, PROGRAM, Page, chromium
from tests.delivery.test_preview import LEAST_CONTRAST
from tests.reports.test_html_page_opened import TROUBLE

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=MISSING)]
LEFT = (
    "[...document.querySelectorAll('.line')].filter(one => !one.hidden).map(one => one.dataset.kind).join()"
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = hostile_house(tmp_path_factory.mktemp("home"))
    write_page(explain_customer(home.settings, HOSTILE), home.root / "page.html")
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


def test_lines_are_chosen_by_workflow_kind_and_words(page: Page) -> None:
    assert page.ask(LEFT) == "fact,entry,step,step,end"
    assert page.ask("document.querySelector('.shown').textContent") == ""
    choose(page, "#workflow", "1")
    assert page.ask(LEFT) == "fact"
    assert page.ask("[...document.querySelectorAll('.missed')].map(one => one.hidden).join()") == "false"
    choose(page, "#workflow", "0")
    assert page.ask(LEFT) == "fact,entry,step,step,end"
    assert page.ask("[...document.querySelectorAll('.missed')].map(one => one.hidden).join()") == "true"
    page.ask("document.querySelector('[name=kind][value=step]').click()")
    assert page.ask(LEFT) == "fact,entry,end"
    assert page.ask("document.querySelector('.shown').textContent") == "3 of 5 lines"
    choose(page, "#words", "ENTERED")
    assert page.ask(LEFT) == "entry"
    choose(page, "#words", "nowhere in it")
    assert page.ask("document.querySelector('#no-lines').hidden") is False


def choose(page: Page, what: str, value: str) -> None:
    """Give a field a value, as somebody does."""
    found = f"document.querySelector('{what}')"
    page.ask(f"{found}.value = '{value}'; {found}.dispatchEvent(new Event('input', {{bubbles: true}}))")


def test_times_in_sentences_are_told_by_either_clock(page: Page) -> None:
    told = "document.querySelector('header time').textContent"
    assert page.ask(told) == "2026-03-03 00:00:00Z"
    page.ask("document.querySelector('#clock-local').click()")
    assert page.ask(told) == "2026-03-03 01:00:00 +01:00"


def test_filters_are_reached_by_keyboard(page: Page) -> None:
    reached = []
    for _ in range(4):
        page.press("Tab")
        reached.append(page.ask("document.activeElement.id || document.activeElement.name"))
    assert reached == ["clock-utc", "workflow", "words", "kind"]


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_nothing_sticks_out(page: Page, width: int) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=700, deviceScaleFactor=1, mobile=True)
    page.ask("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.ask("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_readable_by_day_and_by_night(page: Page, scheme: str) -> None:
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    assert page.ask(LEAST_CONTRAST) >= 4.5  # WCAG 2.2, 1.4.3


def test_no_script_of_a_customer_ran(page: Page) -> None:
    assert page.ask("document.scripts.length") == 1
    assert page.ask("document.images.length") == 0
    assert page.ask("document.title").startswith("Why: </style></title><script>")
