"""Folders of definition files → models, or every fault of every file.

`python -m flows.definitions.folder` writes the JSON Schemas that editors use to `data/`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from flows.definitions.templates import (
    Templates,
    check_templates,
    inline_faults,
    inline_warnings,
    read_templates,
    template_doubts,
    template_warnings,
)
from flows.errors import InputError
from transforms.definitions.faults import DefinitionError
from transforms.definitions.patterns import Pattern
from transforms.definitions.reading import (
    content_schema,
    patterns_schema,
    read_patterns,
    read_workflow,
    scenarios_schema,
    workflow_schema,
)
from transforms.definitions.workflow import Workflow

SUFFIXES = {".yaml", ".yml", ".json"}
MAX_BYTES = 4 * 1024**2
_WORKFLOW_ID = re.compile(r"""workflow_id["']?\s*:\s*["']?([^"'#,\n]+)""")

Model = TypeVar("Model")


@dataclass(frozen=True)
class Definitions:
    """The valid workflows (by `workflow_id`) and patterns, and the faults of the files left out.

    Attributes:
        unreadable: the `workflow_id`s of the files left out, as far as they can be made out.
        warnings: what is likely meant otherwise in templates and messages, one sentence each.
    """

    workflows: tuple[Workflow, ...] = ()
    patterns: dict[str, Pattern] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_definitions(
    workflows_dir: Path, patterns_file: Path | None = None, templates_dir: Path | None = None
) -> Definitions:
    """All workflows and patterns, or none.

    Args:
        workflows_dir: the folder of workflow files (`.yaml`, `.yml`, `.json`).
        patterns_file: the file of patterns; one that isn't there holds none.
        templates_dir: the folder of message templates; one that isn't there isn't checked.

    Raises:
        InputError: any file has a fault; the message lists every fault of every file, and counts them.
    """
    definitions = load_definitions(workflows_dir, patterns_file, templates_dir)
    if definitions.faults:
        valid = len(definitions.workflows)
        last = f"faults: {len(definitions.faults)}; valid workflows beside them: {valid}; nothing was loaded"
        raise InputError("\n".join([*definitions.faults, last]))
    return definitions


def load_definitions(
    workflows_dir: Path,
    patterns_file: Path | None = None,
    templates_dir: Path | None = None,
    *,
    thorough: bool = False,
) -> Definitions:
    """The valid workflows and patterns, with the faults of the rest; arguments as for `read_definitions`.

    An invalid file touches no other, but a workflow that names a pattern which isn't among the valid ones is
    left out too. Two files with one `workflow_id` are both left out. If `thorough`, templates are rendered for sample
    customers.

    Raises:
        InputError: `workflows_dir` isn't a folder.
    """
    if not workflows_dir.is_dir():
        raise InputError(f"{workflows_dir}: no such folder of workflows; create it, or name another")
    return load_files(definition_files(workflows_dir), patterns_file, templates_dir, thorough=thorough)


def load_files(
    files: Iterable[Path],
    patterns_file: Path | None = None,
    templates_dir: Path | None = None,
    *,
    thorough: bool = False,
) -> Definitions:
    """The valid ones of some workflow files, and what they may name; arguments as for `load_definitions`."""
    pattern_faults: list[str] = []
    patterns = _patterns(patterns_file, pattern_faults)
    faults: list[str] = []
    templates, warnings = _templates(templates_dir, faults, thorough=thorough)
    by_id: dict[str, list[tuple[Path, Workflow]]] = defaultdict(list)
    unreadable: set[str] = set()
    for path in files:
        workflow = read_file(path, lambda text, file: read_workflow(text, file, templates, patterns), faults)
        never = inline_faults(workflow) if workflow and thorough else []
        faults += [f"{path}:1:1 {one}" for one in never]
        if workflow and not never:
            by_id[workflow.workflow_id].append((path, workflow))
        else:
            unreadable.update(likely_id(path))
    faults += [*_shared_ids(by_id), *pattern_faults]
    single = [found[0][1] for _, found in sorted(by_id.items()) if len(found) == 1]
    unreadable.update(name for name, found in by_id.items() if len(found) > 1)
    left_out = unreadable - {one.workflow_id for one in single}
    if thorough:
        warnings += [warning for one in single for warning in _doubts(one, templates)]
    return Definitions(tuple(single), patterns, tuple(faults), tuple(sorted(left_out)), tuple(warnings))


def _doubts(workflow: Workflow, templates: Collection[str] | None) -> list[str]:
    """What is likely meant otherwise in a workflow's messages."""
    unknown = [] if templates is None else template_doubts(workflow, templates)
    return [*inline_warnings(workflow), *unknown]


def load_text(
    content: bytes, name: str, patterns_file: Path | None = None, templates_dir: Path | None = None
) -> Definitions:
    """One workflow that isn't in a file, and what it may name.

    Args:
        content: its YAML or JSON.
        name: what messages call it.
        patterns_file: see `read_definitions`.
        templates_dir: see `read_definitions`.
    """
    beside = load_files([], patterns_file, templates_dir, thorough=True)
    faults: list[str] = list(beside.faults)
    templates, _ = _templates(templates_dir, [], thorough=False)
    text = _decoded(content, name, faults)
    try:
        found = [] if text is None else [read_workflow(text, name, templates, beside.patterns)]
    except DefinitionError as error:
        return Definitions((), beside.patterns, (*map(str, error.faults), *faults))
    return Definitions(tuple(found), beside.patterns, tuple(faults))


def load_patterns(file: Path) -> Definitions:
    """The patterns of a file, or its faults."""
    faults: list[str] = []
    patterns = _patterns(file, faults)
    return Definitions((), patterns, tuple(faults))


def workflow_files(folder: Path) -> dict[str, Path]:
    """The valid workflow files of a folder, each by its workflow's id."""
    read = {path: read_file(path, read_workflow, []) for path in definition_files(folder)}
    return {workflow.workflow_id: path for path, workflow in read.items() if workflow}


def template_faults(file: Path, templates_dir: Path) -> list[str]:
    """What is wrong with a template file, which may name others of its folder."""
    is_inside = templates_dir.resolve() in file.resolve().parents
    templates: Templates = read_templates(templates_dir.resolve() if is_inside else file.resolve().parent)
    _, faults = check_templates(templates, thorough=True)
    return [
        one.replace(str(file.resolve()), str(file), 1)
        for one in faults
        if one.startswith(f"{file.resolve()}:")
    ]


def likely_id(path: Path) -> list[str]:
    """The `workflow_id` of a file with faults, none if it can't be made out: its executions stay as they are."""
    text = _text(path, []) or ""
    found = _WORKFLOW_ID.search(text)
    return [found[1].strip()] if found else []


def _patterns(file: Path | None, faults: list[str]) -> dict[str, Pattern]:
    """The patterns of a file; none of an invalid one, so that no workflow waits for a pattern left out."""
    there = file is not None and file.is_file()
    return (read_file(file, read_patterns, faults) or {}) if file and there else {}


def definition_files(folder: Path) -> list[Path]:
    """The definition files of a folder, by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def read_file(path: Path, read: Callable[[str, str], Model], faults: list[str]) -> Model | None:
    """What a definition file holds; None of a file with faults, which are added to `faults`.

    Args:
        path: the file.
        read: makes a model of its text and name, or raises `DefinitionError`.
        faults: of all files so far.
    """
    text = _text(path, faults)
    try:
        return None if text is None else read(text, str(path))
    except DefinitionError as error:
        faults += map(str, error.faults)
        return None


def _text(path: Path, faults: list[str]) -> str | None:
    try:
        content = path.read_bytes()
    except OSError as error:
        faults.append(f"{path}:1:1 can't be read: {error.strerror}")
        return None
    return _decoded(content, str(path), faults)


def _decoded(content: bytes, name: str, faults: list[str]) -> str | None:
    if len(content) > MAX_BYTES:
        faults.append(f"{name}:1:1 given {len(content):,} bytes; allowed: at most {MAX_BYTES:,}")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        faults.append(f"{name}:{line}:{column} not UTF-8 text; save the file as UTF-8")
        return None


def _shared_ids(by_id: dict[str, list[tuple[Path, Workflow]]]) -> Iterator[str]:
    for workflow_id, found in sorted(by_id.items()):
        if len(found) > 1:
            first, *rest = (str(path) for path, _ in found)
            others = " and ".join(rest)
            yield f"{first}:1:1 workflow_id: {workflow_id!r} is also in {others}; allowed: one file for an id"


def _templates(
    folder: Path | None, faults: list[str], *, thorough: bool
) -> tuple[frozenset[str] | None, list[str]]:
    """The ids of the valid templates, None without a folder, for then none is checked; and warnings."""
    if folder is None or not folder.is_dir():
        return None, []
    templates = read_templates(folder)
    valid, found = check_templates(templates, thorough=thorough)
    faults += found
    return valid, template_warnings(templates) if thorough else []


SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "workflow": workflow_schema,
    "patterns": patterns_schema,
    "content": content_schema,
    "tests": scenarios_schema,
}
"""Kind of file → what makes its JSON Schema."""


def write_schemas(folder: Path) -> list[Path]:
    """Write the JSON Schemas of files of workflows, patterns, content rules and tests; the paths written."""
    paths = []
    for name, schema in SCHEMAS.items():
        path = folder / f"{name}.schema.json"
        path.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


if __name__ == "__main__":
    write_schemas(Path("data"))
