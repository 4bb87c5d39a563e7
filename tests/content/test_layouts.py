"""Layouts, partials and macros of template files, and what keeps them from being used."""

from collections.abc import Mapping
from typing import Any

import pytest

from transforms.content.errors import ContentError
from transforms.content.names import UsedNames
from transforms.content.templates import ContentSource, Rendered, compile_content, render, used_names
from transforms.content.values import Values

LAYOUT = "<body>{% include 'header.html.j2' %}{% block main %}nothing{% endblock %}</body>"
HEADER = "<h1>{{ shop|default('Shop') }}</h1>"
MACROS = "{% macro button(text, url='#') %}<a href=\"{{ url }}\">{{ text }}{{ first_name }}</a>{% endmacro %}"


def source(files: Mapping[str, str], subject: str = "s") -> ContentSource:
    return ContentSource(subject, None, template="a", files=files)


def rendered(files: Mapping[str, str], **attributes: Any) -> Rendered:
    return render(compile_content(source(files)), Values(attributes, {}, {}))


def test_a_layout_with_a_partial_and_macros() -> None:
    page = (
        "{% extends 'layout.html.j2' %}{% import 'ui.html.j2' as ui %}{% from 'ui.html.j2' import button %}"
        "{% set who = first_name|upper %}"
        "{% block main %}{{ super() }} {{ who }} {{ ui.button('<Go>', url='https://x.example') }}{{ button(who) }}"
        "{% call wrap() %}{{ first_name }}{% endcall %}{% endblock %}"
        "{% macro wrap() %}<p>{{ caller() }}</p>{% endmacro %}"
    )
    files = {"a.html.j2": page, "layout.html.j2": LAYOUT, "header.html.j2": HEADER, "ui.html.j2": MACROS}
    assert rendered(files, first_name="Zoë & co").html == (
        '<body><h1>Shop</h1>nothing ZOË &amp; CO <a href="https://x.example">&lt;Go&gt;Zoë &amp; co</a>'
        '<a href="#">ZOË &amp; COZoë &amp; co</a><p>Zoë &amp; co</p></body>'
    )


def test_text_files_have_layouts_too_and_arent_escaped() -> None:
    files = {
        "a.txt.j2": "{% extends 'base.txt.j2' %}{% block main %}{% set x %}<{{ n }}>{% endset %}{{ x }}{% endblock %}",
        "base.txt.j2": "Dear{% block main %}{% endblock %}{% with y = 2 %}{{ y }}{% endwith %}",
    }
    assert rendered(files, n="a&b").text == "Dear<a&b>2"


def test_what_macros_of_a_shared_file_say_is_each_customers_own() -> None:
    files = {
        "a.txt.j2": "{% from 'm.txt.j2' import hi %}{{ hi() }}",
        "m.txt.j2": "{% macro hi() %}{{ n }}{% endmacro %}",
    }
    compiled = compile_content(source(files))
    texts = [render(compiled, Values({"n": name}, {}, {})).text for name in ("Ann", "Bo")]
    nobody = [render(compiled, Values({}, {}, {})).missing for _ in range(2)]
    assert (texts, nobody) == (["Ann", "Bo"], [("n",), ("n",)])


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.txt.j2": "\n{% include 'foter.txt.j2' %}", "footer.txt.j2": ""}, "a.txt.j2, line 2: there is no file "
         "'foter.txt.j2' in the templates folder; did you mean 'footer.txt.j2'?"),
        ({"a.txt.j2": "{% extends 'a.txt.j2' %}"}, "comes back to 'a.txt.j2'"),
        ({"a.txt.j2": "{% include 'b' %}", "b": "{% include 'c' %}", "c": "\n\n{% extends 'b' %}"}, "c, line 3: names"),
        ({"a.txt.j2": "{% include first_name %}"}, "must be a text in quotes"),
        ({"a.txt.j2": "{% include '../secret' %}"}, "there is no file"),
        ({"a.txt.j2": "{% include 'b' %}", "b": "ok\n{{ x|uper }}"}, "b, line 2: filter 'uper'"),
        ({"a.txt.j2": "{{ first_name.upper() }}"}, None),
        ({"a.txt.j2": "{{ x['a']() }}"}, "only macros can be called"),
        ({"a.txt.j2": "{% for a in b recursive %}{% endfor %}"}, "recursive"),
        ({"a.txt.j2": "{% for a in b %}" * 5 + "{% endfor %}" * 5}, "nested 5 deep"),
        ({"a.txt.j2": "{% autoescape false %}{% endautoescape %}"}, "isn't allowed"),
        ({"a.html.j2": "", "a.mjml.j2": ""}, "both are the HTML part"),
        ({f"{n}": f"{{% include '{n + 1}' %}}" for n in range(30)} | {"30": "", "a.txt.j2": "{% include '0' %}"},
         "more than 20 steps"),
    ],
)  # fmt: skip
def test_what_keeps_files_from_being_used(files: dict[str, str], says: str | None) -> None:
    if says is None:
        with pytest.raises(ContentError, match="there is no macro"):
            rendered(files, first_name="Zoë")
        return
    with pytest.raises(ContentError) as caught:
        compile_content(source(files))
    assert says in str(caught.value)


def test_what_fails_in_a_partial_is_told_with_its_place() -> None:
    files = {"a.txt.j2": "\n{% include 'b' %}", "b": "one\ntwo {{ 1 / n }}"}
    with pytest.raises(ContentError, match="b, line 2: division by zero"):
        rendered(files, n=0)


def test_an_include_may_be_missing_if_it_says_so() -> None:
    assert (
        rendered(
            {"a.txt.j2": "x{% include 'b' ignore missing %}{% include ['c', 'd'] ignore missing %}", "d": "d"}
        ).text
        == "xd"
    )


def test_front_matter_is_no_part_of_a_file_but_counts_in_its_lines() -> None:
    with pytest.raises(ContentError, match="line 5: division"):
        compile_content(source({"a.txt.j2": "---\nsubject: x\n---\n\n{{ 1 / 0 }}"}))
    assert rendered({"a.txt.j2": "---\nsubject: x\n---\nbody\n"}).text == "body\n"
    assert rendered({"a.txt.j2": "---\nno end\n"}).text == "---\nno end\n"


def test_the_version_changes_with_what_can_reach_the_message() -> None:
    files = {"a.html.j2": "{% include 'b' %}", "b": "x", "c": "y"}
    same = source({**files, "c": "z", "d": ""})
    others = [
        source({**files, "b": "z"}),
        source(files, "t"),
        ContentSource("s", "t", template="a", files=files),
    ]
    assert source(files).version == same.version
    assert len({one.version for one in [same, *others]}) == 4
    assert len(same.version) == 16


def test_which_names_a_message_can_read() -> None:
    files = {
        "a.html.j2": "{% import 'ui' as ui %}{{ first_name }}{{ customer['Favourite Shop'] }}{{ event.total }}{{ ui.x() }}",
        "ui": "{% macro x() %}{{ plan }}{{ message.view_url }}{% for one in items %}{{ one.name }}{% endfor %}{% endmacro %}",
    }
    found = used_names(compile_content(source(files, "{{ event.item }}")))
    assert found == UsedNames(
        frozenset({"first_name", "plan", "Favourite Shop"}), frozenset({"item", "total"}), frozenset(),
        frozenset({"view_url"}), frozenset(), True,
    )  # fmt: skip
    anything = used_names(
        compile_content(ContentSource("{{ event }}", "{% for x in customer %}{{ x }}{% endfor %}"))
    )
    assert (anything.event, anything.attributes) == (None, None)
    assert used_names(compile_content(ContentSource("{{ event[first_name] }}", ""))).event is None
