"""`python -m tests.delivery.pictures` takes the pictures of docs/preview.md and docs/content.md anew, in Chromium."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.delivery.planned import planned_messages
from flows.delivery.preview import preview_page, sample_of
from flows.delivery.samples import make_messages
from flows.session import wall_clock
from flows.settings import read_settings
from tests.delivery.chromium import chromium

ROOT = Path(__file__).parents[2]
VIEWS = {
    "preview-desktop": ("win_back_plain", "light", "desktop"),
    "preview-mobile": ("win_back_plain", "dark", "mobile"),
    "content-dark": ("welcome_hello", "light", "dark"),
}
"""Name of a picture → message, whether the page is light or dark, view."""


def take_pictures(docs: Path) -> None:
    """Write a picture for each of `VIEWS` into a folder."""
    for name, (message, scheme, view) in VIEWS.items():
        with (
            TemporaryDirectory() as folder,
            chromium(Path(folder) / "profile", width=900, height=1060) as browser,
        ):
            page = Path(folder) / "page.html"
            page.write_text(page_of(message), encoding="utf-8")
            browser.call(
                "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
            )
            browser.open(page.as_uri())
            browser.ask(f"document.querySelector('.to-{view}').click()")
            browser.ask("new Promise(done => setTimeout(done, 300))")  # frames are painted a little later
            browser.picture(docs / f"{name}.png")


def page_of(message: str) -> str:
    """The preview of one of the demo's messages."""
    settings = read_settings(ROOT / "demo" / "onward.toml")
    made = make_messages(settings, planned_messages(settings, message), None, wall_clock(), "preview")
    return preview_page(message, "For somebody made up.", [sample_of(one) for one in made])


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
