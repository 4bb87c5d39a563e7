"""Replacing a file whole: written aside, flushed to disk, renamed into place."""

import hashlib
import os
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

from flows.errors import OnwardError, advice


def aside_name(target: Path) -> Path:
    """Where the next `target` is written; its folder is made, a leftover of a crash removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.aside")
    aside.unlink(missing_ok=True)
    return aside


def copy_aside(source: Path, target: Path) -> Path:
    """Copy `source` beside `target`, with its time of change, ready for `put_in_place`.

    Another process copies: POSIX drops a process's locks on a file as soon as that process closes *any*
    handle of it, so a copy made here would take away DuckDB's lock on its open file.

    Raises:
        OnwardError: the copy failed (disk full, no permission).
    """
    aside = aside_name(target)
    done = subprocess.run(["cp", "-p", "--", source, aside], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or signal.strsignal(-done.returncode) or f"cp ended with {done.returncode}"
        told = advice(said)
        raise OnwardError(f"{target}: could not copy {source} there: {said}{f': {told}' if told else ''}")
    return aside


def put_in_place(aside: Path, target: Path) -> None:
    """Make `aside` the new `target` at once; whoever has the old one open keeps it."""
    flush(aside)
    aside.replace(target)
    flush(target.parent)


def flush(path: Path) -> None:
    """Wait until a file or folder is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_copy(copy: Path, source: Path) -> bool:
    """Whether `copy` was made by `copy_aside` from `source` as it is now: same size and time of change."""
    try:
        ours, theirs = copy.stat(), source.stat()
    except FileNotFoundError:
        return False
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def lags(copy: Path, source: Path, by: timedelta) -> bool:
    """Whether there is no `copy`, or `source` has changed `by` or more after what the copy holds."""
    if not copy.exists():
        return True
    return source.stat().st_mtime - copy.stat().st_mtime >= by.total_seconds()


def content_hash(path: Path) -> str:
    """SHA-256 of the file's bytes as they lie on disk, in hex: a file is loaded once per content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of(content: bytes) -> str:
    """The same of bytes that were read."""
    return hashlib.sha256(content).hexdigest()


def write_text(file: Path, text: str) -> None:
    """Write a small text file; it appears whole or not at all."""
    aside = aside_name(file)
    aside.write_text(text, encoding="utf-8")
    put_in_place(aside, file)


def printable(text: str) -> str:
    """Text that can be printed and stored: bytes of file names that aren't UTF-8 are the replacement character."""
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
