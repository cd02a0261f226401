"""Open the report templates so that no value reaches a page unescaped."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.reporters import readings, wording
from harness.reporters.visible import visible
from harness.spec import library

_ACTIVE = re.compile(r"([\\`*_\[\]|~])")
_MENTION = re.compile(r"(@|#(?=\d))")
_WORDS = (
    "count", "everything", "interval", "number", "requirement", "told", "SYMBOL",
    "WORD",
)  # fmt: skip
_READINGS = ("before_waiver", "bound_used", "counts", "differ", "held")


def html() -> Environment:
    """Open the templates for HTML: hidden characters are shown, then everything is escaped."""
    return _with_words(
        Environment(
            loader=FileSystemLoader(library.folder("reports")),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
    )


def markdown() -> Environment:
    """Open the templates for Markdown: every string becomes one line of plain inline text."""
    return _with_words(
        Environment(
            loader=FileSystemLoader(library.folder("reports")),
            autoescape=False,  # noqa: S701 - the output is Markdown; `cell` escapes, HTML too
            undefined=StrictUndefined,
            finalize=_celled,
            trim_blocks=True,
            lstrip_blocks=True,
        )
    )


def cell(text: str) -> str:
    r"""Escape text for one line or table cell of Markdown, where it may not act.

    Pipes, code, emphasis and links lose their meaning, HTML becomes entities,
    bare links do not link, and `@name` and `#1` refer to nobody and nothing.

    >>> cell("a|b\n<b>")
    'a\\|b &lt;b&gt;'
    """
    line = " ".join(visible(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _ACTIVE.sub(r"\\\1", line)
    line = line.replace("://", "&#58;//").replace("www.", "www&#46;")
    return _MENTION.sub(r"\1<!-- -->", line)


def _with_words(environment: Environment) -> Environment:
    environment.globals.update({name: getattr(wording, name) for name in _WORDS})
    environment.globals.update({name: getattr(readings, name) for name in _READINGS})
    return environment


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _celled(value: Any) -> Any:
    return cell(value) if isinstance(value, str) and not isinstance(value, Markup) else value
