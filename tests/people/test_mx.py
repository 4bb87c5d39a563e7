"""Which domains take mail, asked of a real DNS server on this machine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.delivery import mx
from flows.delivery.mx import ask_domain, ask_domains
from tests.people.dns_server import Server, dns_server

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ZONE: dict[str, dict[str, list[str]]] = {
    "shop.example": {"MX": ["10 a.shop.example.", "20 b.shop.example."]},
    "host.example": {"A": ["192.0.2.1"]},
    "six.example": {"AAAA": ["2001:db8::1"]},
    "no-mail.example": {"MX": ["0 ."], "A": ["192.0.2.1"]},
    "bare.example": {},
    "broken.example": {"SERVFAIL": []},
    "silent.example": {"SILENT": []},
    "xn--mller-kva.example": {"MX": ["10 a.shop.example."]},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with dns_server(ZONE) as running:
        yield running


def answers(server: Server, cache: Path, *domains: str | None, now: datetime = NOW) -> dict[str, str]:
    found = ask_domains(pl.Series(domains, dtype=pl.String), cache, server.resolver, now)
    return dict(found.iter_rows())


@pytest.mark.parametrize(
    ("domain", "says"),
    [
        ("shop.example", "mx"), ("host.example", "address"), ("six.example", "address"),
        ("no-mail.example", "refuses"), ("bare.example", "none"), ("nowhere.example", "none"),
        ("broken.example", "unknown"), ("silent.example", "unknown"), ("xn--mller-kva.example", "mx"),
    ],
)  # fmt: skip
def test_what_the_dns_says(server: Server, domain: str, says: str) -> None:
    assert ask_domain(domain, server.resolver) == says


@pytest.mark.parametrize("domain", ["a" * 64 + ".example", "x." * 130 + "example", "a..example"])
def test_a_name_that_can_t_be_asked_for_isn_t_known(server: Server, domain: str) -> None:
    assert ask_domain(domain, server.resolver) == "unknown"


def test_each_domain_is_asked_once_and_remembered(server: Server, tmp_path: Path) -> None:
    cache, before = tmp_path / "state" / "mx.parquet", server.asked["shop.example MX"]
    expected = {"shop.example": "mx", "nowhere.example": "none"}
    assert answers(server, cache, "shop.example", "nowhere.example", "shop.example", None) == expected
    assert answers(server, cache, "shop.example", "nowhere.example") == expected
    assert server.asked["shop.example MX"] == before + 1


def test_a_no_is_asked_again_before_a_yes_is(server: Server, tmp_path: Path) -> None:
    cache = tmp_path / "mx.parquet"
    answers(server, cache, "shop.example", "nowhere.example")
    yes, no = server.asked["shop.example MX"], server.asked["nowhere.example MX"]
    answers(server, cache, "shop.example", "nowhere.example", now=NOW + 2 * DAY)
    assert (server.asked["shop.example MX"], server.asked["nowhere.example MX"]) == (yes, no + 1)
    answers(server, cache, "shop.example", now=NOW + 31 * DAY)
    assert server.asked["shop.example MX"] == yes + 1


def test_no_answer_isn_t_remembered(server: Server, tmp_path: Path) -> None:
    cache = tmp_path / "mx.parquet"
    assert answers(server, cache, "broken.example", "host.example")["broken.example"] == "unknown"
    assert pl.read_parquet(cache)["domain"].to_list() == ["host.example"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PAR1 and no more"])
def test_a_damaged_cache_is_made_anew(server: Server, tmp_path: Path, content: bytes) -> None:
    cache = tmp_path / "mx.parquet"
    cache.write_bytes(content)
    assert answers(server, cache, "shop.example") == {"shop.example": "mx"}
    assert len(pl.read_parquet(cache)) == 1


def test_a_cache_of_other_columns_is_made_anew(server: Server, tmp_path: Path) -> None:
    cache = tmp_path / "mx.parquet"
    pl.DataFrame({"name": ["shop.example"]}).write_parquet(cache)
    assert answers(server, cache, "shop.example") == {"shop.example": "mx"}


def test_a_dns_that_answers_nothing_isn_t_asked_for_ever(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mx, "_SLICE", 2)
    domains = ["broken.example", "silent.example", "z.example", "zz.example"]
    before = server.asked["z.example MX"]
    assert set(answers(server, tmp_path / "mx.parquet", *domains).values()) == {"unknown"}
    assert server.asked["z.example MX"] == before
