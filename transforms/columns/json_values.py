"""JSON values as codes: each distinct value is read once, conditions are evaluated per distinct value.

Values travel as JSON text (`3`, `"gold"`, `null`). `intern` gives equal values equal codes, so that "really
changed" (semantics.md §4) is an integer comparison and a condition (§5) is one look-up in a truth table.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.columns.factorize import factorize, index_in

Codes = npt.NDArray[np.int32]

NULL, BOOLEAN, NUMBER, STRING, LIST, OBJECT = range(6)
NULL_CODE = 0
_NULL = pl.Series("raw", ["null"])
_WHOLE = 1e16
_SMALL = 1e-4
"""Below it Polars writes numbers differently from Python."""
_LONGEST_INTEGER = 4000
"""Digits that Python reads; a longer integer is a double."""
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_PLACE = re.compile("0|[1-9][0-9]{0,17}", re.ASCII)


def canonical(value: Any) -> str:
    """Compact JSON with sorted keys, whole numbers as integers: equal values (semantics.md §5), equal text."""
    return json.dumps(_whole(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical_texts(texts: pl.Series) -> pl.Series:
    """JSON texts in canonical form, so that equal values have equal text; what is no JSON stays as it is."""
    distinct, codes = factorize(texts)
    canonical = [None if one is None else _canonical_text(one) for one in distinct]
    return pl.Series(canonical, dtype=pl.String).gather(codes)


def _canonical_text(text: str) -> str:
    try:
        found = canonical(read_json(text))
    except (ValueError, RecursionError):
        return text
    return found.encode(errors="backslashreplace").decode()  # of lone surrogates


def read_json(text: str) -> Any:
    """A JSON text's value; integers of any length."""
    return _DECODER.decode(text)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


_DECODER = json.JSONDecoder(parse_int=_integer)
"""Made once, since `json.loads` makes another for each text."""


def text_of(value: Any) -> str:
    """A value as text, for `contains` (semantics.md §5)."""
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical(value)


def intern(
    columns: Mapping[str, pl.Series], literals: Sequence[str]
) -> tuple[pl.DataFrame, dict[str, Codes]]:
    """Give every distinct value of JSON-text columns a code.

    Args:
        columns: name → String series of JSON texts; null stands for an absent value.
        literals: further JSON texts that need codes.

    Returns:
        The dictionary (one row per code: `json` canonical text, `kind`, `number`, `text` of a string, `items`
        of a list as canonical texts; row 0 is null) and, per column, its codes; the literals' under `""`.
    """
    texts = {"": pl.Series([*literals, "null"], dtype=pl.String), **columns}
    present = [_present(column.cast(pl.String)) for column in texts.values()]
    distinct, raw_codes = _encode(pl.concat(present))
    dictionary, final = _merge_equal(_parse(pl.concat([_NULL, distinct])))
    pieces = np.split(final[raw_codes + 1], np.cumsum([len(one) for one in present])[:-1])
    codes = {name: _spread(column, some) for (name, column), some in zip(texts.items(), pieces, strict=True)}
    return dictionary, {**codes, "": codes[""][:-1]}


def look_inside(dictionary: pl.DataFrame, paths: Sequence[tuple[str, ...]]) -> tuple[pl.DataFrame, Codes]:
    """Look along paths into the lists and objects of a dictionary (semantics.md §5).

    Args:
        dictionary: of `intern`.
        paths: the keys, one after the other.

    Returns:
        The dictionary with what was found behind it, and `[path, code]`: the code of what each value has there.
    """
    nested = dictionary.filter(pl.col("kind").is_in([LIST, OBJECT]))["json"].to_list() if paths else []
    if not nested:
        return dictionary, np.full((len(paths), len(dictionary)), NULL_CODE, np.int32)
    holders, found = _look_along(nested, paths)
    further = _parse(pl.concat(found).unique(maintain_order=True).rename("raw"))
    whole = pl.concat([dictionary, further]).unique("json", keep="first", maintain_order=True)
    inside = np.full((len(paths), len(whole)), NULL_CODE, np.int32)
    at = index_in(holders, whole["json"])
    for path, texts in enumerate(found):
        inside[path, at] = index_in(texts, whole["json"])
    return whole, inside


def _look_along(nested: list[str], paths: Sequence[tuple[str, ...]]) -> tuple[pl.Series, list[pl.Series]]:
    """Lists and objects, those found in them too, and per path what each of them has there."""
    known, found = set(nested), [list[str]() for _ in paths]
    holders = list(nested)
    for text in holders:
        value = read_json(text)
        for texts, keys in zip(found, paths, strict=True):
            texts.append(one := canonical(inner_value(value, keys)))
            if one[0] in "[{" and one not in known:
                known.add(one)
                holders.append(one)
    return pl.Series(holders), [pl.Series(texts, dtype=pl.String) for texts in found]


def inner_value(value: Any, keys: Sequence[str]) -> Any:
    """What a value has along a path: objects by key, lists by place, anything else null (semantics.md §5)."""
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and _PLACE.fullmatch(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def members(objects: pl.Series, names: Sequence[str]) -> dict[str, pl.Series]:
    """What JSON objects have under names, as JSON texts; null where an object has nothing there, or is null.

    A name is looked up whole; if nothing has it, and it has dots, along its parts (semantics.md §5). Each distinct
    object is read once.
    """
    distinct, codes = factorize(objects)
    found: dict[str, list[str | None]] = {name: [] for name in names}
    for text in distinct:
        value = {} if text is None else read_json(text)
        for name, texts in found.items():
            texts.append(_encoded(_member(value, name)))
    return {name: pl.Series(name, texts, dtype=pl.String).gather(codes) for name, texts in found.items()}


def _member(value: Mapping[str, Any], name: str) -> Any:
    member = value.get(name)
    return inner_value(value, name.split(".")) if member is None and "." in name else member


def _encoded(value: Any) -> str | None:
    return None if value is None else _ENCODER.encode(value)


def number_ranks(dictionary: pl.DataFrame) -> npt.NDArray[np.int64]:
    """The place of each value among all numbers of a dictionary, in their order; −1 for what is no number."""
    numbers = dictionary.with_row_index("code").filter(pl.col("kind") == NUMBER)
    ranks = np.full(len(dictionary), -1)
    exact = list(map(read_json, numbers["json"]))
    ranks[numbers["code"][sorted(range(len(exact)), key=exact.__getitem__)]] = np.arange(len(exact))
    return ranks


def spelled(dictionary: pl.DataFrame) -> Codes:
    """Of each number and boolean the code of the text that spells it, −1 where no value of the dictionary does."""
    codes = np.full(len(dictionary), -1, np.int32)
    rows = dictionary.select("json", "kind", "text").with_row_index("code")
    texts = rows.filter(pl.col("kind") == STRING)
    spelling = rows.filter(pl.col("kind").is_in([NUMBER, BOOLEAN]))
    at = index_in(spelling["json"], texts["text"])
    codes[spelling["code"].to_numpy()[at >= 0]] = texts["code"].to_numpy()[at[at >= 0]]
    return codes


def numbers_frame(numbers: Any, kinds: Any) -> pl.DataFrame:
    """Numbers (0 and 1 for booleans) as rows of a dictionary, each of its kind: NUMBER, BOOLEAN or NULL."""
    frame = pl.DataFrame({"number": numbers, "kind": kinds}).select(
        pl.col("kind").cast(pl.UInt8),
        number=pl.when(pl.col("kind") == NUMBER).then(pl.col("number").cast(pl.Float64)),
        json=pl.when(pl.col("kind") == NULL).then(pl.lit("null"))
        .when(pl.col("number") == 1).then(pl.lit("true")).otherwise(pl.lit("false")),
        text=pl.lit(None, pl.String),
        items=pl.lit(None, pl.List(pl.String)),
        instant=pl.lit(None, pl.Int64),
    )  # fmt: skip
    text = pl.when(pl.col("kind") == NUMBER).then(_number_text()).otherwise("json")
    return _with_small_numbers(frame.with_columns(json=text))


def _with_small_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a dictionary, the text of small numbers as Python writes it."""
    small = frame.select(
        ((pl.col("kind") == NUMBER) & _is_small()).fill_null(value=False).arg_true()
    ).to_series()
    texts = [canonical(one) for one in frame["number"].gather(small)]
    return frame.with_columns(frame["json"].scatter(small, texts)) if texts else frame


def _present(texts: pl.Series) -> pl.Series:
    return (texts.drop_nulls() if texts.null_count() else texts).alias("raw")


def _spread(column: pl.Series, present: Codes) -> Codes:
    """The codes of the values that are there, null's code elsewhere."""
    if len(present) == len(column):
        return present
    codes = np.full(len(column), NULL_CODE, np.int32)
    codes[column.is_not_null().to_numpy()] = present
    return codes


def _encode(texts: pl.Series) -> tuple[pl.Series, Codes]:
    distinct, numbers = factorize(texts)
    return distinct, numbers.astype(np.int32)


def _merge_equal(parsed: pl.DataFrame) -> tuple[pl.DataFrame, Codes]:
    dictionary = parsed.unique("json", keep="first", maintain_order=True)
    if len(dictionary) == len(parsed):
        return dictionary, np.arange(len(parsed), dtype=np.int32)
    return dictionary, index_in(parsed["json"], dictionary["json"]).astype(np.int32)


def _parse(raw: pl.Series) -> pl.DataFrame:
    first = pl.col("raw").str.head(1)
    kind = (
        pl.when(first == '"').then(STRING).when(first.is_in(["t", "f"])).then(BOOLEAN)
        .when(first == "n").then(NULL).when(first == "[").then(LIST).when(first == "{").then(OBJECT)
        .otherwise(NUMBER)
    )  # fmt: skip
    numbers = pl.when(pl.col("kind") == NUMBER).then(pl.col("raw")).cast(pl.Float64, strict=False)
    frame = (
        raw.to_frame("raw")
        .select("raw", kind.cast(pl.UInt8).alias("kind"))
        .with_columns(number=numbers)
        .with_columns(apart=_is_apart().fill_null(value=False))
        .with_columns(_awkward().alias("awkward"))
    )
    plain = (pl.col("kind") == NUMBER) & ~pl.col("apart")
    return (
        frame.with_columns(json=_tidied(frame), items=_items(frame))
        .with_columns(json=pl.when(plain).then(_number_text()).otherwise("json"))
        .select("json", "kind", "number", _string().alias("text"), "items")
    )


def _is_apart() -> pl.Expr:
    """Numbers that a double may not hold exactly, or that Polars writes differently."""
    return (pl.col("kind") == NUMBER) & (
        (pl.col("number").abs() >= _WHOLE) | pl.col("raw").str.contains(r"^-?[0-9]{16,}$") | _is_small()
    )


def _is_small() -> pl.Expr:
    return (pl.col("number") != 0) & (pl.col("number").abs() < _SMALL)


def _awkward() -> pl.Expr:
    nested = pl.col("kind").is_in([LIST, OBJECT])
    return nested | pl.col("apart") | pl.col("raw").str.contains("\\", literal=True)


def _tidied(frame: pl.DataFrame) -> pl.Series:
    """Canonical text; only the distinct texts with escapes or nesting go through a JSON parser."""
    texts = frame["raw"].to_frame("raw").with_row_index()
    awkward = texts.filter(frame["awkward"])
    if awkward.is_empty():
        return frame["raw"].str.strip_chars().rename("json")
    tidy = [canonical(read_json(text)) for text in awkward["raw"]]
    mended = texts.join(
        awkward.select("index", json=pl.Series(tidy, dtype=pl.String)),
        on="index",
        how="left",
        maintain_order="left",
    )
    return mended.select(pl.coalesce("json", pl.col("raw").str.strip_chars())).to_series().rename("json")


def _items(frame: pl.DataFrame) -> pl.Series:
    if not (frame["kind"] == LIST).any():
        return pl.Series("items", [None], dtype=pl.List(pl.String)).new_from_index(0, len(frame))
    lists = [
        [canonical(item) for item in read_json(text)] if kind == LIST else None
        for text, kind in frame.select("raw", "kind").iter_rows()
    ]
    return pl.Series("items", lists, dtype=pl.List(pl.String))


def _number_text() -> pl.Expr:
    whole = (pl.col("number") == pl.col("number").floor()) & (pl.col("number").abs() < _WHOLE)
    return (
        pl.when(whole).then(pl.col("number").cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(pl.col("number").cast(pl.String))
    )  # fmt: skip


def _string() -> pl.Expr:
    """The characters of a string: its JSON text without quotes, decoded where it has escapes."""
    plain = pl.col("json").str.slice(1, pl.col("json").str.len_chars() - 2)
    escaped = pl.col("json").str.contains("\\", literal=True)
    decoded = pl.when(escaped).then(pl.col("json")).str.json_decode(pl.String)
    return pl.when(pl.col("kind") == STRING).then(pl.when(escaped).then(decoded).otherwise(plain))


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value
