"""A house whose page has everything in it, and what a page's HTML holds."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.runs import House, house, person
from tests.semantics.cases import action, at, condition, event, send, trigger, wait, workflow

HOSTILE = "</title><script>alert(1)</script><b onclick='x'>"
"""The name of a workflow, and the id of a customer."""
VOID = {"meta", "input", "path", "rect", "use", "circle", "link", "br", "img"}
Numbers = dict[str, str | None]


class Elements(HTMLParser):
    """What is in a page.

    Attributes:
        all: every element's name and attributes.
        tables: the rows of each table, by the workflow around it (None: of all) and its view.
        words: all text outside of style and script.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[tuple[str, Numbers]] = []
        self.tables: dict[tuple[str | None, str], list[Numbers]] = {}
        self.words = ""
        self._workflow: str | None = None
        self._table: list[Numbers] = []
        self._columns: list[str] = []
        self._skips = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.all.append((tag, given))
        self._skips = tag in ("style", "script")
        match tag:
            case "article":
                self._workflow = given.get("data-workflow")
            case "table":
                self._table, self._columns = [], []
                self.tables[self._workflow, str(given["data-view"])] = self._table
            case "th":
                self._columns.append(str(given["data-column"]))
            case "tr" if self._columns:
                self._table.append({})
            case "td":
                row = self._table[-1]
                row[self._columns[len(row)]] = given["data-value"]

    def handle_endtag(self, tag: str) -> None:
        self._skips = self._skips and tag not in ("style", "script")

    def handle_data(self, data: str) -> None:
        self.words += "" if self._skips else data

    def having(self, attribute: str) -> list[Numbers]:
        """The attributes of the elements that have this one."""
        return [given for _, given in self.all if attribute in given]


def full_house(root: Path) -> House:
    """A workflow of everything, one with a holdout, one nobody entered; ten customers, and orders."""
    fork = action(
        "branch_decision",
        criteria={"big": condition("event.value", "greater_than", 50)},
        paths={"big": [send("big", content="Hi"), wait("1d")]},
    )
    listening = action(
        "wait_for_event",
        event={"action": "reply"},
        timeout="2d",
        paths={"timeout": [send("again", content="Hi")]},
    )
    goal = {"type": "behavioral", "config": {"action": "Order Completed"}}
    vip = {
        "name": "vip",
        "conditions": [condition("vip", "equals", True)],
        "actions": [wait("1h"), send("vip", content="Hi")],
    }
    home = house(
        root,
        workflow(
            fork,
            listening,
            wait("3d"),
            workflow_id="all",
            goal=goal,
            branches=[vip],
            exit_on=[trigger("stop")],
        ),
        workflow(
            send("test", content="Hi"), workflow_id="held", holdout=0.5, goal=goal, workflow_name=HOSTILE
        ),
        workflow(wait("1d"), send("later", content="Hi"), workflow_id="none", on="never"),
    )
    who = [f"c{one}" for one in range(9)] + [HOSTILE]
    home.customers("people", *(person(one, email="a@example.com", vip=one in who[:3]) for one in who))
    home.events("1", *(event("go", at(5 + n), one, value=20.0 * n) for n, one in enumerate(who)))
    home.tick(at(30))
    more = [event("stop", at(days=1.5), "c4"), event("stop", at(days=2.5), "c5")]
    orders = [event("Order Completed", at(days=1), one, value=12.34) for one in ("c0", "c6", "c7")]
    home.events("2", *more, *orders)
    home.tick(at(days=3))
    return home


def rows_of(home: House, view: str, where: str = "true") -> list[dict[str, Any]]:
    """The rows of a view, as they are published."""
    names = [one for (one,) in home.rows(f"select column_name from (describe from {view})")]
    return [dict(zip(names, one, strict=True)) for one in home.rows(f"from {view} where {where}")]
