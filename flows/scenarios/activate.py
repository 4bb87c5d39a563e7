"""`is_active` in a workflow's file, edited in its one line: everything else in the file stays as it is."""

from collections.abc import Sequence
from pathlib import Path

from flows.errors import InputError, OnwardError
from flows.files import write_text
from flows.scenarios.run import Tested
from transforms.definitions.yaml_text import Document, TextError, read_yaml

_KEY = "is_active"
_BEFORE = ("description", "workflow_name", "workflow_id")
"""After the first of these that is there, a new line is put."""


def check_tested(workflow_id: str, tested: Sequence[Tested]) -> int:
    """How many tests concern a workflow; they pass.

    Raises:
        OnwardError: none does, or one fails.
    """
    mine = [one for one in tested if workflow_id in one.concerns]
    if not mine:
        raise InputError(
            f"{workflow_id} isn't tested: nobody enters it in any of {len(tested)} tests, and none names it. "
            "Write one (docs/testing-workflows.md), and see it pass with `onward test`"
        )
    if failed := [one for one in mine if one.differences]:
        names = "\n".join(f"  {one.case.name}  ({one.case.place})" for one in failed)
        raise OnwardError(
            f"{workflow_id} stays as it is: {len(failed)} of its {len(mine)} tests fail\n{names}\n"
            "`onward test` shows what is different"
        )
    return len(mine)


def set_active(file: Path, active: bool) -> bool:
    """Say in a workflow's file whether it is active; whether the file had to be changed.

    Raises:
        InputError: it isn't known how; the message says which line to write.
    """
    text = file.read_bytes().decode("utf-8-sig")
    said = str(active).lower()
    document = read_yaml(text)
    value = document.value if isinstance(document.value, dict) else {}
    if value.get(_KEY, True) is active:
        return False
    edited = _edited(text, document, said)
    if edited is None or _read(edited) != {**value, _KEY: active}:
        raise InputError(
            f"{file}: couldn't be edited without touching the rest; write there yourself:\n{_KEY}: {said}"
        )
    write_text(file, edited)
    return True


def _edited(text: str, document: Document, said: str) -> str | None:
    """The text with `is_active` in it, in the place of the one there is, or on a line of its own."""
    lines = text.splitlines(keepends=True)
    if (_KEY,) in document.values:
        line, column = document.values[_KEY,]
        before, after = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
        written = _scalar(after)
        lines[line - 1] = f"{before}{said}{after[len(written) :]}"
        return "".join(lines)
    heads = sorted(place for path, place in document.keys.items() if len(path) == 1)
    known = next((name for name in _BEFORE if (name,) in document.keys), None)
    if known is None or any(column != 1 for _, column in heads):
        return None
    later = [line for line, _ in heads if line > document.keys[known,][0]]
    at = _above(lines, min(later)) if later else len(lines)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    above = [*lines[:at]] if lines[at - 1].endswith("\n") else [*lines[: at - 1], lines[at - 1] + end]
    return "".join([*above, f"{_KEY}: {said}{end}", *lines[at:]])


def _above(lines: Sequence[str], line: int) -> int:
    """How many lines stand before the key on `line`, but for comments and blank lines right above it."""
    at = line - 1
    while at > 0 and (not lines[at - 1].strip() or lines[at - 1].startswith("#")):
        at -= 1
    return at


def _scalar(rest: str) -> str:
    """The value that a line begins with: quoted or plain."""
    if rest[:1] in ("'", '"'):
        return rest[: rest.index(rest[0], 1) + 1]
    plain = rest.split(" #", 1)[0].rstrip()
    return plain.rstrip(",}").rstrip()


def _read(text: str) -> object:
    try:
        return read_yaml(text).value
    except TextError:
        return None
