"""A small project in the place of the demo: people who enter a workflow, some held out, some of whom buy."""

from pathlib import Path

from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, tag, trigger, wait, workflow

PEOPLE = [f"c{number:02}" for number in range(40)]


def project(folder: Path) -> House:
    """A folder with an `onward.toml`: 40 customers, a workflow with a holdout and a goal, and one that nobody enters.

    Of the treated three buy after one and a half days and one after twelve; of those held out one after five. The last
    two customers of all enter 20 days later than the others, so that at the last tick their goal is still open.
    """
    folder.mkdir(parents=True)
    (folder / "onward.toml").write_text('data_dir = "data"\n')
    goal = trigger("buy") | {"window": "30d"}
    home = house(
        folder,
        workflow(
            send("hello", content="Hi"),
            wait("7d"),
            tag("asked"),
            workflow_id="coupon_follow_up",
            holdout=0.5,
            goal=goal,
        ),
        workflow(send("hello", content="Hi"), wait("2d"), workflow_id="quiet", on="never"),
    )
    home.customers("people", *(person(one) for one in PEOPLE))
    home.events("1", *(event("go", at(), one) for one in PEOPLE[:-2]))
    home.tick(at(1))
    held = [
        one
        for (one,) in home.rows("select customer_id from executions where status = 'held_out' order by all")
    ]
    treated = [one for one in PEOPLE[:-2] if one not in held]
    bought = {**dict.fromkeys(treated[:3], 1.5), treated[3]: 12, held[0]: 5}
    home.events("2", *(event("buy", at(days=days), one) for one, days in bought.items()))
    home.events("3", *(event("go", at(days=20), one) for one in PEOPLE[-2:]))
    home.tick(at(days=40))
    return home
