"""Where a backtest writes: never over what it reads, and with a warning among what runs read."""

from collections.abc import Sequence
from pathlib import Path

from flows.backtest.bucket import BACKTESTED
from flows.errors import InputError

_WRITTEN = (*(f"{one.name}.parquet" for one in BACKTESTED), "quarantine.parquet", "summary.json")


def doubt_of_out(out: Path, inputs: Sequence[Path], folders: Sequence[Path]) -> str | None:
    """What may go wrong with the results in `out`; None: nothing.

    Args:
        out: the folder of `--out`.
        inputs: the files and folders that the backtest reads.
        folders: those from which other commands take every file: the inbox.

    Raises:
        InputError: `out` is a file, or holds an input, however deep, so that results would lie among inputs or
            replace them.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: a file, where the results need a folder; give another name")
    refuse_inputs(out, inputs, "which this backtest reads and its results could replace")
    if out.resolve() not in {one.resolve() for one in folders}:
        return None
    return (
        f"--out {out} is a folder of inputs: whoever reads all of its files takes the results for inputs; "
        "give a folder of its own"
    )


def refuse_inputs(out: Path, inputs: Sequence[Path], why: str) -> None:
    """Look whether inputs lie where results go; `why` says what is wrong with that.

    Raises:
        InputError: `out` holds an input, however deep.
    """
    if held := [str(one) for one in inputs if _holds(out, one)]:
        more = f" and {len(held) - 1:,} more" if len(held) > 1 else ""
        raise InputError(f"--out {out}: holds {held[0]}{more}, {why}; give a folder of its own")


def _holds(out: Path, given: Path) -> bool:
    """Whether an input lies in `out`, by its name or where its links lead to, or a result would be written over it."""
    target, written = given.resolve(), {(out / name).resolve() for name in _WRITTEN}
    places = (target, given.parent.resolve() / given.name)
    return target in written or any(place.is_relative_to(out.resolve()) for place in places)
