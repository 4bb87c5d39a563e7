"""The content folder: personalization rules, and a table of recommendations."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.definitions.folder import Definitions, definition_files, read_file
from flows.definitions.given import Places
from flows.errors import InputError
from transforms.definitions.content_rules import Rule
from transforms.definitions.reading import read_content_rules
from transforms.definitions.workflow import Workflow
from transforms.delivery.recommendations import RECOMMENDED

RECOMMENDATIONS = "recommendations"
_SCANS: Mapping[str, Callable[[Path], pl.LazyFrame]] = {
    ".parquet": pl.scan_parquet,
    ".ndjson": lambda file: pl.scan_ndjson(file, infer_schema_length=None),
    ".csv": lambda file: pl.scan_csv(file, infer_schema=False),
}


@dataclass(frozen=True)
class ContentRules:
    """The rules of the valid files, in the order of the files' names, and the faults of the others."""

    rules: tuple[Rule, ...] = ()
    faults: tuple[str, ...] = ()


def known_names(
    workflows: Sequence[Workflow], templates: Collection[str] | None
) -> Mapping[str, Collection[str]]:
    """What rules may be for: the workflows there are, their classes, the templates where they are known."""
    names: dict[str, Collection[str]] = {
        "workflows": [one.workflow_id for one in workflows],
        "message_classes": [one.message_class for one in workflows if one.message_class],
    }
    return names if templates is None else {**names, "templates": templates}


def load_rules(folder: Path, known: Mapping[str, Collection[str]] | None = None) -> ContentRules:
    """The rules of a folder, which need not be there, with the faults of what is left out.

    Args:
        folder: of `.yaml`, `.yml` or `.json` files.
        known: see `reading.read_content_rules`.
    """
    faults: list[str] = []
    rules: dict[str, Rule] = {}
    for path in definition_files(folder) if folder.is_dir() else ():
        found = read_file(path, lambda text, file: read_content_rules(text, file, known), faults) or ()
        again = [one.name for one in found if one.name in rules]
        faults += [
            f"{path}:1:1 rules: an earlier file has {one!r} too; allowed: a name once" for one in again
        ]
        rules |= {one.name: one for one in found if one.name not in again}
    return ContentRules(tuple(rules.values()), tuple(faults))


def rule_faults(given: Path | None, read: Places, found: Definitions) -> Sequence[str]:
    """What is wrong with the rules that go with definitions; of a single workflow, which knows no others, nothing.

    Args:
        given: what was to be read; None: all.
        read: where things lie.
        found: the valid definitions.
    """
    if given is not None and not given.is_dir():
        return ()
    return load_rules(read.content, known_names(found.workflows, None)).faults


def read_recommendations(folder: Path, customers: pl.Series) -> pl.DataFrame:
    """What the user's table recommends to some customers.

    The table is a file of `folder`, `recommendations.parquet`, `.ndjson` or `.csv`, with the columns `customer_id` and
    `items`: a list, or a JSON array as text. There need not be one.

    Args:
        folder: the content folder.
        customers: the ids of those that are asked for.

    Returns:
        The rows of these customers, `customer_id, items`.

    Raises:
        InputError: there are several tables, it can't be read, or has other columns.
    """
    files = [file for suffix in _SCANS if (file := folder / f"{RECOMMENDATIONS}{suffix}").is_file()]
    if len(files) > 1:
        raise InputError(f"{' and '.join(map(str, files))}: two tables of recommendations; keep one of them")
    if not files:
        return pl.DataFrame(schema=RECOMMENDED)
    wanted = pl.LazyFrame({"customer_id": customers.cast(pl.String).unique()})
    try:
        return _table(files[0]).join(wanted, on="customer_id", how="semi").collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        told = str(error).strip().partition("\n")[0]
        raise InputError(f"{files[0]}: can't be read as a table of recommendations: {told}") from error


def _table(file: Path) -> pl.LazyFrame:
    table = _SCANS[file.suffix](file)
    names = table.collect_schema().names()
    if missing := [name for name in RECOMMENDED if name not in names]:
        raise InputError(
            f"{file}: has no column {' and '.join(map(repr, missing))}; needed are customer_id and items, given "
            f"{', '.join(names)}"
        )
    return table.select(pl.col("customer_id").cast(pl.String), "items")
