"""The templates folder: every fault with its file and line, and one template's faults are no other's."""

from pathlib import Path

import pytest

from flows.definitions.folder import load_definitions, template_faults
from flows.definitions.templates import check_templates, read_templates, template_warnings
from flows.errors import InputError

FILES = {
    "good.html.j2": "---\nsubject: Hi {{ first_name }}\n---\n"
    "{% extends 'base/layout.html.j2' %}{% block main %}x{% endblock %}",
    "base/layout.html.j2": "<body>{% block main %}{% endblock %}</body>",
    "header.mjml.j2": "<mj-section></mj-section>",
    "page.mjml.j2": "<mjml><mj-body>{% include 'header.mjml.j2' %}</mj-body></mjml>",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path, name, text)
    return tmp_path


def write(folder: Path, name: str, text: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def check(folder: Path, *, thorough: bool = True) -> tuple[frozenset[str], list[str]]:
    return check_templates(read_templates(folder), thorough=thorough)


def test_partials_and_layouts_needn_t_stand_alone(folder: Path) -> None:
    valid, faults = check(folder)
    assert faults == []
    assert valid >= {"good", "page"}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.txt.j2", b"one\n\xfftwo", "a.txt.j2:2:1 not UTF-8 text"),
        ("a.txt.j2", b"x" * (4 * 1024**2 + 1), "a.txt.j2:1:1 more than 4,194,304 bytes"),
        ("a.txt.j2", "---\nsubjet: x\n---\n", "a.txt.j2:2:1 subjet: unknown key 'subjet'; allowed: "),
        ("a.txt.j2", "---\nsubject: [\n---\n", "a.txt.j2:3:1 not valid YAML"),
        ("a.txt.j2", "---\n\nsubject: '{{ x|uper }}'\n---\n", "a.txt.j2:3:10 subject: filter 'uper'"),
        ("a.txt.j2", "---\nattachments: [../x]\n---\n", "a.txt.j2:2:15 attachments[0]: given '../x'"),
        (
            "a.txt.j2",
            "---\nsubject: x\nattachments: [gone.pdf]\n---\n",
            "a.txt.j2:3:1 attachments: there is no file",
        ),
        ("a.txt.j2", "x\n\n{{ 'a' * 3 }}", "a.txt.j2:3:1 * works on numbers"),
        ("a.txt.j2", "\n{{ 9**(9**8) }}", "a.txt.j2:2:1 pow isn't allowed"),
        ("a.mjml.j2", "<mjml>\n<mj-bod/></mjml>", "a.mjml.j2:2:1 not valid MJML: there is no <mj-bod>"),
        ("base/layout.html.j2", "\n{% if %}", "base/layout.html.j2:2:1 not a valid Jinja2 template"),
        ("header.mjml.j2", "\n\n<mj-section>", "header.mjml.j2:3:1 not valid MJML"),
        ("a.html.j2", '<a href="javascript:x()">', "a.html.j2:1:1 the link 'javascript:x()' could run code"),
        ("a.html.j2", "{% include 'gone' %}", "a.html.j2:1:1 there is no file 'gone'"),
        ("page.html.j2", "", "page.mjml.j2:1:1 page.html.j2 is there too, and both are the HTML part"),
        ("macros.j2", "{% macro x() %}", "macros.j2:1:1 not a valid Jinja2 template"),
    ],
)
def test_a_fault_has_its_place_and_touches_no_other(
    folder: Path, name: str, text: str | bytes, says: str
) -> None:
    write(folder, name, text)
    valid, faults = check(folder)
    assert len(faults) == 1
    assert faults[0].startswith(f"{folder}/{says}")
    assert "a" not in valid
    assert valid >= ({"page"} if "layout" in name else {"good"})
    assert ("page" in valid) == (name not in ("page.html.j2", "header.mjml.j2"))


def test_a_tick_doesnt_render_samples_but_finds_what_cant_be_read(folder: Path) -> None:
    write(folder, "a.txt.j2", "{{ 'a' * 3 }}")
    assert check(folder, thorough=False)[1] == []
    write(folder, "a.txt.j2", "{{ a is evn }}")
    assert len(check(folder, thorough=False)[1]) == 1


def test_a_template_file_alone_is_checked_with_its_layout(folder: Path) -> None:
    assert template_faults(folder / "good.html.j2", folder) == []
    write(folder, "good.html.j2", "{% extends 'base/layot.html.j2' %}")
    (fault,) = template_faults(folder / "good.html.j2", folder / "elsewhere")
    assert fault.startswith(f"{folder}/good.html.j2:1:1 there is no file 'base/layot.html.j2'")


def test_a_workflow_with_a_faulty_template_is_left_out_alone(folder: Path, tmp_path: Path) -> None:
    write(folder, "bad.txt.j2", "{{ 'a' * 3 }}")
    workflows = tmp_path / "workflows"
    for name in ("good", "bad"):
        text = (
            f"workflow_id: {name}\nworkflow_name: x\nis_active: true\n"
            f"triggers: [{{type: behavioral, config: {{action: go}}}}]\n"
            f"actions: [{{type: send_email, config: {{template_id: {name}}}}}]\n"
        )
        write(workflows, f"{name}.yaml", text)
    found = load_definitions(workflows, None, folder, thorough=True)
    assert [one.workflow_id for one in found.workflows] == ["good"]
    assert len(found.faults) == 2


def test_messages_written_in_a_workflow_are_rendered_too(tmp_path: Path) -> None:
    text = (
        "workflow_id: w\nworkflow_name: x\nis_active: true\ntriggers: [{type: behavioral, config: {action: go}}]\n"
        "actions: [{type: send_email, config: {subject: 'Hi *|FNAME|*', content: TEXT}}]\n"
    )
    write(tmp_path, "w.yaml", text.replace("TEXT", "\"{{ 'a' * 3 }}\""))
    found = load_definitions(tmp_path, thorough=True)
    assert (found.workflows, len(found.faults)) == ((), 1)
    assert found.faults[0].startswith(
        f"{tmp_path}/w.yaml:1:1 branch default, step 0: text, line 1: * works on"
    )
    write(tmp_path, "w.yaml", text.replace("TEXT", "fine"))
    (warning,) = load_definitions(tmp_path, thorough=True).warnings
    assert warning.startswith("w: branch default, step 0: *|FNAME|* is another tool's")


def test_merge_tags_of_others_are_warned_of(folder: Path) -> None:
    write(folder, "a.txt.j2", "x\nHi *|FNAME|*")
    (says,) = template_warnings(read_templates(folder))
    assert says.startswith(f"{folder}/a.txt.j2:2:1 *|FNAME|* is another tool's")


def test_files_that_are_likely_meant_as_templates_are_told(folder: Path) -> None:
    for name in ("hello.html", "sub/hello.txt", "terms.txt", "notes.md", ".draft.html"):
        write(folder, name, "x")
    write(folder, "a.txt.j2", "---\nattachments: [terms.txt]\n---\n")
    assert template_warnings(read_templates(folder)) == [
        f"{folder}/{name}:1:1 isn't read as a template; if it is one, name it {path}.j2"
        for name, path in (("hello.html", "hello.html"), ("sub/hello.txt", "hello.txt"))
    ]


def test_a_template_that_isnt_there_is_told_also_where_there_is_content(folder: Path, tmp_path: Path) -> None:
    write(
        tmp_path,
        "workflows/a.yaml",
        "workflow_id: a\nworkflow_name: A\ntriggers: []\nactions:\n"
        "- {type: send_email, config: {template_id: god, subject: S, content: C}}\n"
        "- {type: send_email, config: {template_id: good, subject: S, content: C}}\n",
    )
    found = load_definitions(tmp_path / "workflows", None, folder, thorough=True)
    assert found.faults == ()
    (warning,) = found.warnings
    assert warning.startswith("a: branch default, step 0: no valid template 'god', so the step's content is")
    assert warning.endswith("did you mean 'good'?")


def test_a_folder_that_isnt_one_of_templates_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.definitions.templates.MOST_FILES", 3)
    with pytest.raises(InputError, match="more than 3 template files"):
        read_templates(folder)
