"""Text of definition files → validated models, or every fault of the file with its place."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from transforms.definitions.content_rules import SCOPES, ContentRules, Rule
from transforms.definitions.faults import DefinitionError, Fault, faults_of, shown, shown_path
from transforms.definitions.front_matter import FrontMatter
from transforms.definitions.patterns import Pattern
from transforms.definitions.workflow import Workflow
from transforms.definitions.yaml_text import Document, Path, Place, TextError, read_yaml

if TYPE_CHECKING:
    from transforms.definitions.scenario import ScenarioFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def read_workflow(
    text: str,
    file: str,
    templates: Collection[str] | None = None,
    patterns: Mapping[str, Pattern] | None = None,
) -> Workflow:
    """A workflow file, YAML or JSON.

    Args:
        text: the file's content.
        file: its name, for messages; a name that ends in `.json` may indent with tabs.
        templates: the ids of the templates there are; without it, `template_id` may be anything.
        patterns: the patterns there are, by name; without it, workflows may name any.

    Raises:
        DefinitionError: the file isn't valid; the error holds all its faults.
    """
    workflow: Workflow = _read(text, file, _workflow(), {"templates": templates, "patterns": patterns})
    return workflow


def read_patterns(text: str, file: str) -> dict[str, Pattern]:
    """A patterns file: a mapping of names to definitions.

    Raises:
        DefinitionError: the file isn't valid; the error holds all its faults.
    """
    patterns: dict[str, Pattern] = _read(text, file, _patterns(), {})
    return patterns


def read_content_rules(
    text: str, file: str, known: Mapping[str, Collection[str]] | None = None
) -> tuple[Rule, ...]:
    """A file of personalization rules, in their order.

    Args:
        text: the file's content.
        file: its name, for messages.
        known: under `workflows`, `message_classes` and `templates` the names there are; what isn't given isn't checked.

    Raises:
        DefinitionError: the file isn't valid; the error holds all its faults.
    """
    there = {scope: (known or {}).get(scope) for scope in SCOPES}
    found: ContentRules = _read(text, file, _content_rules(), {**there, "when_sent": True})
    return found.rules


def read_scenarios(
    text: str, file: str, workflows: Collection[str]
) -> tuple["ScenarioFile", Mapping[Path, Place]]:
    """A file of tests of workflows, and where each of its values stands.

    Args:
        text: the file's content.
        file: its name, for messages.
        workflows: the ids of the workflows there are.

    Raises:
        DefinitionError: the file isn't valid; the error holds all its faults.
    """
    document = _document(text, file)
    found: ScenarioFile = _validated(document, file, _scenarios(), {"workflows": workflows})
    return found, document.values


def read_front_matter(text: str, file: str) -> FrontMatter:
    """What stands above a template file; nothing at all is allowed too.

    Raises:
        DefinitionError: it isn't valid; the error holds all its faults.
    """
    if not text.strip():
        return FrontMatter()
    told: FrontMatter = _read(text, file, _front_matter(), {})
    return told


def workflow_schema() -> dict[str, Any]:
    """JSON Schema of workflow files, for editors."""
    return {"$schema": _DIALECT, **_workflow().json_schema(), "title": "Onward workflow"}


def scenarios_schema() -> dict[str, Any]:
    """JSON Schema of files of tests, for editors."""
    return {"$schema": _DIALECT, **_scenarios().json_schema(), "title": "Onward tests of workflows"}


def patterns_schema() -> dict[str, Any]:
    """JSON Schema of the patterns file, for editors."""
    return {"$schema": _DIALECT, **_patterns().json_schema(), "title": "Onward patterns"}


def content_schema() -> dict[str, Any]:
    """JSON Schema of files of personalization rules, for editors."""
    return {"$schema": _DIALECT, **_content_rules().json_schema(), "title": "Onward personalization rules"}


@cache
def _workflow() -> TypeAdapter[Workflow]:
    return TypeAdapter(Workflow)


@cache
def _scenarios() -> "TypeAdapter[ScenarioFile]":
    # Who only runs workflows shall not pay for the models of their tests.
    from transforms.definitions.scenario import ScenarioFile

    return TypeAdapter(ScenarioFile)


@cache
def _patterns() -> TypeAdapter[dict[str, Pattern]]:
    return TypeAdapter(dict[str, Pattern])


@cache
def _content_rules() -> TypeAdapter[ContentRules]:
    return TypeAdapter(ContentRules)


@cache
def _front_matter() -> TypeAdapter[FrontMatter]:
    return TypeAdapter(FrontMatter)


def _read(text: str, file: str, adapter: TypeAdapter[Any], context: dict[str, Any]) -> Any:
    return _validated(_document(text, file), file, adapter, context)


def _validated(document: Document, file: str, adapter: TypeAdapter[Any], context: dict[str, Any]) -> Any:
    faults = [_text_fault(file, fault) for fault in document.faults]
    if not isinstance(document.value, dict):
        place = document.values[()]
        given = "an empty file" if document.value is None else shown(document.value)
        raise DefinitionError([*faults, Fault(file, *place, "", f"given {given}; allowed: a mapping")])
    try:
        found = adapter.validate_python(document.value, context=context)
    except ValidationError as error:
        raise DefinitionError(faults + faults_of(error, document, file)) from None
    if faults:
        raise DefinitionError(faults)
    return found


def _document(text: str, file: str) -> Document:
    if file.lower().endswith(".json"):
        # JSON may indent with tabs, YAML may not; a raw tab can't stand inside JSON text.
        text = text.replace("\t", " ")
    try:
        return read_yaml(text)
    except TextError as fault:
        raise DefinitionError([_text_fault(file, fault)]) from None


def _text_fault(file: str, error: TextError) -> Fault:
    return Fault(file, *error.place, shown_path(error.path), error.message)
