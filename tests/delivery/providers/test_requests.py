"""What is handed over: requests as providers document them, the same bytes whenever they are made."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.delivery.senders import postmark
from flows.delivery.senders.requests import Request, array, fitting, packed, unpacked
from flows.errors import InputError
from tests.delivery.providers.descriptions import fields_of
from tests.delivery.providers.server import Provider, Received
from tests.delivery.providers.setting import CASES, Clock, Notes, check, full, hand_over, outgoing

HEADERS = {
    "List-Unsubscribe": "<https://shop.example/u/1>, <mailto:u@shop.example>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Feedback-ID": "welcome:0-b:news:shop.example",
    "X-Original-To": "c@example.com",
    "X-Bad": "a Bcc: y@example.com",
}
MESSAGE_ID = f"<{0:032x}@shop.example>"


def sent(name: str, *messages: Any, **changes: Any) -> list[Received]:
    """The requests that a provider received, as it documents them."""
    case, notes = CASES[name], Notes()
    with Provider(case.description()) as provider:
        hand_over(case.sender(provider.url, Clock(), **changes), messages, notes)
        check(provider, notes)
        assert notes.statuses() == {"sent": len(messages)}
        return provider.received


def test_resend() -> None:
    batch, alone = sent("resend", outgoing(1), full(), outgoing(2, html=None))
    assert [one["to"] for one in batch.json] == [["c1@example.com"], ["c2@example.com"]]
    assert (batch.path, alone.path) == ("/emails/batch", "/emails")
    assert batch.headers["Idempotency-Key"] == "k1" != alone.headers["Idempotency-Key"]
    email = alone.json
    assert email["headers"] == HEADERS
    assert email["reply_to"] == "Help <help@shop.example>"
    assert {one["name"]: one["value"] for one in email["tags"]} == {
        "message_id": f"{0:032x}", "workflow_id": "welcome", "step": "0", "variant": "b",
    }  # fmt: skip
    assert [(one["filename"], one.get("content_id")) for one in email["attachments"]] == [
        ("Rechnung ö.pdf", None),
        ("logo.png", "logo"),
    ]


def test_postmark() -> None:
    first, second = sent("postmark", outgoing(1), full(), message_stream="news")
    assert [first.json[0]["MessageStream"], second.json[0]["MessageStream"]] == ["news", "bulk"]
    (email,) = second.json
    assert {one["Name"]: one["Value"] for one in email["Headers"]} == HEADERS | {
        "Message-ID": MESSAGE_ID, "X-PM-KeepID": "true",
    }  # fmt: skip
    assert email["Metadata"] == {
        "message_id": f"{0:032x}",
        "workflow_id": "welcome",
        "step": "0",
        "variant": "b",
    }
    assert [one.get("ContentID") for one in email["Attachments"]] == [None, "cid:logo"]
    assert email["Subject"] == 'Hello "you" & Zoë'


def test_sendgrid() -> None:
    (request,) = sent("sendgrid", full())
    mail = request.json
    assert mail["headers"] == HEADERS | {"Message-ID": MESSAGE_ID}
    assert mail["from"] == {"email": "news@shop.example", "name": "Shop"}
    assert mail["reply_to"] == {"email": "help@shop.example", "name": "Help"}
    assert (mail["ip_pool_name"], mail["categories"]) == ("bulk", ["welcome", "news"])
    assert [one.get("content_id") for one in mail["attachments"]] == [None, "logo"]


def test_mailgun() -> None:
    (request,) = sent("mailgun", full())
    fields = fields_of(request)
    assert {name[2:]: value for name, (value, *_) in fields.items() if name.startswith("h:")} == HEADERS | {
        "Message-Id": MESSAGE_ID, "Reply-To": "Help <help@shop.example>",
    }  # fmt: skip
    assert (fields["attachment"], fields["inline"]) == (["Rechnung ö.pdf"], ["logo"])
    assert (fields["o:tag"], fields["v:variant"]) == (["welcome", "news"], ["b"])
    assert b"%PDF-\x00\xff" in request.body


@pytest.mark.parametrize("name", CASES)
def test_plain_and_rich_and_full(name: str) -> None:
    """Texts without HTML, HTML without a text, everything there is; blanks, quotation marks, other scripts."""
    odd = outgoing(
        4, subject="=?utf-8?q?x?= \u2028 🏳️‍🌈", workflow_id="Größe / 1", sender='"A, B" <a@shop.example>'
    )
    sent(name, outgoing(1, html=None), outgoing(2, text=""), full(3), odd)


def test_bytes_are_the_same_whenever_they_are_made() -> None:
    for case in CASES.values():
        once, again = (case.sender("http://x", Clock()).prepare([full(), outgoing(1)]) for _ in range(2))
        assert once == again


def test_a_batch_refused_as_a_whole_is_cut_until_the_fault_is_found() -> None:
    """Were it not, one message that Resend can't read would fail a hundred."""
    case, notes = CASES["resend"], Notes()
    messages = [outgoing(number) for number in range(9)]
    with Provider(case.description()) as provider:
        take = provider.description.take

        def strict(request: Received, refused: frozenset[str]) -> Any:
            ids, said = take(request, refused)
            bad = f"{5:032x}" in ids
            return ([], replace(said, status=422, content={"message": "no"})) if bad else (ids, said)

        provider.description.take = strict  # type: ignore[method-assign]
        hand_over(case.sender(provider.url, Clock()), messages, notes)
        check(provider, notes)
        keys = [one.headers["Idempotency-Key"] for one in provider.received]
        assert len(keys) == len(set(keys)) == 7
    assert notes.statuses() == {"sent": 8, "failed": 1}


def test_a_service_of_ones_own() -> None:
    (request,) = sent("keyed http", full())
    assert request.json["subject"] == 'Hello "you" & Zoë'
    assert request.headers["X-Key"] == "k1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"body": '{"subject": "{{ message.subject }}"}'}, r"body: .*tojson"),
        ({"body": "{{ message.sujbect | tojson }}"}, r"body: .*no attribute 'sujbect'"),
        ({"body": "{% for x in %}"}, r"body: not a valid Jinja2 template"),
        ({"body": "{"}, r"body: isn't JSON"),
        (
            {"body": "to={{ message.to }}", "content_type": "application/x-www-form-urlencoded"},
            r"body: .*urlencode",
        ),
        ({"url": "https://x.example/{{ message.to }}"}, r"url: .*urlencode"),
        ({"url": "https://{{ message.to | urlencode }}.example/"}, r"url: .*leads elsewhere"),
        ({"url": "ftp://x.example/"}, r"url: .*doesn't start with https://"),
        ({"headers": {"X Bad": "v"}}, r"headers: 'X Bad'"),
        ({"headers": {"X-Token": "se\ncret"}}, r"headers\.X-Token: the secret has blanks"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=rf"senders\.shop\.{said}") as told:
        CASES["http"].sender("https://x.example", Clock(), **changes)
    assert "cret" not in str(told.value).replace("the secret", "")


@pytest.mark.parametrize("name", ["resend", "sendgrid", "mailgun"])
@pytest.mark.parametrize("key", ["", " ", "abc\n", "schlüssel"])
def test_a_key_that_cannot_be_one_is_refused(name: str, key: str) -> None:
    with pytest.raises(InputError, match=r"senders\.shop\.api_key: the secret") as told:
        CASES[name].sender("http://x", Clock(), api_key=key)
    assert "abc" not in str(told.value)
    assert "schl" not in str(told.value)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
requests = st.builds(
    lambda names, path, body, sizes, kind: Request(tuple(names), path, body, tuple(sizes), kind, path),
    st.lists(texts, max_size=3), texts, st.binary(max_size=40), st.lists(st.integers(0, 9), max_size=3), texts,
)  # fmt: skip


@given(st.lists(st.binary(max_size=20), min_size=2, max_size=9))
def test_halves_are_the_same_bytes(items: list[bytes]) -> None:
    names = tuple(map(str, range(len(items))))
    first, second = Request(names, "/x", *array(items)).halves()
    half = len(items) // 2
    assert (first.body, second.body) == (array(items[:half])[0], array(items[half:])[0])
    assert first.ids + second.ids == names


@given(st.lists(requests, max_size=4))
def test_what_is_packed_is_unpacked(given: list[Request]) -> None:
    assert list(unpacked(packed(given))) == given


@given(st.lists(st.binary(max_size=30), max_size=30), st.integers(1, 5), st.integers(10, 80))
def test_groups_fit(items: list[bytes], most: int, most_bytes: int) -> None:
    named = [(str(place), item) for place, item in enumerate(items)]
    groups = list(fitting(named, most, most_bytes))
    assert [one for group in groups for one in group] == named
    for group in groups:
        assert len(group) <= most
        assert len(array([item for _, item in group])[0]) <= most_bytes or len(group) == 1


def test_batches_of_postmark_are_cut_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 50 MB, which is made less here: bytes take their time."""
    monkeypatch.setattr(postmark, "_MOST_BYTES", 50_000)
    messages = [outgoing(one, text="x" * 15_000) for one in range(7)]
    payload = CASES["postmark"].sender("http://x", Clock()).prepare(messages)
    assert [len(one.ids) for one in unpacked(payload)] == [3, 3, 1]
    assert all(len(one.body) <= 50_000 for one in unpacked(payload))


def test_headers_that_cannot_be_smuggled_in() -> None:
    """Neither by a name nor by a value; ours can't be overwritten."""
    nasty = {
        "Bcc": "x@e",
        "bcc": "x@e",
        "X\r\nBcc": "x",
        "X: y": "z",
        "": "z",
        "subject": "other",
        "X-É": "a",
    }
    (request,) = sent("sendgrid", outgoing(headers=nasty))
    assert request.json["headers"].keys() == {"Message-ID", "Feedback-ID"}


def test_no_text_ends_its_part_of_a_form() -> None:
    """The boundary is made of the message's id, which may stand in a link of the text."""
    evil = f'\r\n--onward-{0:032x}\r\nContent-Disposition: form-data; name="to"\r\n\r\nvictim@example.com\r\n'
    (request,) = sent("mailgun", outgoing(text=evil, subject='"; filename="x'))
    fields = fields_of(request)
    assert fields["to"] == ["c0@example.com"]
    assert fields["text"] == [evil]


@pytest.mark.parametrize(("kind", "setting"), [("resend", "api_key"), ("keyed http", "headers")])
def test_another_account_is_another_side_where_keys_count(kind: str, setting: str) -> None:
    def peer(secret: str) -> str:
        given: Any = {"X-Token": secret} if setting == "headers" else secret
        return CASES[kind].sender("http://127.0.0.1:9", Clock(), **{setting: given}).peer

    assert peer("secret-of-one") == peer("secret-of-one") != peer("secret-of-two")
    assert "secret" not in peer("secret-of-one")


def test_a_provider_without_keys_is_the_same_side_by_any_account() -> None:
    """It is asked, and answers for itself."""
    one, two = (
        CASES["mailgun"].sender("http://127.0.0.1:9", Clock(), api_key=key).peer for key in ("a", "b")
    )
    assert one == two
