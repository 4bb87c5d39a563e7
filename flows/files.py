"""Replacing a file whole: written aside, flushed to disk, renamed into place."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path


def aside_name(target: Path) -> Path:
    """Where the next `target` is written; its folder is made, a leftover of a crash removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = aside_of(target)
    aside.unlink(missing_ok=True)
    return aside


def aside_of(target: Path) -> Path:
    """Where the next `target` lies until it is put in place."""
    return target.with_name(f"{target.name}.aside")


def put_in_place(aside: Path, target: Path) -> None:
    """Make `aside` the new `target` at once; whoever has the old one open keeps it."""
    put_all_in_place({target: aside})


def put_all_in_place(asides: Mapping[Path, Path]) -> None:
    """Make each of the files set aside the new target it is listed by, once all are on disk."""
    for aside in asides.values():
        flush(aside)
    for target, aside in asides.items():
        aside.replace(target)
    for folder in {target.parent for target in asides}:
        flush(folder)


def flush(path: Path) -> None:
    """Wait until a file or folder is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def content_hash(path: Path) -> str:
    """SHA-256 of the file's bytes as they lie on disk, in hex: a file is loaded once per content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of(content: bytes) -> str:
    """The same of bytes that were read."""
    return hashlib.sha256(content).hexdigest()


def write_text(file: Path, text: str) -> None:
    """Write a small text file; it appears whole or not at all."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, content: bytes) -> None:
    """Write a small file; it appears whole or not at all."""
    aside = aside_name(file)
    aside.write_bytes(content)
    put_in_place(aside, file)


def printable(text: str) -> str:
    """Text that can be printed and stored: bytes of file names that aren't UTF-8 are the replacement character."""
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")


def rename_free(file: Path, why: str) -> Path:
    """Move `file` out of the way for good, under a name beside it that is free: `….<why>-<number>`."""
    number = 1 + sum(1 for _ in file.parent.glob(f"{file.name}.{why}-*"))
    while (free := file.with_name(f"{file.name}.{why}-{number}")).exists():
        number += 1
    return file.rename(free)
