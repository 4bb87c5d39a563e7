"""Where a backtest writes: never over what it reads, and with a warning among what runs read."""

from collections.abc import Sequence
from pathlib import Path

from flows.backtest.bucket import BACKTESTED
from flows.errors import InputError

_WRITTEN = (*(f"{one.name}.parquet" for one in BACKTESTED), "quarantine.parquet", "summary.json")


def doubt_of_out(out: Path, files: Sequence[Path], folders: Sequence[Path]) -> str | None:
    """What may go wrong with the results in `out`; None: nothing.

    Args:
        out: the folder of `--out`.
        files: what the backtest reads.
        folders: from which commands take every file: workflows, the inbox.

    Raises:
        InputError: a result would replace a file that is read.
    """
    written = {(out / name).resolve() for name in _WRITTEN}
    for file in files:
        if file.resolve() in written:
            raise InputError(
                f"--out {out}: the results would replace {file}, which is read; give another folder"
            )
    of_inputs = {one.resolve() for one in (*folders, *(file.parent for file in files))}
    if out.resolve() not in of_inputs:
        return None
    return (
        f"--out {out} is a folder of inputs: whoever reads all of its files takes the results for inputs; "
        "give a folder of its own"
    )
