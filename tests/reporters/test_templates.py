"""No value reaches a page unescaped, and a forgotten one is an error."""

from __future__ import annotations

import jinja2
import pytest
from markdown_it import MarkdownIt

from harness.reporters import templates


def test_html_escapes_and_shows_hidden_characters() -> None:
    page = templates.html().from_string("<b title='{{ x }}'>{{ x }}</b>")

    assert page.render(x="'<\u202e") == "<b title='&#39;&lt;\\u{202e}'>&#39;&lt;\\u{202e}</b>"


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_an_undefined_value_is_an_error(kind: str) -> None:
    environment = getattr(templates, kind)()

    with pytest.raises(jinja2.UndefinedError):
        environment.from_string("{{ missing }}").render()


def test_a_markdown_cell_is_one_line_of_plain_text(hostile_texts: tuple[str, ...]) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    for text in hostile_texts:
        cell = templates.cell(text)
        assert "\n" not in cell

        tokens = parser.parse(f"| a | b |\n|---|---|\n| x {cell} | end |\n")
        inlines = [token for token in tokens if token.type == "inline"]
        kinds = {child.type for token in inlines for child in token.children or ()}

        assert len(inlines) == 4
        assert kinds <= {"text", "html_inline", "text_special"}
        assert inlines[3].content == "end"


def test_nobody_is_notified_and_nothing_is_linked() -> None:
    cell = templates.cell("@team see #12 at https://evil.example or www.evil.example")

    assert "@<!-- -->team" in cell
    assert "#<!-- -->12" in cell
    assert "://" not in cell
    assert "www." not in cell
