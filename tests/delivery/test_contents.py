"""What steps say is found in the workflows themselves, under the names that the compiled program gives."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from flows.definitions.templates import read_templates
from flows.delivery import outbox
from flows.delivery.contents import read_attachments, read_content
from flows.delivery.senders.base import Attachment
from tests.engine.strategies_workflows import workflows
from tests.runs import House, house, person
from tests.semantics.cases import Row, action, at, condition, event, send, workflow
from transforms.content.errors import ContentError
from transforms.content.templates import Rendered, compile_content, render
from transforms.content.values import Values
from transforms.definitions.actions import Message
from transforms.definitions.walk import named_steps
from transforms.definitions.workflow import Workflow
from transforms.program.compile import compile_program

DISPATCH = """
import sys
from datetime import datetime
from pathlib import Path
from flows.delivery.outbox import send_messages, send_webhooks
from flows.settings import Settings
from flows.store.opening import open_store
from flows.store.publish import publish

settings, now = Settings(data_dir=Path(sys.argv[1])), datetime.fromisoformat(sys.argv[2])
with open_store(settings) as store:
    print(send_messages(store, now=now).counts, send_webhooks(store, now=now))
    publish(store)
print(*(name for name in sys.modules if name.startswith(("transforms.program.compile", "transforms.engine"))))
"""


def test_template_files_win_over_inline_content(tmp_path: Path) -> None:
    def read(template_id: str | None) -> Rendered:
        message = Message(template_id=template_id, subject="s", content="inline")
        content = compile_content(read_content(read_templates(tmp_path), message))
        return render(content, Values({}, {}, {}))

    (tmp_path / "a.txt.j2").write_text("file", encoding="utf-8")
    (tmp_path / "b.html.j2").write_text("<p>file</p>", encoding="utf-8")
    (tmp_path / "c.txt.j2").write_bytes(b"fine\n\xff")
    assert read("a") == Rendered("s", "file", None, ())
    assert read("b") == Rendered("s", "inline", "<p>file</p>", ())
    assert read(None) == Rendered("s", "inline", None, ())
    assert read("../a") == Rendered("s", "inline", None, ())
    with pytest.raises(ContentError, match=r"c\.txt\.j2, line 2: not UTF-8"):
        read("c")


def test_front_matter_says_what_the_step_doesnt(tmp_path: Path) -> None:
    told = (
        '---\nsubject: Hi {{ first_name }}\npreheader: For you\nfrom: "{{ shop }} <news@shop.example>"\n'
        "reply-to: help@shop.example\nattachments: [terms.pdf]\n---\n<p>{{ 1 / zero }}</p>"
    )
    (tmp_path / "a.html.j2").write_text(told, encoding="utf-8")
    (tmp_path / "terms.pdf").write_bytes(b"%PDF")
    templates = read_templates(tmp_path)
    compiled = compile_content(read_content(templates, Message(template_id="a")))
    found = render(compiled, Values({"first_name": "Zoë", "shop": 'A "B"', "zero": 1}, {}, {}))
    assert (found.subject, found.preheader, found.attachments) == ("Hi Zoë", "For you", ("terms.pdf",))
    assert (found.sender, found.reply_to) == ("\"A 'B'\" <news@shop.example>", "help@shop.example")
    assert read_attachments(tmp_path, found) == (Attachment("terms.pdf", "application/pdf", b"%PDF"),)
    own = compile_content(read_content(templates, Message(template_id="a", subject="mine")))
    assert render(own, Values({"zero": 1}, {}, {})).subject == "mine"
    with pytest.raises(ContentError, match=r"a\.html\.j2, line 8: division by zero"):
        render(own, Values({"zero": 0}, {}, {}))


def test_attachments_stay_within_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "logo.png").write_bytes(b"png")
    image = Rendered("", "", '<img src="cid:logo.png">', (), attachments=("logo.png",))
    assert read_attachments(folder, image)[0].content_id == "logo.png"
    for name in ("link", "../secret", "nowhere"):
        with pytest.raises(ContentError, match=name):
            read_attachments(folder, Rendered("", "", None, (), attachments=(name,)))


def compiled_steps(found: Workflow) -> dict[tuple[str, str], Any]:
    program = compile_program((), [found])
    return {(step.branch, step.name): step.action for step in program.steps if step.action}


@given(workflows("w"))
def test_steps_have_the_names_of_the_compiled_program(drawn: Row) -> None:
    found = Workflow.model_validate(drawn)
    named = [((branch, name), action) for branch, name, action in named_steps(found)]
    assert len(dict(named)) == len(named)
    assert dict(named) == compiled_steps(found)


def test_names_tell_branch_and_place() -> None:
    inner = action("random_split", weights={"paths": 0.5, "b": 0.5}, paths={"paths": [send("deep")]})
    outer = action(
        "branch_decision",
        criteria={"yes": [condition("plan", "exists")]},
        paths={"yes": [inner], "default": [send("other")]},
    )
    own = {"name": "vip", "conditions": [], "actions": [send("first"), outer]}
    found = Workflow.model_validate(workflow(send("hello"), outer, branches=[own]))
    assert {(branch, name) for branch, name, _ in named_steps(found)} == {
        *(("default", name) for name in ("0", "1", "1.yes.0", "1.yes.0.paths.0", "1.default.0")),
        *(("vip", name) for name in ("0", "1", "1.yes.0", "1.yes.0.paths.0", "1.default.0")),
    }


def undispatched(tmp_path: Path) -> House:
    """A house with a message and a webhook request pending, both in a path of a branch."""
    hook = action("trigger_webhook", url="https://example.com/hook", data={"source": "us"})
    both = action(
        "branch_decision",
        criteria={"yes": [condition("plan", "exists")]},
        paths={"yes": [send("hello", content="Hi {{ plan }}"), hook]},
    )
    branch = {"name": "vip", "conditions": [condition("plan", "exists")], "actions": [both]}
    home = house(tmp_path, workflow(branches=[branch]))
    home.customers("people", person("ann", plan="pro"))
    home.events("go", event("go", at(5)))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "send_webhooks", die)  # the first to go
        with pytest.raises(KeyboardInterrupt):
            home.tick(at(10))
    return home


def test_a_dispatch_neither_compiles_nor_decides(tmp_path: Path) -> None:
    home = undispatched(tmp_path)
    command = [sys.executable, "-c", DISPATCH, str(home.root), at(10).isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["{'sent': 1} {'sent': 1}", ""]
    assert home.rows("select branch, step, status from messages") == [("vip", "0.yes.0", "sent")]
    (request,) = home.outbox("webhooks")
    assert request["payload"]["source"] == "us"
