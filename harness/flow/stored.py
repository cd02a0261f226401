"""A stored run, with its scorers bound and nothing loaded: what a verdict can rest on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from harness import digests, ids
from harness.engine.features import reference_table
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow import attempts, baselines, documents
from harness.flow.aggregate import Setting, aggregate, definitions, measured, metric_of
from harness.flow.bind import bind, bind_recorded
from harness.flow.contrasts import Baseline, Contrasts
from harness.flow.evidence import Evidence
from harness.flow.judge import confidences
from harness.flow.progression import partial
from harness.flow.rows import ArmKey, arm_rows, packed_prompts
from harness.flow.scored import Scores
from harness.protocols import Bound, Reference
from harness.records import Metric
from harness.spec.load import digest
from harness.spec.policy import PolicySpec
from harness.spec.suite import SuiteSpec

_CONFIDENCE, _AT_ONCE = 0.95, 16_384
Binder = Callable[[Any, Any, Store], list[Bound]]
"""Gives a stored run's scorers, from its suite, its manifest and its folder."""


class StoredRun:
    """What a stored run says of itself, with its scorers bound and nothing loaded."""

    def __init__(
        self, store: Store, policy: PolicySpec | None, bind_all: Binder | None = None
    ) -> None:
        self.store = store
        self.manifest = store.read_json("manifest.json")
        self.suite = store.read_json("suite.json")
        self.arms = [
            ArmKey(a["generator"], a["strategy"], a["fingerprint"])
            for a in self.manifest["arms"]
        ]
        self.scorers = (bind_all or bound_scorers)(self.suite, self.manifest, store)
        by = policy.defaults.cluster_by if policy else "prompt_id"
        looks = len(self.manifest.get("looks") or ())
        self.setting = Setting(cluster_by=by, looks=looks)

    def evidence(
        self,
        policy: PolicySpec | None,
        today: date | None,
        names: Collection[str] | None = None,
    ) -> Evidence:
        """Gather what `judge` reads."""
        levels = confidences(policy) if policy else (_CONFIDENCE,)
        metrics = aggregate(
            self.store, self.arms, self.scorers, levels, setting=self.setting, names=names
        )
        if policy is None:
            return Evidence(metrics=metrics)
        own = Baseline(self.store, self.manifest, self.suite)
        against = baselines.found(self.store)
        return Evidence(
            metrics=metrics,
            at=self._at,
            contrast=Contrasts(own, self.scorers, against, self.setting),
            absent=baselines.absent(self.store),
            prompts=_prompts(self.store),
            documents=documents.signed(self.store, policy),
            subjects=self.manifest["subjects"],
            arm_subjects={
                (a["generator"], a["strategy"]): attempts.subject_of_arm(self.manifest, a)
                for a in self.manifest["arms"]
            },
            identities={
                a["generator"]: a["identity"].get("kind", "code") for a in self.manifest["arms"]
            },
            suite=self.manifest["suite"],
            scorers={n: item["fingerprint"] for n, item in self.manifest["scorers"].items()},
            attempts=attempts.earlier(self.store, digest(policy)),
            committed=attempts.committed(self.store),
            partial=partial(self.store),
            today=today,
        )

    def _at(self, metric: Metric, confidence: float) -> Metric:
        """One metric again, at another confidence."""
        scorer_name, _, name = metric.name.partition(".")
        scorer = next(s for s in self.scorers if s.name == scorer_name)
        key = next(
            a
            for a in self.arms
            if (a.generator, a.strategy) == (metric.generator, metric.strategy)
        )
        arm = arm_rows(self.store, key, cluster_by=self.setting.cluster_by)
        part = dict(Scores(self.store, scorer).parts(arm, (metric.slice,)))[metric.slice]
        definition = definitions(scorer)[name]
        found = measured(part, definition, confidence, self.setting)
        about = (key, metric.slice, scorer, name)
        return metric_of(about, definition, found, confidence, self.setting)


def recorded_scorers(suite: Any, manifest: Any, store: Store) -> list[Bound]:
    """The scorers of a stored run as it recorded them, wherever their files may be.

    Raises:
        AlteredError: The record contradicts itself.
        RefusedError: Another version of a scorer is installed here.
    """
    spec = SuiteSpec.model_validate_json(digests.canonical(suite))
    found = [bind_recorded(item, manifest["scorers"][item.name]) for item in spec.scorers]
    return [_with_references(scorer, store) for scorer in found]


def _with_references(scorer: Bound, store: Store) -> Bound:
    """Tell which of a scorer's encoders read each dataset, by the tables that are there.

    The encoders are asked in the scorer's own order: where two of them have read the same
    dataset, for different scorers, it is the first that outputs are held against.
    """
    asked = tuple(getattr(scorer.plugin, "encoders", {}))
    found = {}
    for name, sha256 in scorer.identity.get("references", {}).items():
        every = [Reference(Path(), sha256, encoder) for encoder in asked]
        read = (one for one in every if _is_read(one, scorer, store))
        found[name] = next(read, every[0])
    return dataclasses.replace(scorer, references=found)


def _is_read(reference: Reference, scorer: Bound, store: Store) -> bool:
    table = reference_table(reference, scorer.encoders[reference.encoder])
    return (store.root / table).is_dir()


def _prompts(store: Store) -> tuple[Mapping[str, str], ...]:
    """The tags of each distinct prompt that was asked."""
    table = store.columns("cases", ["prompt_id", "tags"], each=packed_prompts)
    if table.num_rows == 0:
        return ()
    order, new = ids.in_order(ids.numbers(table["prompt_id"]))
    rows = order[new]
    shared: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
    found: list[Mapping[str, str]] = []
    for start in range(0, len(rows), _AT_ONCE):
        part = table["tags"].take(rows[start : start + _AT_ONCE]).to_pylist()
        found += [shared.setdefault(tuple(tags or ()), dict(tags or ())) for tags in part]
    return tuple(found)


def bound_scorers(suite: Any, manifest: Any, store: Store) -> list[Bound]:
    """The scorers of a stored run, bound again.

    Raises:
        AlteredError: One is not the scorer that scored the run.
    """
    spec = SuiteSpec.model_validate_json(digests.canonical(suite))
    base = Path(store.read_json("local.json")["base"])
    scorers = [bind("scorers", item, base) for item in spec.scorers]
    for scorer in scorers:
        if scorer.fingerprint != manifest["scorers"][scorer.name]["fingerprint"]:
            raise AlteredError(
                f"scorer {scorer.name!r} is not the one that scored this run",
                where=str(store.root),
                fix="run the suite again: its outputs are kept and only its scores redone",
            )
    return scorers
