"""A folder with workflows, templates and tests of workflows, and what comes of running these."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.scenarios.run import Tested, run_tests
from flows.settings import Settings

CART: dict[str, Any] = {
    "workflow_id": "cart",
    "workflow_name": "Cart",
    "triggers": [{"type": "behavioral", "config": {"action": "left", "minimum_cart_value": 50}}],
    "actions": [
        {"type": "wait", "config": {"duration": "1h"}},
        {
            "type": "send_email",
            "config": {"subject": "Hi {{ first_name }}", "content": "Worth {{ event.cart_value }}"},
        },
    ],
}
ONE = """\
tests:
  - name: one
    customers: {ann: {first_name: Ann}}
    events:
      - {at: 2026-03-01T10:00, action: left, cart_value: 80}
"""
"""A test to which an expectation can be added."""


@dataclass(frozen=True)
class House:
    """Workflows and templates in a folder, and a file of tests beside them."""

    settings: Settings

    @property
    def root(self) -> Path:
        return self.settings.data_dir

    def write(self, text: str, name: str = "some.yaml") -> Path:
        """Write a file of tests."""
        file = self.settings.tests / name
        file.write_text(text, encoding="utf-8")
        return file

    def run(self, text: str, named: str | None = None) -> list[Tested]:
        """What comes of the tests of a file."""
        return run_tests(self.write(text), self.settings, named)

    def one(self, text: str) -> Tested:
        """What comes of its only test."""
        (found,) = self.run(text)
        return found


def house(root: Path, *workflows: dict[str, Any], **settings: Any) -> House:
    """A house with these workflows; keywords are settings."""
    built = House(Settings(data_dir=root / "data", **settings))
    for folder in (built.settings.workflows, built.settings.tests, built.settings.templates):
        folder.mkdir(parents=True)
    for one in workflows:
        (built.settings.workflows / f"{one['workflow_id']}.json").write_text(json.dumps(one))
    return built


def expecting(*lines: str, test: str = ONE) -> str:
    """A test with an expectation, its lines within `expect`."""
    return test + "    expect:\n" + "".join(f"      {line}\n" for line in lines)


def sent(tested: Tested, *keys: str) -> list[Sequence[Any]]:
    """Some columns of the messages that came."""
    return [tuple(row.get(key) for key in keys) for row in tested.outcome.messages]
