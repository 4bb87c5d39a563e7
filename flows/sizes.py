"""Sizes as people write them: `4GB`, `512MB`, `1.5 GiB`."""

import re

UNITS = {
    "": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip
SMALLEST = 256 * 10**6


def parse_size(given: str | float) -> int:
    """Bytes, of a number of them or text.

    Raises:
        ValueError: it is no size, or too small to work with.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", str(given))
    if found is None or found[2].upper() not in UNITS:
        raise ValueError(f"{given!r} is not a size; give a number and a unit, like 4GB, 512MB or 2GiB")
    size = int(float(found[1]) * UNITS[found[2].upper()])
    if size < SMALLEST:
        raise ValueError(f"{given!r} is too small to work with; give at least 256MB")
    return size
