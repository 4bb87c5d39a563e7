"""A small project in the place of the demo: people who enter a workflow, some held out, some of whom buy."""

from hashlib import sha256
from pathlib import Path

from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, tag, trigger, wait, workflow

WORKFLOW = "coupon_follow_up"
PEOPLE = [f"c{number:02}" for number in range(40)]


def project(folder: Path) -> House:
    """A folder with an `onward.toml`: 40 customers who enter a workflow with a holdout and a goal, and others.

    Of the treated three buy after one and a half days and one after twelve; of those held out one after five. The last
    two customers enter 20 days later than the others: at the last tick, on day 40, their goal is still open. `quiet` is
    entered by nobody, `plain` has no goal. Ann enters `again` on day 30 and on day 34, and reaches its goal two days
    later; Bob enters it on day 30.
    """
    folder.mkdir(parents=True)
    (folder / "onward.toml").write_text('data_dir = "data"\n')
    sent, buys = send("hello", content="Hi"), trigger("buy")
    home = house(
        folder,
        workflow(
            sent, wait("7d"), tag("asked"), workflow_id=WORKFLOW, holdout=0.5, goal=buys | {"window": "30d"}
        ),
        workflow(sent, wait("2d"), workflow_id="quiet", on="never"),
        workflow(wait("1d"), workflow_id="again", on="return", goal=trigger("buy again")),
        workflow(wait("1d"), workflow_id="plain", on="return"),
    )
    home.customers("people", *map(person, [*PEOPLE, "ann", "bob"]))
    treated = [one for one in PEOPLE[:-2] if not is_held_out(one)]
    held_out = [one for one in PEOPLE[:-2] if is_held_out(one)]
    bought = {**dict.fromkeys(treated[:3], 1.5), treated[3]: 12, held_out[0]: 5}
    home.events(
        "1",
        *(event("go", at(days=0 if one in PEOPLE[:-2] else 20), one) for one in PEOPLE),
        *(event("buy", at(days=days), one) for one, days in bought.items()),
        *(event("return", at(days=30), one) for one in ("ann", "bob")),
        event("return", at(days=34)),
        event("buy again", at(days=36)),
    )
    home.tick(at(days=40))
    return home


def is_held_out(customer: str) -> bool:
    """The draw of semantics.md §6."""
    drawn = sha256(f"holdout|{WORKFLOW}|{customer}".encode()).digest()[:8]
    return int.from_bytes(drawn, "big") / 2**64 < 0.5
