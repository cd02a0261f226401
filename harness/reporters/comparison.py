"""A comparison as one HTML page: the choice, the front in pictures, every difference."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from markupsafe import Markup

from harness.comparison import Axis, Comparison, Contest
from harness.reporters import scatter, templates
from harness.reporters.wording import signed

_PICTURED = (
    ("quality", "diversity"), ("quality", "repetition"), ("quality", "speed"),
    ("diversity", "repetition"), ("safety", "diversity"),
)  # fmt: skip
_PICTURES = 4
_WORDS = {"better": "better", "worse": "worse", "not shown": "no difference shown"}


def render(comparison: Comparison) -> bytes:
    """Render the page. Its policy allows one hashed style sheet and nothing else."""
    environment = templates.html()
    style = environment.get_template("report.css").render()
    text = environment.get_template("comparison.html.j2").render(
        comparison=comparison,
        style=Markup(style),  # noqa: S704 - our own file, no value is put into it
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        pictures=_pictures(comparison),
        grid=_grid(comparison),
        numbers={arm.name: place for place, arm in enumerate(comparison.contenders, start=1)},
        tested=sum(contest.p is not None for contest in comparison.contests),
        correction={"holm": "Holm", "bh": "Benjamini and Hochberg"}[comparison.correction],
        words=_WORDS,
        signed=signed,
    )
    return text.encode("utf-8")


def _pictures(comparison: Comparison) -> list[scatter.Scatter]:
    axes = {axis.concern: axis for axis in comparison.axes}
    pairs = [(a, b) for a, b in _PICTURED if a in axes and b in axes]
    if not pairs and len(comparison.axes) > 1:
        pairs = [(comparison.axes[0].concern, comparison.axes[1].concern)]
    drawn = (scatter.plot(comparison, axes[a], axes[b]) for a, b in pairs[:_PICTURES])
    return [picture for picture in drawn if picture]


def _grid(comparison: Comparison) -> list[tuple[Axis, Mapping[str, Contest]]]:
    """By concern, each arm's difference from the reference."""
    return [
        (
            axis,
            {
                contest.arm: contest
                for contest in comparison.contests
                if contest.against == comparison.reference and contest.metric == axis.metric
            },
        )
        for axis in comparison.axes
    ]
