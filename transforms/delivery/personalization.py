"""Personalization rules → which apply to which message, and the message with their texts."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from html import escape
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from transforms.columns.arrays import Bools
from transforms.content.templates import CompiledContent, Rendered
from transforms.definitions.content_rules import Rule
from transforms.delivery.conditions import values_of
from transforms.delivery.shortening import shortened, shortened_html

_BODY = re.compile(r"""<body\b(?:"[^"]*"|'[^']*'|[^'">])*>""", re.IGNORECASE)
_PREHEADER = re.compile(r"\s*<(div|span)\b[^>]*display:\s*none[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
"""What mail programs show beside the subject; it has to stand first."""
_END_OF_BODY = re.compile(r"</body\s*>", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n\s*\n")


class Blocks(dict[str, str]):
    """Name → text of the blocks that a message has; `printed` holds the names that its templates asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(texts)
        self.printed: set[str] = set()

    def get(self, name: Any, default: Any = None) -> Any:
        """A block's text; that it was asked for is noted."""
        self.printed.add(name)
        return super().get(name, default)


def applied_rules(rules: Sequence[Rule], due: pl.DataFrame) -> pl.Series:
    """The names of the rules that apply to each message, in the rules' order.

    A rule applies where it is for the message's workflow, class and template, all of its conditions hold at the
    message's instant, and no earlier rule of its block applies.

    Args:
        rules: of all files, in order.
        due: one row per message: `workflow_id, message_class, template_id` and what `values_of` reads.

    Returns:
        `rules`, a list of texts per message.
    """
    values = values_of([one for rule in rules for one in rule.conditions], due)
    taken: dict[str, Bools] = {}
    applied = {}
    for rule in rules:
        verdict = _is_for(rule, due) & values.all_hold(rule.conditions)
        if rule.text is not None:
            before = taken.get(rule.block_name, np.zeros(len(due), np.bool_))
            verdict &= ~before
            taken[rule.block_name] = before | verdict
        applied[rule.name] = verdict
    return _names(applied, len(due))


def texts_of(
    applied: Sequence[Rule],
    compiled: Mapping[str, CompiledContent],
    render: Callable[[CompiledContent], Rendered],
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The texts of the rules that apply to a message, and the names in them that had no value.

    Args:
        applied: the rules.
        compiled: the text of each rule that has one, by its name.
        render: renders one for the message's customer.
    """
    rendered = {one.name: render(compiled[one.name]) for one in applied if one.text is not None}
    missing = dict.fromkeys(chain.from_iterable(one.missing for one in rendered.values()))
    return {name: one.text.strip("\n") for name, one in rendered.items()}, tuple(missing)


def blocks_of(applied: Sequence[Rule], texts: Mapping[str, str]) -> Blocks:
    """What templates may print as `blocks.NAME`.

    Args:
        applied: the rules that apply to the message.
        texts: their rendered texts, by name.
    """
    return Blocks({one.block_name: texts[one.name] for one in applied if one.text is not None})


def personalized(
    rendered: Rendered, applied: Sequence[Rule], texts: Mapping[str, str], printed: Collection[str] = ()
) -> Rendered:
    """The message with what its rules say, one after the other, each applied to what the ones before have left.

    A text goes before or after the text part, with an empty line between, and as paragraphs to the beginning or the
    end of the HTML part's body. Subjects stay as they are.

    Args:
        rendered: the message by itself.
        applied: the rules that apply to it, in order.
        texts: their rendered texts, by name.
        printed: the blocks that the message's templates print themselves (`Blocks.printed`).
    """
    text, html = rendered.text, rendered.html
    for rule in applied:
        if rule.sentences is not None:
            text = shortened(text, rule.sentences)
            html = None if html is None else shortened_html(html, rule.sentences)
        elif rule.place != "block" and rule.block_name not in printed and texts[rule.name].strip():
            text = _beside(text, texts[rule.name], rule.place)
            html = None if html is None else _in_body(html, texts[rule.name], rule.place)
    return replace(rendered, text=text, html=html)


def _is_for(rule: Rule, due: pl.DataFrame) -> Bools:
    scopes = {
        "workflow_id": rule.workflows,
        "message_class": rule.message_classes,
        "template_id": rule.templates,
    }
    inside = [pl.col(name).cast(pl.String).is_in(list(given)) for name, given in scopes.items() if given]
    every = pl.all_horizontal(pl.lit(value=True), *inside).fill_null(value=False)
    found: Bools = due.select(pl.repeat(value=True, n=pl.len()) & every).to_series().to_numpy()
    return found


def _names(applied: Mapping[str, Bools], rows: int) -> pl.Series:
    """Per row the names of the columns that are true."""
    if not applied:
        return pl.Series("rules", [[]], dtype=pl.List(pl.String)).new_from_index(0, rows)
    marks = pl.DataFrame(dict(applied))
    names = [pl.when(name).then(pl.lit(name)) for name in marks.columns]
    return marks.select(rules=pl.concat_list(names).list.drop_nulls()).to_series()


def _beside(text: str, said: str, place: str) -> str:
    if not text.strip():
        return said
    return "\n\n".join([said, text] if place == "before" else [text.rstrip("\n"), said])


def _in_body(html: str, said: str, place: str) -> str:
    written = escape(said).strip()
    paragraphs = "".join(f"<p>{one}</p>" for one in _BLANK_LINES.split(written)).replace("\n", "<br>")
    if place == "before":
        begin = _BODY.search(html)
        at = begin.end() if begin else 0
        if hidden := _PREHEADER.match(html, at):
            at = hidden.end()
    else:
        *_, at = (len(html), *(one.start() for one in _END_OF_BODY.finditer(html)))
    return f"{html[:at]}{paragraphs}{html[at:]}"
