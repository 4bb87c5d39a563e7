"""Random cases: few names, few values and a coarse clock, so that everything collides with everything.

Cases, the ticks to decide them in, and the events each tick loads.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.engine.strategies_language import enriched
from tests.engine.strategies_workflows import (
    NAMES,
    TAGS,
    WORKFLOW_IDS,
    any_value,
    attribute_names,
    attribute_value,
    attributes,
    own_values,
    sometimes,
    values,
    weighted,
    workflows,
)
from tests.oracle.interpreter import decide
from tests.semantics.cases import Case, Json, Row, at

GRID = 30
"""Minutes between the instants at which almost everything happens."""
LAST = 3 * 24 * 60 // GRID

instants = st.integers(0, LAST).map(lambda step: at(GRID * step))
first_half = st.integers(0, LAST // 2).map(lambda step: at(GRID * step))
event_types = weighted(
    (6, st.just("behavioral")),
    (2, st.just("attribute_change")),
    (1, st.just("external_event")),
    (1, st.just("time_based")),
)
event_names = {type_: st.sampled_from(names) for type_, names in NAMES.items()} | {
    "attribute_change": attribute_names
}
event_properties = st.fixed_dictionaries(
    {}, optional={n: any_value[f"event.{n}"] for n in ("amount", "color")}
)
nudges = st.sampled_from([timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(minutes=7)])
event_instants = st.builds(
    lambda at_, by: at_ + by, instants, weighted((15, st.just(timedelta(0))), (1, nudges))
)
event_values = sometimes(30, own_values["event.value"])
event_attributes = sometimes(15, attributes(most=2))


@st.composite
def change_properties(draw: DrawFn, attribute: str) -> Row:
    """The properties of an `attribute_change` event; now and then without a new value."""
    old: Row = {"old_value": draw(values)}
    return old | ({"new_value": draw(attribute_value(attribute))} if draw(st.integers(0, 9)) else {})


@st.composite
def events(draw: DrawFn, event_id: str, customers: Sequence[str]) -> Row:
    """An event of any type."""
    type_ = draw(event_types)
    name = draw(event_names[type_])
    properties = change_properties(name) if type_ == "attribute_change" else event_properties
    return {
        "event_id": event_id,
        "customer_id": draw(st.sampled_from(customers)),
        "ts": draw(event_instants),
        "type": type_,
        "name": name,
        "value": draw(event_values),
        "properties": draw(properties),
        "attributes": draw(event_attributes),
    }


@st.composite
def customer_rows(draw: DrawFn, customer_id: str) -> Row:
    """A customer, mostly known from the beginning."""
    return {
        "customer_id": customer_id,
        "created_at": draw(sometimes(30, first_half)),
        "attributes": draw(attributes()),
        "tags": sorted(draw(st.sets(st.sampled_from(TAGS), max_size=2))),
    }


@st.composite
def introduced(draw: DrawFn, event: Row) -> Row:
    """The event, now and then one that makes its customer known (semantics.md §4)."""
    if draw(st.integers(0, 5)):
        return event
    named = {"type": "behavioral", "name": "identify"} if draw(st.booleans()) else {}
    traits = st.fixed_dictionaries({}, optional=TRAITS)
    return event | named | {"attributes": (event["attributes"] or {}) | draw(traits)}


dates_said = st.sampled_from(["2026-02-01", "2026-03-02 12:00 UTC", 1772357415, "soon", None, "2031-01-01"])
TRAITS: dict[str, st.SearchStrategy[Json]] = {
    "email": st.sampled_from(["zoe@example.com", "zoe@example.com", " ", "", 3, None]),
    "createdAt": dates_said,
    "created_at": dates_said,
    "customer_id": st.sampled_from(["zoe", "other", 3, None]),
}

caps = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 1, 0]), st.sampled_from([6, 24, 48, 1]).map(lambda h: timedelta(hours=h))
    ),
    min_size=1,
    max_size=2,
)


@st.composite
def cases(draw: DrawFn, most_events: int = 30) -> Case:
    """A case, half of them with features of the decision language beyond the seed's."""
    if draw(st.booleans()):
        return draw(plain_cases(most_events))
    smaller: Case = draw(plain_cases(min(most_events, 16), most_workflows=2))
    return draw(enriched(smaller))


@st.composite
def plain_cases(draw: DrawFn, most_events: int, most_workflows: int = 4) -> Case:
    """Up to four workflows, up to three customers and one who is unknown, three days of events."""
    ids = draw(st.lists(st.sampled_from(WORKFLOW_IDS), min_size=1, max_size=most_workflows, unique=True))
    known = ["ann", "bob", "cy"][: draw(st.integers(1, 3))]
    count = draw(st.integers(most_events // 4, most_events))
    ids_of_events = [f"e{number}" for number in range(count)]
    if draw(st.integers(0, 3)) == 3:
        ids_of_events[-1] = ids_of_events[0]
    anyone = [*known, *known, *known, "zoe", *(["yve"] if draw(st.booleans()) else [])]
    meet = introduced if draw(st.booleans()) else st.just
    return Case(
        workflows=[draw(workflows(workflow_id)) for workflow_id in ids],
        customers=[draw(customer_rows(customer_id)) for customer_id in known],
        events=[draw(events(event_id, anyone).flatmap(meet)) for event_id in ids_of_events],
        end=at(GRID * draw(st.integers(LAST - 12, LAST + 48))),
        start=draw(sometimes(15, first_half)),
        caps=draw(sometimes(50, caps)) or [],
    )


@st.composite
def tick_boundaries(draw: DrawFn, case: Case) -> list[datetime]:
    """Instants at which ticks end, in order, up to the case's end; many exactly where something happens."""
    found = decide(case)
    happening = [row["at"] for row in found.steps] + [event["ts"] for event in case.events]
    eventful = sorted({instant for instant in happening if instant < case.end})
    anywhere = st.integers(1, LAST + 48).map(lambda steps: case.end - timedelta(minutes=GRID * steps))
    choice = st.one_of(anywhere, st.sampled_from(eventful)) if eventful else anywhere
    return [*sorted(draw(st.sets(choice, max_size=8))), case.end]


shifts = weighted((6, st.just(0)), (2, st.integers(1, 3)), (1, st.integers(-2, -1)))


@st.composite
def loads(draw: DrawFn, case: Case, boundaries: Sequence[datetime]) -> list[tuple[datetime, list[Row]]]:
    """The case's events dealt to ticks: most in time, some late, some ahead; in any order within a tick."""
    dealt: list[tuple[datetime, list[Row]]] = [(now, []) for now in boundaries]
    for event in case.events:
        due = next((i for i, now in enumerate(boundaries) if event["ts"] <= now), len(boundaries) - 1)
        shift = draw(shifts)
        dealt[min(max(due + shift, 0), len(boundaries) - 1)][1].append(event)
    return dealt


@st.composite
def ticked_cases(draw: DrawFn) -> tuple[Case, list[tuple[datetime, list[Row]]]]:
    """A case with its ticks, each an instant and the events loaded for it, some of them late or ahead."""
    case = draw(cases())
    return case, draw(loads(case, draw(tick_boundaries(case))))
