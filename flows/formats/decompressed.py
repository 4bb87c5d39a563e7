"""The bytes of an input file, decompressed and as UTF-8, never more than a limit."""

import codecs
from pathlib import Path
from typing import Literal

import pyarrow as pa

from flows.errors import InputError

Compression = Literal["none", "gzip", "zstd"]


PIECE_BYTES = 1024**2


def check_decompressed(path: Path, compression: Compression, limit: int) -> None:
    """Count what a compressed file decompresses to: much faster than reading what a bomb makes of few bytes.

    Raises:
        InputError: it is damaged, or decompresses to more than `limit`.
    """
    if compression == "none":
        return
    data = Bytes(path, compression, limit)
    while data.read(PIECE_BYTES):
        pass


class Bytes:
    """The decompressed bytes of a file, never more than `limit`; as UTF-8, whatever its encoding.

    Reading raises InputError for a damaged or truncated file, for one that decompresses to more, and for one that
    isn't of the encoding given.
    """

    def __init__(
        self,
        path: Path,
        compression: Compression,
        limit: int,
        encoding: str | None = None,
        held: bytes | None = None,
    ) -> None:
        """Open the file, or begin with `held`, all its bytes as they lie on disk."""
        self.path, self.limit, self.count = path, limit, 0
        raw = pa.OSFile(str(path), "rb") if held is None else pa.BufferReader(held)
        self._stream = raw if compression == "none" else pa.CompressedInputStream(raw, compression)
        self._compression, self._encoding = compression, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)() if encoding else None

    def read(self, size: int) -> bytes:
        """About the next `size` bytes; none at the end."""
        while True:
            block = self._decompressed(size)
            if self._decoder is None:
                return block
            try:
                text = self._decoder.decode(block, not block)
            except UnicodeError as error:
                raise InputError(
                    f"{self.path}: isn't {self._encoding}, as the settings say (encodings): {error}. Nothing of it was "
                    "loaded: name its encoding, or leave it out if it is UTF-8"
                ) from error
            if text or not block:
                return text.encode("utf-8", errors="replace")

    def _decompressed(self, size: int) -> bytes:
        try:
            block: bytes = self._stream.read(size)
        except OSError as error:
            raise InputError(
                f"{self.path}: can't be decompressed ({self._compression}: {error}); the file is damaged or "
                "incomplete. Nothing of it was loaded: deliver it again, whole"
            ) from error
        self.count += len(block)
        if self.count > self.limit:
            raise InputError(
                f"{self.path}: holds more than {self.limit:,} bytes decompressed, the limit. "
                "Nothing of it was loaded: split it, or raise limits.decompressed_bytes in the settings"
            )
        return block
