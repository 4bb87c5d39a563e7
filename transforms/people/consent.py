"""What a profile says of being written to, however it is spelled (semantics.md §11): the one reading of it.

The gate reads it here, for the values of a tick; dispatch and `validate --data` do, for those of the store.
"""

import polars as pl

from transforms.columns.json_values import BOOLEAN, NULL, NUMBER, STRING, intern

CONSENT, STATUS = "email_consent", "subscription_status"
FIELDS = (CONSENT, STATUS)
"""The attributes that say it."""

NO = frozenset(
    {
        *("false", "f", "no", "n", "0", "off", "none", "never", "denied", "opted_out", "opt_out", "optout"),
        *("unsubscribed", "unsubscribe", "not_subscribed", "never_subscribed", "nonsubscribed", "cleaned"),
        *("pending", "bounced", "complained", "blacklisted", "redacted"),
    }
)
YES = frozenset(
    {
        *("true", "t", "yes", "y", "1", "on", "granted", "opted_in", "opt_in", "subscribed", "subscribe"),
        *("active", "confirmed"),
    }
)
"""In lower case, with `_` for blanks and dashes within; besides these, booleans and the numbers 0 and 1 say it."""

UNKNOWN = (
    "is neither a no nor a yes and holds nobody back; spell it as one of those that docs/messages.md lists"
)

_kind, _number, _text, _json = (pl.col(name) for name in ("kind", "number", "text", "json"))
_word = _text.str.strip_chars().str.to_lowercase().str.replace_all(r"[\s-]", "_")


def says_no() -> pl.Expr:
    """Of each row of the dictionary of `json_values.intern`, whether that value refuses."""
    return _says(NO, 0, "false")


def says_yes() -> pl.Expr:
    """Of each row of the dictionary, whether that value agrees."""
    return _says(YES, 1, "true")


def read_consent(values: pl.Series) -> pl.DataFrame:
    """What values of the fields say.

    Args:
        values: JSON texts.

    Returns:
        One row per distinct one: `value`, `says`: `no`, `yes`, `nothing` (null and blank text), or `unknown`.
    """
    distinct = values.drop_nulls().unique()
    dictionary, codes = intern({"value": distinct}, ())
    says = (
        pl.when(says_no()).then(pl.lit("no")).when(says_yes()).then(pl.lit("yes"))
        .when((_kind == NULL) | (_word == "")).then(pl.lit("nothing")).otherwise(pl.lit("unknown"))
    )  # fmt: skip
    found = dictionary.select(says=says)["says"].gather(codes["value"])
    return pl.DataFrame({"value": distinct, "says": found})


def _says(words: frozenset[str], number: int, truth: str) -> pl.Expr:
    return (
        ((_kind == STRING) & _word.is_in(sorted(words)))
        | ((_kind == NUMBER) & (_number == number))
        | ((_kind == BOOLEAN) & (_json == truth))
    ).fill_null(value=False)
