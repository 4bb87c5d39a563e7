"""Text files that aren't UTF-8: told from such with a broken row, with the likely encoding and how to convert them."""

from pathlib import Path

from flows.errors import InputError

BOMS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
LIKELY = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "mac_roman"),
    *("cp437", "cp850", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"),
)
LATIN = ("cp1250", "cp1254", "cp1257", "mac_roman", "cp437", "cp850")
TYPOGRAPHY = "“”‘’„‚–—…•€£§°«»\u00a0"
GUESSED_BYTES = 200_000
REPLACED = "\ufffd"


def text_of(path: Path, data: bytes) -> str:
    """The text that some bytes are, what isn't UTF-8 replaced.

    Raises:
        InputError: they are no text.
    """
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")
    if "\0" in text and text.count("\0") + text.count(REPLACED) > len(text) // 4:
        raise InputError(
            f"{path}: is neither Parquet nor UTF-8 text (it starts with {data[:8]!r}); "
            "allowed: Parquet, NDJSON, CSV (UTF-8, perhaps .gz or .zst). Convert it"
        )
    return text


def check_encoding(path: Path, data: bytes) -> None:
    """Look whether a file, by its first bytes, is UTF-8, but for a row or the minority of those that aren't ASCII.

    Raises:
        InputError: it isn't, with the likely encoding.
    """
    for bom, name in BOMS.items():
        if data.startswith(bom):
            raise _refused(path, name, 1)
    if _is_utf8(data):
        return
    lines = data.replace(b"\r", b"\n").split(b"\n")
    # The last line may be cut off within a character.
    foreign = {
        number: _is_utf8(line) for number, line in enumerate(lines[:-1], start=1) if not line.isascii()
    }
    broken = [number for number, good in foreign.items() if not good]
    header = next((number for number, line in enumerate(lines, start=1) if line.strip()), 0)
    if header in broken or (len(broken) > 1 and len(broken) > len(foreign) - len(broken)):
        text_of(path, data)
        raise _refused(path, _guess(data), broken[0])


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _guess(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:GUESSED_BYTES], cp_isolation=list(LIKELY)).best()
    if best is None:
        return None
    # A few letters fit into many code pages: the most common one is named if they are all letters of it.
    return "cp1252" if best.encoding in LATIN and _is_western(data) else best.encoding


def _is_western(data: bytes) -> bool:
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return all(sign.isascii() or sign.isalpha() or sign in TYPOGRAPHY for sign in set(text))


def _refused(path: Path, encoding: str | None, line: int) -> InputError:
    named = (encoding or "cp1252").replace("_", "-").upper()
    likely = f"it is likely {named}" if encoding else "its encoding isn't plain"
    return InputError(
        f"{path}: isn't UTF-8 (line {line}); {likely}. Nothing of it was loaded: convert it "
        f"(`iconv -f {named} -t UTF-8 {path.name} > converted-{path.name}`), or name its encoding in the settings: "
        f'encodings = {{"{path.name}" = "{named.lower()}"}}'
    )
