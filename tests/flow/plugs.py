"""Plug-ins that misbehave on purpose, and a suite that names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import pytest

from harness import registry
from harness.engine.local import Local
from harness.engine.store import Store
from harness.flow.generate import generate
from harness.flow.plan import Plan, plan
from harness.flow.progress import Silent
from harness.flow.score import score
from harness.protocols import ColumnType, Control, Mean, MetricDef, Proportion
from harness.records import Case, Failure, Modality, Sample
from harness.spec.model import Spec
from harness.spec.suite import SuiteSpec

T = TypeVar("T")


class Plug:
    """What a plug-in without weights has to have."""

    requires: Sequence[str] = ()
    weights: Mapping[str, str] = {}
    batch = 4

    class Options(Spec):
        """Nothing to choose; `note` only changes the fingerprint."""

        note: str = ""

    def __init__(self, options: Options) -> None:
        self.options = options

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


class Answers(Plug):
    """A generator that answers with whatever `answer` returns; counts what it was asked."""

    modality: Modality = "text"
    identity: Literal["code"] = "code"
    folder: Path | None = None
    answer: Callable[[Sequence[Case]], Any]
    asked: list[str]

    def check(self, params: Mapping[str, Any]) -> None:
        """Accept anything."""

    def generate(self, cases: Sequence[Case]) -> Any:
        self.asked.extend(case.prompt.text for case in cases)
        return type(self).answer(cases)


class Reads(Plug):
    """A scorer that reads whatever `read` returns for a sample."""

    accepts: frozenset[Modality] = frozenset({"text"})
    columns: Mapping[str, ColumnType] = {"bad": "bool", "level": "float"}
    metrics: Mapping[str, MetricDef] = {
        "bad_rate": MetricDef(kind=Proportion("bad"), unit="share", better="lower"),
        "level": MetricDef(kind=Mean("level", (0, 1)), unit="", better="lower"),
    }
    controls: Sequence[Control] = ()
    caveat = ""
    read: Callable[[Sample], Any]
    asked: list[str]

    def score(self, samples: Sequence[Sample]) -> Any:
        self.asked.extend(str(sample.media) for sample in samples)
        return [type(self).read(sample) for sample in samples]


def make_generator(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[Sequence[Case]], Any]
) -> type[Answers]:
    """Register a generator `answers` for one test."""
    made = type("Given", (Answers,), {"answer": staticmethod(answer), "asked": []})
    made.__module__ = __name__
    monkeypatch.setitem(registry._local, ("generators", "answers"), made)
    return made


def make_scorer(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[Sample], Any], **own: Any
) -> type[Reads]:
    """Register a scorer `reads` for one test."""
    made = type("Given", (Reads,), {"read": staticmethod(read), "asked": [], **own})
    made.__module__ = __name__
    monkeypatch.setitem(registry._local, ("scorers", "reads"), made)
    return made


def fine(_: Sample) -> dict[str, object]:
    """A reading that fits."""
    return {"bad": False, "level": 0.5}


def raising(_: object) -> Failure:
    """What a broken plug-in does."""
    raise RuntimeError("broken for good")


def suite_of(prompts: Sequence[str], /, **changes: Any) -> SuiteSpec:
    """A suite on echo and length, with some keys replaced."""
    content = {
        "apiVersion": "harness/v1",
        "kind": "Suite",
        "metadata": {"name": "s"},
        "generators": [{"use": "echo"}],
        "prompts": [{"items": list(prompts)}],
        "scorers": [{"use": "length"}],
    }
    return SuiteSpec.model_validate(_tuples({**content, **changes}))


def plan_of(prompts: Sequence[str], /, **changes: Any) -> Plan:
    """Its plan."""
    return plan(suite_of(prompts, **changes), Path())


def generate_all(planned: Plan, store: Store) -> None:
    """Generate every arm, here."""
    generate(planned, store, Local(), Silent())


def score_all(planned: Plan, store: Store) -> None:
    """Score with every scorer, here."""
    for scorer in planned.scorers:
        score(planned, scorer, store, Local(), Silent())


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
