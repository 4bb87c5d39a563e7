"""Messages a second from due to answered: rendered, written down, handed over by HTTP or SMTP and recorded.

Compared, in the same run, with the slower of rendering alone and of a bare loop of httpx or aiosmtplib that posts the
same bytes alone, with as many connections; one message a request (SendGrid), a hundred (Resend), and mails. Goal: at
least 0.7 ×. The server is a process of its own that takes anything at once.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from pydantic import TypeAdapter

from flows.delivery.dispatch import Channel, Policy, deliver
from flows.delivery.messages import message_channel
from flows.delivery.policies import Way
from flows.delivery.send_ledger import SendLedger
from flows.delivery.senders import smtp
from flows.delivery.senders.requests import unpacked
from flows.delivery.writer import Writer
from flows.sending import Senders, SmtpSettings
from tests.benchmarks.http_senders import CONNECTIONS, post, serving, timed
from tests.benchmarks.smtp import bare as post_mails
from tests.benchmarks.smtp import server
from tests.delivery.providers.setting import CASES
from tests.delivery.test_dispatch import NOW, SCHEMA, STEP, message
from transforms.content.templates import ContentSource

GOAL = 0.7
BATCH = 1000
SOURCE = ContentSource(
    "{{ first_name }}, your cart",
    "Dear {{ first_name }} {{ last_name }},\n\nyour cart in {{ city }} waits: {{ event.item }}, for {{ points }} "
    "points.\n" + "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.\n" * 8,
)


def due(count: int) -> pl.DataFrame:
    """Messages that are due, each for another customer."""
    frame = pl.DataFrame([message()], schema=SCHEMA, orient="row").select(pl.all().repeat_by(count).explode())
    number = pl.int_range(count)
    text = number.cast(pl.String)
    attributes = pl.struct(
        first_name=pl.format("Ann{}", text),
        last_name=pl.lit("Berg"),
        city=pl.lit("Vienna"),
        plan=pl.lit("gold"),
        points=number,
    )
    return frame.with_columns(
        message_id=text.str.zfill(32),
        customer_id=pl.format("c{}", text),
        email=pl.format("c{}@example.com", text),
        at=pl.lit(NOW) - pl.duration(milliseconds=number),
        attributes=attributes.struct.json_encode(),
    )


def way(_workflow_id: str | None, _message_class: str | None) -> Way:
    """How all messages go."""
    return Way("shop", "Shop <news@shop.example>")


def channel_to(name: str, url: str) -> Channel:
    """Letters of one template, by a provider's own sender."""
    changes = {"per_second": 1e9, "concurrency": CONNECTIONS, "base_url": url}
    settings = TypeAdapter(Senders).validate_python({"shop": {**CASES[name].given, **changes}})["shop"]
    writer = Writer({(STEP, None): SOURCE}, way)
    return message_channel(writer, CASES[name].module.open_sender("shop", settings))


def smtp_channel(port: int) -> Channel:
    """The same letters, by SMTP."""
    given = {"type": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", "concurrency": CONNECTIONS}
    writer = Writer({(STEP, None): SOURCE}, way)
    return message_channel(writer, smtp.open_sender("shop", SmtpSettings.model_validate(given)))


def rendered(channel: Channel, frame: pl.DataFrame) -> list[bytes]:
    """Rendering alone: the payloads that hand all messages over."""
    limit = min(BATCH, channel.carrier.batch_limit)
    slices = frame.iter_slices(BATCH)
    return [part.payload for rows in slices for part in channel.compose(rows, limit).parts]


def delivered(channel: Channel, frame: pl.DataFrame) -> None:
    """All of it, with a send ledger on the disk."""
    with (
        TemporaryDirectory(prefix="onward-handover-") as folder,
        SendLedger(Path(folder) / "s.sqlite") as ledger,
    ):
        ledger.take()
        found = deliver(channel, frame, ledger, Policy(BATCH, oldest=NOW - timedelta(days=9)))
        assert found["status"].to_list() == ["sent"] * len(frame)


def measure(name: str, size: int, count: int) -> bool:
    """Print how fast each is by HTTP; whether the goal is met."""
    with serving(size) as url:

        def bare(payloads: Sequence[bytes]) -> None:
            post(url, [one for payload in payloads for one in unpacked(payload)])

        return compare(f"{name}, {size} a request", channel_to(name, url), bare, "httpx", count)


def measure_smtp(count: int) -> bool:
    """Print how fast each is by SMTP; whether the goal is met."""
    with server() as port:

        def bare(payloads: Sequence[bytes]) -> None:
            lines = [json.loads(line) for payload in payloads for line in payload.splitlines()]
            asyncio.run(post_mails(port, [(to, text.encode()) for _, _, to, text in lines], CONNECTIONS))

        return compare("smtp", smtp_channel(port), bare, "aiosmtplib", count)


def compare(
    name: str, channel: Channel, bare: Callable[[Sequence[bytes]], None], library: str, count: int
) -> bool:
    """Rendering alone, a bare loop over the same bytes alone, and all of it."""
    frame, payloads = due(count), list[bytes]()
    alone = timed(lambda: payloads.extend(rendered(channel, frame)))
    posted = timed(lambda: bare(payloads))
    whole = timed(lambda: delivered(channel, frame))
    ratio = max(alone, posted) / whole
    print(
        f"{name}, {count:,} messages: rendering alone {count / alone:,.0f}/s, bare {library} "
        f"{count / posted:,.0f}/s, all of it {count / whole:,.0f}/s: {ratio:.2f} × the slower (goal {GOAL})",
        flush=True,
    )
    return ratio >= GOAL


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="a hundred a request (%(default)s)")
    parser.add_argument("--single", type=int, default=20_000, help="one a request (%(default)s)")
    parser.add_argument("--mails", type=int, default=20_000, help="by SMTP (%(default)s)")
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    met = [
        measure("sendgrid", 1, given.single),
        measure("resend", 100, given.messages),
        measure_smtp(given.mails),
    ]
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
