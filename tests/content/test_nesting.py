"""How deep elements lie in one another."""

import pytest

from transforms.content.nesting import nested_deeper


@pytest.mark.parametrize(
    ("html", "depth"),
    [
        ("<a><b></b><b></b></a>", 2),
        ("<p>one<p>two<br><img src='a>b'></p>", 2),
        ("<ul><li>a<li>b</ul><ul><li></ul>", 3),
        ("<!-- <a><b><c> --><i></i>", 1),
        ("<!--><a><b>-->", 2),
        ('<a title="<b><c>"></a>', 1),
        ("<a></b></b><a></b>", 2),
        ("<a/><a/>", 2),
        ("text < 3 <", 0),
    ],
)
def test_depth(html: str, depth: int) -> None:
    assert nested_deeper(html, depth, closes_itself=False) is None
    assert depth == 0 or nested_deeper(html, depth - 1, closes_itself=False) is not None


def test_in_mjml_elements_close_themselves() -> None:
    assert nested_deeper("<mj-image/>" * 9, 0, closes_itself=True) is None
    assert nested_deeper("<a><b></b><b><c>", 2, closes_itself=True) == len("<a><b></b><b>")
