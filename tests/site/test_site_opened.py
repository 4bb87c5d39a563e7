"""The pages in a real Chromium, opened from the disk: searched, clicked through, narrow, dark, asking nobody."""

from collections.abc import Generator
from pathlib import Path

import pytest

from flows.site.write import write_site
from tests.delivery.chromium import MISSING, PROGRAM, Page, chromium
from tests.delivery.test_preview import LEAST_CONTRAST
from tests.reports.test_html_page_opened import TROUBLE
from tests.site.test_site import built, top

__all__ = ["built"]

from tests.runs import House

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=MISSING)]
SHOWN = "[...document.querySelectorAll('.card')].filter(one => !one.hidden).map(one => one.dataset.workflow).join()"
STEP = "document.querySelector('[data-branch=default][data-step=\"0.rich.0\"]')"


@pytest.fixture
def site(built: House) -> Path:
    (built.settings.workflows / "bad.json").write_text('{"workflow_id": "bad", "trigers": []}')
    write_site(built.settings, top(built) / "site")
    return top(built) / "site"


@pytest.fixture
def page(site: Path, tmp_path: Path) -> Generator[Page]:
    """The index, opened; at the end nothing was wrong, and only pages of the folder were asked for."""
    with chromium(tmp_path / "profile") as browser:
        for domain in ("Log", "Network"):
            browser.call(f"{domain}.enable")
        browser.open((site / "index.html").as_uri())
        yield browser
        browser.ask("1")
        assert not [one for one in browser.events if one.get("method") in TROUBLE]
        sent = [one["params"] for one in browser.events if one.get("method") == "Network.requestWillBeSent"]
        assert sent
        assert all(one["request"]["url"].startswith(site.as_uri()) for one in sent)


def follow(page: Page, what: str) -> None:
    """Click a link, and wait until what it leads to is there."""
    page.events.clear()
    page.ask(f"document.querySelector({what!r}).dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    while not any(one.get("method") == "Page.loadEventFired" for one in page.events):
        page.ask("1")


def test_the_list_is_searched_and_filtered(page: Page) -> None:
    box = "document.querySelector('#wanted')"
    for words, wanted in (("", "Second one/../x,bad,first"), ("GOLD hello", "Second one/../x"), ("nope", "")):
        page.ask(f"{box}.value = {words!r}; {box}.dispatchEvent(new Event('input'))")
        assert page.ask(SHOWN) == wanted
        assert page.ask("!document.querySelector('.none').hidden") == (not wanted)
    page.ask(f"{box}.value = ''; document.querySelector('[value=unreadable]').click()")
    assert page.ask(SHOWN) == "bad"


def test_pages_lead_to_each_other_and_back(page: Page) -> None:
    follow(page, "[data-box=first]")
    assert page.ask("document.querySelector('main').dataset.workflow") == "first"
    follow(page, ".facts a")
    assert page.ask("document.querySelector('main').dataset.workflow") == "Second one/../x"
    page.ask(f"{STEP}.dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    assert "by template gold" in page.ask("document.querySelector('.panel').textContent")
    follow(page, "nav a")
    assert page.ask("document.querySelectorAll('.card').length") == 3


def test_steps_are_reached_and_opened_by_keyboard(page: Page) -> None:
    follow(page, "[data-box^=Second]")
    page.ask("document.querySelector('.map').focus()")
    page.press("Tab")
    assert page.ask("document.activeElement.classList.contains('step')")
    page.press("Enter")
    assert "decide: rich" in page.ask("document.querySelector('.panel').textContent")


def test_nothing_sticks_out_on_a_phone(page: Page) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=360, height=700, deviceScaleFactor=1, mobile=True)
    for link in (None, "[data-box^=Second]"):
        if link:
            follow(page, link)
        assert page.ask("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_readable_by_day_and_by_night(page: Page, scheme: str) -> None:
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    assert page.ask(LEAST_CONTRAST) >= 4.5  # WCAG 2.2, 1.4.3
    follow(page, "[data-box^=Second]")
    assert page.ask(LEAST_CONTRAST) >= 4.5
