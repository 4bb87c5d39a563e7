"""Any bytes, under any name, are loaded, quarantined by rows with their text, or refused with the name of the file."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from flows.formats.shapes import Kind
from flows.settings import Limits
from flows.warehouse import connect
from tests.effort import few_cases
from tests.formats.mutants import MAKERS, fate, mutant

SUFFIXES = [
    "",
    ".csv",
    ".ndjson",
    ".json",
    ".jsonl",
    ".parquet",
    ".gz",
    ".zst",
    ".csv.gz",
    ".ndjson.zst",
    ".txt",
]
BEGINNINGS = [
    *(
        b"",
        b"customer_id,ts,type\n",
        b"customer_id;email\n",
        b'{"customer_id": "a", "ts": "2026-03-02"',
        b"[{",
        b"\xef\xbb\xbf",
    ),
    *(b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b'{"customer_id": "a"}\n', b"customer_id\n"),
]
scraps = st.lists(
    st.sampled_from(
        [b'"', b",", b"\n", b"\r", b"{", b"}", b"[", b"]", b":", b"a", b"1e9", b"\\u00", b"\0", b"\xff"]
    )
)
contents = (
    st.binary(max_size=200)
    | st.builds(
        lambda begin, some, end: begin + b"".join(some) + end,
        st.sampled_from(BEGINNINGS),
        scraps,
        st.binary(max_size=9),
    )
    | st.builds(mutant, st.sampled_from(sorted(MAKERS)), st.integers(0, 10**6))
)


@few_cases
@given(contents, st.sampled_from(SUFFIXES), st.sampled_from(get_args(Kind)))
def test_any_bytes_are_loaded_quarantined_or_refused_by_name(content: bytes, suffix: str, kind: Kind) -> None:
    with TemporaryDirectory() as folder, connect() as con:
        path = Path(folder) / f"given{suffix}"
        path.write_bytes(content)
        assert fate(con, path, Limits(), kind).fault == ""
        bad = path.with_name("bad")
        lost = f"select * from read_parquet('{bad}') where row is null or file is null or line is null"
        assert not bad.exists() or con.execute(lost).fetchall() == []
