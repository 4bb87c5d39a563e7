"""Files of tests of workflows → models, or every fault of every file."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.definitions.folder import definition_files, read_file
from transforms.definitions.reading import read_scenarios
from transforms.definitions.scenario import ScenarioFile
from transforms.definitions.yaml_text import Path as PathInside
from transforms.definitions.yaml_text import Place


@dataclass(frozen=True)
class ScenariosOfFile:
    """A file of tests: what it says, and where each of its values stands."""

    path: Path
    file: ScenarioFile
    places: Mapping[PathInside, Place]


def load_scenarios(given: Path, workflows: Collection[str]) -> tuple[list[ScenariosOfFile], list[str]]:
    """The valid files of tests, and the faults of the others.

    Args:
        given: a file, or a folder of them.
        workflows: the ids of the workflows there are.
    """
    faults: list[str] = []
    files = definition_files(given) if given.is_dir() else [given]
    read = [
        read_file(path, lambda text, file: read_scenarios(text, file, workflows), faults) for path in files
    ]
    return [ScenariosOfFile(path, *one) for path, one in zip(files, read, strict=True) if one], faults
