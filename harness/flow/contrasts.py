"""Differences between two arms, of one run or of two, prompt by prompt.

Both sides must have been asked the same, in the same way, and read by the same
scorers: otherwise a difference says nothing of the models, and the answer is a
gap with cause `digest_mismatch`. The baseline's scores are copied into the run
that is compared with it, so that the verdict can be derived again from that
folder alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.engine.store import Store
from harness.flow.aggregate import (
    COVERAGE,
    FIXED,
    Setting,
    definitions,
    measured,
    metric_of,
)
from harness.flow.evidence import ArmName, Difference, Gap, Question
from harness.flow.rows import ArmKey, ArmRows, ArmUnits, named_rows
from harness.flow.scored import Part, Scores
from harness.metrics.anytime import confidence_of_each
from harness.metrics.contrast import CONTRASTS, Side, contrast
from harness.metrics.estimate import Estimate
from harness.protocols import Bound, MetricDef

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run to compare with: its store, its manifest and its suite."""

    store: Store
    manifest: Mapping[str, Any]
    suite: Mapping[str, Any]

    @classmethod
    def of(cls, store: Store) -> Baseline:
        """Read what a stored run says of itself."""
        return cls(store, store.read_json("manifest.json"), store.read_json("suite.json"))

    def arm(self, generator: str, strategy: str) -> ArmKey | None:
        """The arm of these names; of one generator whatever its name."""
        arms = [ArmKey(a["generator"], a["strategy"], a["fingerprint"]) for a in self._arms()]
        names = {arm.generator for arm in arms}
        wanted = generator if generator in names or len(names) > 1 else next(iter(names), "")
        return next((a for a in arms if (a.generator, a.strategy) == (wanted, strategy)), None)

    def _arms(self) -> Sequence[Mapping[str, Any]]:
        return self.manifest["arms"]  # type: ignore[no-any-return]


RunArm = tuple[Baseline, ArmKey]
"""An arm and the run it is of."""


class Pairs:
    """The rows of two arms side by side; reads each run's scores once."""

    def __init__(self, cluster_by: str) -> None:
        self._by = cluster_by
        self._scores: dict[tuple[str, str], Scores] = {}

    def parts(
        self, ours: RunArm, theirs: RunArm, scorer: Bound, label: str
    ) -> tuple[Part, Part] | Gap:
        """Both sides on one slice, on the prompts both were asked, clusters numbered alike."""
        import pyarrow as pa
        import pyarrow.compute as pc

        (run, arm), (other, key) = ours, theirs
        rows, mine = named_rows(run.store, arm, cluster_by=self._by)
        other_rows, yours = named_rows(other.store, key, cluster_by=self._by, only=mine.prompts)
        if len(yours.units) != len(mine.units):
            rows, mine = named_rows(run.store, arm, cluster_by=self._by, only=yours.prompts)
        left = self._part(run, rows, scorer, label)
        right = self._part(other, other_rows, scorer, label)
        if left is None or right is None:
            return Gap("insufficient_n", f"no case of both is tagged {label}")
        names = pc.unique(pa.concat_arrays([mine.labels, yours.labels]))
        names = names.take(pc.sort_indices(names))
        return _renumbered(left, mine, names), _renumbered(right, yours, names)

    def _part(self, run: Baseline, arm: ArmRows, scorer: Bound, label: str) -> Part | None:
        place = (str(run.store.root), scorer.name)
        if place not in self._scores:
            self._scores[place] = Scores(run.store, scorer)
        return dict(self._scores[place].parts(arm, (label,))).get(label)


def mismatches(mine: Baseline, other: Baseline, scorer: Bound) -> list[str]:
    """What differs between two runs that must not, for their arms to be compared."""
    if mine is other:
        return []
    read = other.manifest["scorers"].get(scorer.name, {}).get("fingerprint")
    same = {
        "prompts": mine.manifest["exam"] == other.manifest["exam"],
        "seed": mine.suite["seed"] == other.suite["seed"],
        "samples per prompt": mine.suite["samples_per_prompt"]
        == other.suite["samples_per_prompt"],
        f"scorer {scorer.name!r}": read == scorer.fingerprint,
    }
    return [name for name, equal in same.items() if not equal]


class Contrasts:
    """Answers a policy's questions about differences."""

    def __init__(
        self,
        own: Baseline,
        scorers: Sequence[Bound],
        baselines: Mapping[str, Baseline],
        setting: Setting = FIXED,
    ) -> None:
        self._own = own
        self._scorers = {scorer.name: scorer for scorer in scorers}
        self._baselines = baselines
        self._setting = setting
        self._pairs = Pairs(setting.cluster_by)

    def __call__(self, question: Question) -> Difference | Gap:
        """Answer one question, or say why it cannot be answered."""
        scorer_name, _, name = question.metric.partition(".")
        scorer = self._scorers.get(scorer_name)
        definition = definitions(scorer).get(name) if scorer else None
        ours = self._own.arm(*question.arm)
        if scorer is None or definition is None or ours is None:
            return Gap("missing_metric", "no scorer of this run measures it")
        theirs = self._other(question.arm, question.against)
        if isinstance(theirs, Gap):
            return theirs
        if gap := self._mismatch(question.arm, theirs, scorer):
            return gap
        pair = self._pairs.parts((self._own, ours), theirs, scorer, question.slice)
        if isinstance(pair, Gap):
            return pair
        return self._answer(question, (ours, scorer, name), definition, pair)

    def _other(self, arm: ArmName, against: str) -> RunArm | Gap:
        """The arm that `against` names, and the run it is of."""
        where, _, name = against.partition(":")
        generator, strategy = arm
        if where == "strategy":
            run, key = self._own, self._own.arm(generator, name)
        elif where == "generator":
            run, key = self._own, self._own.arm(name, strategy)
        elif against in self._baselines:
            run = self._baselines[against]
            key = run.arm(generator, strategy)
        else:
            return Gap("missing_metric", f"there is no run to compare with as {against}")
        if key is None or (where == "generator" and key.generator != name):
            return Gap("missing_metric", f"{against} has no arm to compare {strategy!r} with")
        return run, key

    def _mismatch(self, arm: ArmName, theirs: RunArm, scorer: Bound) -> Gap | None:
        """Another run must have been asked the same, sampled and read in the same way."""
        other, key = theirs
        differing = mismatches(self._own, other, scorer)
        if other is not self._own and _params(self._own, arm[1]) != _params(
            other, key.strategy
        ):
            differing.append("sampling")
        if not differing:
            return None
        return Gap("digest_mismatch", f"the two runs differ in {', '.join(differing)}")

    def _answer(
        self,
        question: Question,
        of: tuple[ArmKey, Bound, str],
        definition: MetricDef,
        pair: tuple[Part, Part],
    ) -> Difference:
        ours, scorer, name = of
        confidence, setting = question.confidence, self._setting
        strict = confidence_of_each(confidence, setting.looks)
        theirs = measured(pair[1], definition, confidence)
        if question.paired:
            left, right = (side(part, definition) for part in pair)
            found = contrast(definition, left, right, scale=question.scale, confidence=strict)
        else:
            found = _unpaired(pair, definition, question.scale, strict)
        about = (ours, question.slice, scorer, name)
        metric = metric_of(about, definition, found, confidence, setting)
        how = CONTRASTS[type(definition.kind)] if question.paired else "bonferroni"
        signature = f"{metric.signature}|against:{question.against}|difference:{how}"
        return Difference(replace(metric, signature=signature), theirs.value)


def _params(run: Baseline, strategy: str) -> object:
    return next((s["params"] for s in run.suite["strategies"] if s["name"] == strategy), None)


def side(part: Part, definition: MetricDef) -> Side:
    """A slice's rows as `contrast` takes them."""
    import numpy as np

    if definition is COVERAGE:
        return Side({"scored": part.scored}, part.planned, np.empty(0, dtype=np.int64))
    return Side(part.columns, part.clusters, part.missing)


def _renumbered(part: Part, units: ArmUnits, names: pa.Array) -> Part:
    import pyarrow.compute as pc

    numbers: NDArray[np.int64] = pc.index_in(units.labels, names).to_numpy().astype("int64")
    return replace(
        part,
        clusters=numbers[part.clusters],
        missing=numbers[part.missing],
        planned=numbers[part.planned],
    )


def _unpaired(
    pair: tuple[Part, Part], definition: MetricDef, scale: float, confidence: float
) -> Estimate:
    """Each side on its own at half the error: always valid, and wider than in pairs."""
    each = confidence_of_each(confidence, 2)
    ours, theirs = (measured(part, definition, each) for part in pair)
    low = _minus(ours.low, theirs.high, scale)
    high = _minus(ours.high, theirs.low, scale)
    return replace(
        ours,
        value=_minus(ours.value, theirs.value, scale),
        low=low,
        high=high,
        n=min(ours.n, theirs.n),
        missing=max(ours.missing, theirs.missing),
        cause=ours.cause or theirs.cause,
    )


def _minus(ours: float | None, theirs: float | None, scale: float) -> float | None:
    return None if ours is None or theirs is None else ours - scale * theirs
