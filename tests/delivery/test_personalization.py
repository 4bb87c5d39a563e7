"""Personalization rules: the seed's rules give the seed's outcomes; which rules apply, and where their texts go."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.delivery.planned import planned_messages
from flows.delivery.rules import load_rules, read_recommendations
from flows.delivery.samples import Person, make_messages
from flows.errors import InputError
from flows.settings import Settings
from tests.oracle.values import holds, look_up
from transforms.content.templates import CompiledContent, ContentSource, Rendered, compile_content, render
from transforms.content.values import Values
from transforms.definitions.content_rules import Rule
from transforms.definitions.reading import read_content_rules
from transforms.delivery.conditions import values_of
from transforms.delivery.personalization import (
    applied_rules,
    blocks_of,
    personalized,
    texts_of,
)
from transforms.delivery.recommendations import items_of

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
DATA = Path(__file__).parents[2] / "data"
SEED = Path(__file__).parent / "seed_rules"
SEED_RULES = (
    "first_name_greeting",
    "location_based_content",
    "purchase_history_recommendations",
    "engagement_level_tone",
)
"""The names of the seed's `initialize_personalization_rules`; its optimization has none there."""


KNOWN = {"sentiment": "positive", "engagement_score": 90, "last_purchase_category": "tea"}


def message(customer: str = "c1", **given: Any) -> dict[str, Any]:
    """What is due, as dispatch reads it."""
    attributes, event = given.pop("attributes", {}), given.pop("event", None)
    own = {
        "workflow_id": "w", "message_class": None, "template_id": None, "customer_id": customer, "at": AT,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC), "tags": None,
        "attributes": json.dumps(attributes), "trigger_properties": None if event is None else json.dumps(event),
    }  # fmt: skip
    return own | given


def due(*messages: dict[str, Any]) -> pl.DataFrame:
    """Several, as a frame."""
    return pl.DataFrame(
        list(messages),
        schema_overrides={
            **dict.fromkeys(("message_class", "template_id", "trigger_properties"), pl.String),
            "tags": pl.List(pl.String),
        },
        infer_schema_length=None,
    )


def rules(text: str) -> tuple[Rule, ...]:
    """Rules as a file has them."""
    return read_content_rules(f"rules:\n{text}", "rules.yaml")


def applied(some: Sequence[Rule], *messages: dict[str, Any]) -> list[list[str]]:
    """The names of the rules that apply to each message."""
    found: list[list[str]] = applied_rules(some, due(*messages)).to_list()
    return found


def compiled_texts(some: Sequence[Rule]) -> dict[str, CompiledContent]:
    return {rule.name: compile_content(ContentSource(None, one)) for rule in some if (one := rule.text)}


def sent(some: Sequence[Rule], attributes: Mapping[str, Any], text: str, html: str | None = None) -> Rendered:
    """A message with its rules, as dispatch makes it."""
    row = message(attributes=attributes)
    names = applied(some, row)[0]
    chosen = [one for one in some if one.name in names]
    values = Values(attributes, {}, {"customer_id": "c1"})
    rendering = partial(render, values=values)
    texts, _ = texts_of(chosen, compiled_texts(some), rendering)
    blocks = blocks_of(chosen, texts)
    content = compile_content(ContentSource("Hi", text, html))
    rendered = render(content, replace(values, blocks=blocks))
    return personalized(rendered, chosen, texts, blocks.printed)


SHORT = "Your cart is waiting. Come back."
LONG = "Your cart is waiting. We kept it. It is yours. Come back. Soon."
GREETED = "Hi Ann,\n\n"
OUTCOMES: dict[str, tuple[dict[str, Any], str, list[str], str]] = {
    "nothing known": ({}, LONG, [], LONG),
    "first name": ({"first_name": "Ann"}, SHORT, ["first_name_greeting"], GREETED + SHORT),
    "empty first name": ({"first_name": ""}, SHORT, [], SHORT),
    "first name null": ({"first_name": None}, SHORT, [], SHORT),
    "location": (
        {"location": "Paris"},
        SHORT,
        ["location_based_content"],
        "In Paris, our customers love...\n\n" + SHORT,
    ),
    "location is a number": (
        {"location": 75001},
        SHORT,
        ["location_based_content"],
        "In 75001, our customers love...\n\n" + SHORT,
    ),
    "location is 0": ({"location": 0}, SHORT, [], SHORT),
    "purchase history": (
        {"last_purchase_category": "shoes"},
        SHORT,
        ["purchase_history_recommendations"],
        "Since you purchased shoes items, you might also like...\n\n" + SHORT,
    ),
    "score 80": ({"engagement_score": 80}, LONG, [], LONG),
    "score 81": (
        {"engagement_score": 81},
        SHORT,
        ["engagement_level_tone"],
        "As one of our most engaged subscribers...\n\n"
        + SHORT
        + "\n\nP.S. As a valued subscriber, here are some "
        "additional resources that might interest you...",
    ),
    "score 30": ({"engagement_score": 30}, LONG, [], LONG),
    "score 29": ({"engagement_score": 29}, LONG, [], "Your cart is waiting.  We kept it.  It is yours."),
    "score 0": ({"engagement_score": 0}, LONG, [], "Your cart is waiting.  We kept it.  It is yours."),
    "score 29, a short text": ({"engagement_score": 29}, SHORT, [], SHORT),
    "a greeting is part of the first sentence": (
        {"engagement_score": 5, "first_name": "Ann"},
        LONG,
        ["first_name_greeting"],
        "Hi Ann,\n\nYour cart is waiting.  We kept it.  It is yours.",
    ),
    "three dots are three sentences": (
        {"engagement_score": 5, "location": "Paris"},
        LONG,
        ["location_based_content"],
        "In Paris, our customers love. . .",
    ),
    "everything": (
        {"first_name": "Ann", "location": "Paris", "last_purchase_category": "shoes", "engagement_score": 99},
        SHORT,
        list(SEED_RULES),
        "As one of our most engaged subscribers...\n\nSince you purchased shoes items, you might also like...\n\n"
        "In Paris, our customers love...\n\nHi Ann,\n\n"
        + SHORT
        + "\n\nP.S. As a valued subscriber, here are some "
        "additional resources that might interest you...",
    ),
}


@pytest.mark.parametrize("case", OUTCOMES)
def test_the_seeds_rules_give_the_seeds_outcomes(case: str) -> None:
    """Each outcome is what `generate_content` of the seed returns for these attributes; its code was run."""
    attributes, text, names, outcome = OUTCOMES[case]
    seed = load_rules(SEED).rules
    found = sent(seed, attributes, text)
    assert found.text == outcome
    assert [name for name in applied(seed, message(attributes=attributes))[0] if name in SEED_RULES] == names


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"sentiment": "negative"}, "We read what you told us, and we are sorry."),
        ({"sentiment": "positive", "engagement_score": 90}, "Thank you for your kind words"),
        ({"engagement_score": 81}, "You are one of our closest readers"),
        ({"sentiment": "neutral", "engagement_score": 80}, None),
    ],
)
def test_the_shipped_rules_set_one_tone(attributes: dict[str, Any], says: str | None) -> None:
    shipped = load_rules(DATA / "content").rules
    names = applied(shipped, message(attributes=attributes, workflow_id="cart_abandonment"))[0]
    tones = [one.text for one in shipped if one.name in names and one.block_name == "tone"]
    assert len(tones) == (says is not None)
    assert says is None or str(tones[0]).startswith(says)


def test_subjects_stay_as_they_are() -> None:
    assert sent(load_rules(SEED).rules, {"first_name": "Ann"}, SHORT).subject == "Hi"


def test_of_a_block_the_first_rule_that_applies_counts() -> None:
    some = rules("""
- {name: a, block: b, text: A, conditions: [{attribute: x, operator: equals, value: 1}]}
- {name: c, text: C}
- {name: b, text: B, conditions: [{attribute: y, operator: equals, value: 1}]}
- {name: d, block: b, text: D}
""")
    rows = [message(attributes=one) for one in ({"x": 1, "y": 1}, {"y": 1}, {})]
    assert applied(some, *rows) == [["a", "c"], ["c", "b"], ["c", "d"]]


def test_a_rule_is_for_workflows_classes_and_templates() -> None:
    some = rules("""
- {name: a, text: A, workflows: [w, v]}
- {name: b, text: B, message_classes: [news]}
- {name: c, text: C, templates: [t], workflows: [w]}
""")
    rows = [
        message(),
        message(workflow_id="u", message_class="news", template_id="t"),
        message(template_id="t", message_class="offers"),
    ]
    assert applied(some, *rows) == [["a"], ["b"], ["a", "c"]]


def test_without_rules_or_messages_nothing_applies() -> None:
    assert applied([], message(), message()) == [[], []]
    assert applied_rules(rules("- {name: a, text: A}"), due(message()).clear()).to_list() == []


def test_a_block_that_a_template_prints_is_placed_by_it_alone() -> None:
    some = rules("- {name: hello, text: 'Hi {{first_name}},'}\n- {name: bye, text: Bye, place: after}")
    text = "{{ blocks.hello | default('Hello,') }}\n\nText"
    assert sent(some, {"first_name": "Ann"}, text).text == "Hi Ann,\n\nText\n\nBye"
    assert sent([], {}, text).text == "Hello,\n\nText"


def test_a_rule_of_place_block_is_only_for_templates() -> None:
    some = rules("- {name: hello, block: top, text: Hi, place: block}")
    assert sent(some, {}, "Text").text == "Text"
    assert sent(some, {}, "{{ blocks.top }} Text").text == "Hi Text"


@pytest.mark.parametrize("name", ["cart_abandonment", "welcome_series"])
def test_the_shipped_letters_say_each_thing_once(name: str, tmp_path: Path) -> None:
    """In their own place: within the layout, above its end, in both parts."""
    settings = Settings(
        data_dir=tmp_path, workflows_dir=DATA / "workflows", templates_dir=DATA / "templates",
        content_dir=DATA / "content",
    )  # fmt: skip
    for attributes, greeting in (({"first_name": "Ann", **KNOWN}, "Hi Ann,"), ({}, "Hello there,")):
        profile = {
            "customer_id": "c1", "email": "c1@example.com", "attributes": json.dumps(attributes),
            "created_at": None, "tags": [],
        }  # fmt: skip
        for made in make_messages(settings, planned_messages(settings, name), Person(profile), AT, "m"):
            assert made.letter is not None, made.fault
            mail = made.letter.mail
            for part in (mail.text, mail.html or ""):
                assert [part.count(one) for one in ("Hi ", "Hello ", greeting)] == [
                    "Hi " in greeting, "Hello " in greeting, 1
                ]  # fmt: skip
                assert part.count("kind words") == part.count("P.S.") == bool(attributes)
                assert part.rindex("The Shop") > part.find("P.S.")


PAGE = '<html><body class="a>b">\n<p>One.</p></body></html>'
TOLD = '- {name: a, text: "Is 3 < {{n}} & true?\\nYes.\\n\\nBye"}\n- {name: z, text: End, place: after}'


@pytest.mark.parametrize(
    ("html", "outcome"),
    [
        (
            PAGE,
            '<html><body class="a>b"><p>Is 3 &lt; &lt;b&gt; &amp; true?<br>Yes.</p><p>Bye</p>\n<p>One.</p><p>End</p>'
            "</body></html>",
        ),
        ("One", "<p>Is 3 &lt; &lt;b&gt; &amp; true?<br>Yes.</p><p>Bye</p>One<p>End</p>"),
        (
            '<BODY><div style="display:none">Preview</div>One</BODY>',
            '<BODY><div style="display:none">Preview</div><p>Is 3 &lt; &lt;b&gt; &amp; true?<br>Yes.</p><p>Bye</p>One'
            "<p>End</p></BODY>",
        ),
    ],
)
def test_texts_are_escaped_paragraphs_of_the_html_part(html: str, outcome: str) -> None:
    found = sent(rules(TOLD), {"n": "<b>"}, "One", html)
    assert found.html == outcome
    assert found.text == "Is 3 < <b> & true?\nYes.\n\nBye\n\nOne\n\nEnd"


def test_a_text_that_says_nothing_is_not_placed() -> None:
    some = rules('- {name: a, text: "{% if no %}A{% endif %}\\n"}')
    assert sent(some, {}, "One", "<p>One</p>") == Rendered("Hi", "One", "<p>One</p>", ())


def test_what_is_shortened_keeps_prices_and_links() -> None:
    short = rules("- {name: short, sentences: 2}")
    text = (
        "It is 3.50 now. See below. More.\nhttps://shop.example/cart\nBye.\nNo more: mailto:no@shop.example\n"
    )
    assert sent(short, {}, text).text == (
        "It is 3.50 now.  See below.\n\nhttps://shop.example/cart\n\nNo more: mailto:no@shop.example"
    )
    html = (
        "<h1>Shop.</h1><p>It is 3.50 <b>now.</b> See &lt;i.e. below</p><p class=x>More. Than.</p><p>Gone.</p><img>"
        '<p><a href="https://shop.example/off">No more</a></p>'
    )
    assert sent(short, {}, text, html).html == html.replace("<p>Gone.</p>", "").replace(
        "<p class=x>More. Than.</p>", ""
    )


def test_missing_names_of_texts_are_told() -> None:
    some = rules(
        "- {name: a, text: '{{x}} {{y}}'}\n- {name: b, text: '{{y}} {{z}}'}\n- {name: c, sentences: 1}"
    )
    rendering = partial(render, values=Values({"x": 1}, {}, {}))
    texts, missing = texts_of(some, compiled_texts(some), rendering)
    assert (texts, missing) == ({"a": "1 ", "b": " "}, ("y", "z"))


NAMES = ["a", "a.k", "l.1", "a.b", "event.p", "event.p.k", "tags", "customer_id", "created_at"]
ASKED: list[tuple[str, Any]] = [
    ("equals", 3), ("equals", ["x", "y"]), ("not_equals", "x"), ("greater_than", -1), ("less_than", 4),
    ("greater_than", "b"), ("contains", "x"), ("contains", 3), ("in_list", [3, "x", True]),
    ("not_in_list", ["", 0, False]), ("exists", None), ("exists", False), ("not_exists", None),
    ("starts_with", "2026"), ("ends_with", "x"), ("matches", "[a-z]"), ("before", "2026-02-01"),
    ("after", "2026-02-01T10:00:00Z"), ("between", [1, 5]), ("within_last", "30d"), ("at_least", 3),
    ("at_most", "2026-02-20"),
]  # fmt: skip
values = st.sampled_from(
    [None, 3, 3.0, 0, -2.5, True, False, "", "x", "3", "ä\"\\x", "2026-02-15", "2026-02-15T10:00:00Z",
     1771149600, ["x", "y"], [3], {"k": "x"}, {"k": 3, "b": None}, 2**70]
)  # fmt: skip
objects = st.dictionaries(st.sampled_from(["a", "b", "l", "p", "a.b", "k"]), values, max_size=4)
rows = st.fixed_dictionaries(
    {
        "attributes": objects,
        "event": st.none() | objects,
        "tags": st.none() | st.lists(st.sampled_from(["x", "y", 'ä"']), unique=True),
    }
)
singles = st.builds(
    lambda name, asked: (
        {"attribute": name, "operator": asked[0]} | ({} if asked[1] is None else {"value": asked[1]})
    ),
    st.sampled_from(NAMES),
    st.sampled_from(ASKED),
)
members = st.recursive(
    singles,
    lambda inner: st.one_of(
        st.builds(lambda some: {"any": some}, st.lists(inner, max_size=3)),
        st.builds(lambda some: {"all": some}, st.lists(inner, max_size=3)),
        st.builds(lambda one: {"not": one}, inner),
    ),
    max_leaves=4,
)


def is_so(one: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """What semantics.md §5 says of one condition or group."""
    if "operator" in one:
        return holds(one["operator"], looked_up(one["attribute"], row), one.get("value"), AT)
    if "not" in one:
        return not is_so(one["not"], row)
    if "any" in one:
        return any(is_so(each, row) for each in one["any"])
    return all(is_so(each, row) for each in one["all"])


def looked_up(name: str, row: Mapping[str, Any]) -> Any:
    fields = {"tags": sorted(row["tags"] or []), "customer_id": "c1", "created_at": "2026-01-01T00:00:00Z"}
    if name.startswith("event."):
        return look_up(name.removeprefix("event."), (row["event"] or {}).get)
    return fields[name] if name in fields else look_up(name, row["attributes"].get)


@given(st.lists(rows, max_size=4), st.lists(members, min_size=1, max_size=3))
def test_conditions_hold_as_in_workflows(
    some: list[dict[str, Any]], conditions: list[dict[str, Any]]
) -> None:
    """Against the interpreter of the semantics that the engine is held to."""
    text = json.dumps({"rules": [{"name": "a", "text": "A", "conditions": conditions}]})
    (rule,) = read_content_rules(text, "rules.json")
    frame = due(message(), *(message(**one) for one in some))[1:]
    verdicts = values_of(rule.conditions, frame).all_hold(rule.conditions)
    assert verdicts.tolist() == [all(is_so(one, row) for one in conditions) for row in some]


def test_recommendations_are_joined_by_customer(tmp_path: Path) -> None:
    table = pl.DataFrame({"customer_id": ["c1", "c2"], "items": [[{"name": "tea", "price": 2.5}], []]})
    wanted, nothing = due(message(), message("c9"), message("c2")), "[]"
    tea = '[{"name":"tea","price":2.5}]'
    as_text = table.with_columns(items=pl.Series([tea, None]))
    for suffix, write in (
        ("parquet", table.write_parquet),
        ("ndjson", table.write_ndjson),
        ("csv", as_text.write_csv),
    ):
        file = tmp_path / f"recommendations.{suffix}"
        write(file)
        found = read_recommendations(tmp_path, wanted["customer_id"])
        assert items_of(wanted, found).to_list() == [tea, nothing, nothing], suffix
        file.unlink()
    assert items_of(wanted, read_recommendations(tmp_path, wanted["customer_id"])).to_list() == [nothing] * 3


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "csv",
            "id,items\nc1,[]\n",
            "has no column 'customer_id'; needed are customer_id and items, given id, items",
        ),
        ("parquet", "no parquet at all", "can't be read as a table of recommendations"),
    ],
)
def test_a_wrong_table_of_recommendations_is_said(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / f"recommendations.{name}").write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_recommendations(tmp_path, pl.Series(["c1"]))
    assert says in str(caught.value)


def test_two_tables_of_recommendations_are_said(tmp_path: Path) -> None:
    for suffix in ("csv", "ndjson"):
        (tmp_path / f"recommendations.{suffix}").touch()
    with pytest.raises(InputError, match="two tables of recommendations; keep one of them"):
        read_recommendations(tmp_path, pl.Series(["c1"]))
