"""What of the settings the report views read, as small tables."""

import json

import polars as pl

from flows.settings import Settings
from transforms.tables.frames import Schema
from transforms.timing.durations import microseconds

_MONEY: Schema = {"name": pl.String, "sign": pl.Int64}
_COSTS: Schema = {"name": pl.String, "millionths": pl.Int64}
_CAPS: Schema = {
    **dict.fromkeys(("number", "messages", "microseconds"), pl.Int64),
    **dict.fromkeys(("channel", "message_class"), pl.String),
}


def of_settings(settings: Settings) -> dict[str, pl.DataFrame]:
    """Tables by their names.

    Returns:
        money: one row per event's name: name, sign (1 earns its value, -1 gives it back).
        costs: one row per sender or channel with a price: name, millionths (of a message, in the currency of orders).
        caps: one row per frequency cap: number (1, 2, …), messages, microseconds (of its window), channel and
            message_class (null: all).
    """
    money = [*((name, 1) for name in settings.revenue), *((name, -1) for name in settings.refunds)]
    costs = [(name, int(one * 1_000_000)) for name, one in settings.costs.items()]
    caps = [
        (number, one.messages, microseconds(one.window), one.channel, one.message_class)
        for number, one in enumerate(settings.frequency_caps, 1)
    ]
    return {
        "money": pl.DataFrame(money, schema=_MONEY, orient="row"),
        "costs": pl.DataFrame(costs, schema=_COSTS, orient="row"),
        "caps": pl.DataFrame(caps, schema=_CAPS, orient="row"),
    }


def told(settings: Settings) -> str:
    """The same as text: another one, if any of it is another."""
    return json.dumps({name: rows.rows() for name, rows in of_settings(settings).items()})
