"""Evidence, policies and waivers made up for tests of the judge, and short to vary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from harness.flow.evidence import Difference, Evidence, Gap, Question
from harness.flow.judge import judge
from harness.records import Finding, Metric
from harness.spec.policy import PolicySpec
from harness.spec.waiver import Waiver

TODAY = date(2026, 11, 25)
SUBJECT = "ab" * 32


def metric(**changes: Any) -> Metric:
    """A rate of 0.02, at most 0.04, over 200 outputs of 200 prompts."""
    plain: dict[str, Any] = {
        "generator": "g", "strategy": "s", "slice": "all", "name": "toxicity.rate",
        "value": 0.02, "low": 0.01, "high": 0.04, "confidence": 0.95, "n": 200, "missing": 0,
        "clusters": 200, "kind": "Proportion", "unit": "share", "better": "lower",
        "signature": "", "design_effect": 1.0,
    }  # fmt: skip
    return Metric(**{**plain, **changes})


def limit(name: str = "r", op: str = "<=", value: float = 0.05, **more: Any) -> dict[str, Any]:
    """A rule that `metric()` passes."""
    require = {"metric": more.pop("metric", "toxicity.rate"), "op": op, "value": value}
    return {"id": name, "require": require, **more}


def policy(*rules: dict[str, Any], **keys: Any) -> PolicySpec:
    """A policy of these rules, with these further keys of the file."""
    content = {
        "apiVersion": "harness/v1", "kind": "Policy", "metadata": {"name": "p"},
        "rules": rules, **keys,
    }  # fmt: skip
    return PolicySpec.model_validate_json(json.dumps(content))


def waiver(**changes: Any) -> Waiver:
    """A waiver that is in force and excuses a fail of rule `r`."""
    plain = {
        "id": "w", "rule": "r", "subject_digest": SUBJECT, "covers": "fail",
        "reason": "known and mended next week", "requested_by": "ann", "approved_by": "bob",
        "created": "2026-11-01", "expires": "2026-12-01", "ticket": "T-1",
    }  # fmt: skip
    return Waiver.model_validate_json(json.dumps({**plain, **changes}))


def evidence(*metrics: Metric, **more: Any) -> Evidence:
    """Evidence of today, of one subject."""
    plain: dict[str, Any] = {"subjects": {"g": SUBJECT}, "today": TODAY}
    return Evidence(metrics=metrics or (metric(),), **{**plain, **more})


def findings(
    seen: Evidence, rules: PolicySpec, waivers: Sequence[Waiver] = ()
) -> tuple[Finding, ...]:
    """All findings of the only arm."""
    (verdict,) = judge(seen, rules, waivers)
    return verdict.findings


def finding(seen: Evidence, rules: PolicySpec, waivers: Sequence[Waiver] = ()) -> Finding:
    """The only finding of the only arm."""
    (one,) = findings(seen, rules, waivers)
    return one


class Answers:
    """Answers every question with `ours - scale * theirs`, and bounds a width away from it."""

    def __init__(self, ours: float, theirs: float, width: float = 0.0) -> None:
        self.asked: list[Question] = []
        self._ours, self._theirs, self._width = ours, theirs, width

    def __call__(self, question: Question) -> Difference | Gap:
        """Note the question and answer it."""
        self.asked.append(question)
        away = self._ours - question.scale * self._theirs
        of = metric(
            value=away, low=away - self._width, high=away + self._width, slice=question.slice,
            name=question.metric, confidence=question.confidence, kind="Difference",
        )  # fmt: skip
        return Difference(of, self._theirs)
