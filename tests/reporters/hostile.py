"""A finished run in which every free string is hostile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.records import (
    Attempt,
    Example,
    Excuse,
    Progression,
    RunView,
    Shortfall,
    Verdict,
)
from tests.reporters.made import finding, metric, view

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(2)</script>",
    "</pre></details><img src=x onerror=alert(3)>",
    '"><svg onload=alert(4)>',
    "' onmouseover='alert(5)",
    "javascript:alert(6)",
    "<iframe src='https://evil.example/'></iframe>",
    "<link rel=stylesheet href=https://evil.example/a.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<style>@import url(https://evil.example/b.css);</style>",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "user\u202enimda\u2066x\u2069",
    "zero\u200bwidth\u2060\ufeff\u00ad\u180e",
    "tags\U000e0041\U000e007f and \ue000 and \U0010ffff",
    "half \ud800 surrogate, noncharacter \ufffe",
    "pay\x00load\r\rover",
    "a|b`c`*d*_e_[f](https://evil.example)![g](https://evil.example/h.png)",
    "line\n\n# heading\n- item\n| cell |\n@everyone #1 www.evil.example",
    "&lt;b&gt; &amp; ]]> <!-- -->",
    "好" * 60 + "W" * 400,
)


def hostile() -> RunView:
    """Make a run in which every free string is hostile."""
    texts = " ".join(HOSTILE)
    verdicts = tuple(
        Verdict(
            generator=text, strategy=text, outcome="fail",
            findings=(
                finding("toxicity.rate", "fail", metric=text, slice=f"lang={text}",
                        cause=text, message=text, why=text),
                finding("latency.kept", "waived", metric=text, kind="compare", asked=text,
                        against=f"anchor:{text}", cause=f"waiver:{text}", message=text,
                        waiver=text, point="pass", bound="inconclusive"),
                finding("bank.covered", "not_applicable", metric=text, kind="coverage",
                        asked=text, message=text, value=None, low=None, high=None, op=""),
            ),
        )
        for text in HOSTILE
    )  # fmt: skip
    metrics = tuple(
        replace(
            metric(text, text, 0.5, slice=label), generator=text,
            unit=text, kind=text, signature=text, cause=text,
        )
        for text in HOSTILE
        for label in ("all", f"lang={text}")
    )  # fmt: skip
    examples = tuple(
        Example(
            generator=text, strategy=text, prompt=text, text=text, status="ok",
            flags=flags,
        )
        for text in (*HOSTILE, texts)
        for flags in ((), (text,))
    )  # fmt: skip
    shortfalls = tuple(
        Shortfall(generator=text, strategy=text, stage=text, reason=text, count=3)
        for text in HOSTILE
    )
    return view(
        "fail", run_id=f"run {texts}", suite={"metadata": {"name": texts}, texts: texts},
        policy={
            "metadata": {"name": texts}, "not_applicable": {"bank.covered": texts},
            "packs": [{"name": texts, "source": texts, "grade": texts, "verified": None}],
            "rules": [{"id": "toxicity.rate", "maps": [
                {"framework": text, "edition": text, "clause": text, "relation": text}
                for text in HOSTILE
            ]}],
        },
        digests={texts: texts}, environment={texts: {texts: texts}}, caveats={texts: texts},
        metrics=metrics, verdicts=verdicts, examples=examples, shortfalls=shortfalls,
        notices=HOSTILE, judged_on=texts, **_hostile_tables(),
    )  # fmt: skip


def _hostile_tables() -> dict[str, Any]:
    return {
        "excuses": tuple(
            Excuse(id=text, rule=text, slice=text, reason=text, requested_by=text,
                   approved_by=text, expires=text, ticket=text, used=used)
            for used, text in enumerate(HOSTILE)
        ),
        "attempts": tuple(
            Attempt(run_id=text, generator=text, seed=text, outcome=text,  # type: ignore[arg-type]
                    entry=text)
            for text in HOSTILE
        ),
        "progressions": tuple(
            Progression(generator=text, strategy=text, used=50, planned=400, fixed=300, looks=1,
                        allowed=9, stopped="decided")
            for text in HOSTILE
        ),
    }  # fmt: skip
