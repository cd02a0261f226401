"""The whole path, in order. Read this file first.

    gate = collect + assess + report

*Collect* (plan, generate, score) is slow and needs models; it may be killed at
any instruction, and the same call resumes it. *Assess* (aggregate, judge) only
reads, and is the one way to a verdict: judging again, reporting, verifying and
promoting all go through it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import harness
from harness import digests, registry
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.aggregate import ArmKey, aggregate
from harness.flow.bind import bind
from harness.flow.environment import environment
from harness.flow.examples import examples, shortfalls
from harness.flow.generate import generate
from harness.flow.judge import confidences, judge, overall
from harness.flow.plan import Plan, plan
from harness.flow.progress import Progress, Silent
from harness.flow.report import decision, report
from harness.flow.score import score
from harness.flow.subjects import subjects
from harness.ledger.seal import seal, verify
from harness.metrics.pii.mask import mask
from harness.protocols import Bound, Executor
from harness.records import RunView
from harness.spec.load import digest, load
from harness.spec.policy import PolicySpec
from harness.spec.prompts import prompt_files
from harness.spec.suite import SuiteSpec

_CONFIDENCE = 0.95


def run(
    suite: Path | str,
    policy: Path | str | None = None,
    *,
    out: Path | str | None = None,
    runs: Path | str = "runs",
    progress: Progress | None = None,
) -> tuple[RunView, Path]:
    """Run a suite, judge it where a policy is given, and write its reports.

    Whatever the run's folder already holds is not done again.

    Args:
        suite: A suite file.
        policy: A policy file; without one there are metrics but no verdict.
        out: The run's folder; by default `<runs>/<suite name>-<digest of the plan>`.
        runs: Where run folders are made.
        progress: Hears how far the work is.

    Returns:
        The finished run, and its folder.

    Raises:
        HarnessError: A file does not fit, a model is absent, or the folder is in use.
    """
    path = Path(suite)
    planned = plan(load(path, SuiteSpec), path.parent)
    rules = load(Path(policy), PolicySpec) if policy is not None else None
    name = f"{planned.suite.metadata.name}-{planned.digest[:10]}"
    folder = Path(out) if out is not None else Path(runs) / name
    with Store(folder) as store:
        collect(planned, store, progress or Silent())
        view = assess(store, rules)
        report(view, store)
        seal(folder)
    return view, folder


def collect(planned: Plan, store: Store, progress: Progress) -> None:
    """The slow half: generate and score whatever is not stored yet."""
    executor = cast("Executor", registry.load("executors", "local")())
    _begin(planned, store)
    for arm in planned.arms:
        generate(planned, arm, store, executor, progress)
    for scorer in planned.scorers:
        score(planned, scorer, store, executor, progress)


def assess(store: Store, policy: PolicySpec | None) -> RunView:
    """The fast half: aggregate and judge. Loads no weights, and reads what is stored.

    Raises:
        AlteredError: The folder holds no run, or its scorers have changed since.
    """
    manifest = store.read_json("manifest.json")
    suite = store.read_json("suite.json")
    arms = [ArmKey(a["generator"], a["strategy"], a["fingerprint"]) for a in manifest["arms"]]
    scorers = _scorers(suite, manifest, store)
    levels = confidences(policy) if policy else (_CONFIDENCE,)
    metrics = aggregate(store, arms, scorers, levels)
    verdicts = judge(metrics, policy) if policy else ()
    return RunView(
        run_id=manifest["run_id"],
        outcome=overall([v.outcome for v in verdicts]) if policy else None,
        suite=_masked(suite),
        policy=policy.model_dump(mode="json") if policy else None,
        digests=_digests(manifest, policy, metrics),
        environment=store.read_json("environment.json")["machines"][-1],
        caveats={s.name: s.plugin.caveat for s in scorers if s.plugin.caveat},
        metrics=metrics,
        verdicts=verdicts,
        examples=examples(store, arms, scorers),
        shortfalls=shortfalls(store, arms, scorers),
    )


def rejudge(folder: Path | str, policy: Path | str | None) -> RunView:
    """Judge a stored run, by another policy or its own, and write its reports again.

    Raises:
        AlteredError: The folder holds no run, or its scorers have changed since.
    """
    Store(Path(folder)).read_json("manifest.json")  # before a lock makes the folder
    with Store(Path(folder)) as store:
        rules = load(Path(policy), PolicySpec) if policy is not None else _own_policy(store)
        view = assess(store, rules)
        report(view, store)
        seal(store.root)
    return view


def review(folder: Path | str) -> RunView:
    """Derive a stored run's verdict again, and check that it is what was written down.

    Raises:
        AlteredError: A file differs from the seal, or the decision from its evidence.
    """
    store = Store(Path(folder))
    verify(store.root)
    view = assess(store, _own_policy(store))
    derived = json.loads(digests.canonical(decision(view)))
    if derived != store.read_json("decision.json"):
        raise AlteredError(
            "the stored decision is not what the stored scores lead to",
            where=str(store.root / "decision.json"),
            fix=f"judge it again with `harness judge {store.root}`",
        )
    return view


def _own_policy(store: Store) -> PolicySpec | None:
    if not (store.root / "policy.json").is_file():
        return None
    return PolicySpec.model_validate_json((store.root / "policy.json").read_bytes())


def _begin(planned: Plan, store: Store) -> None:
    """Write down what was asked, before anything is generated."""
    name = f"{planned.suite.metadata.name}-{planned.digest[:10]}"
    manifest = {
        "run_id": name,
        "harness": harness.__version__,
        "plan": planned.digest,
        "suite": digest(planned.suite),
        "cases": planned.size,
        "prompts": prompt_files(planned.suite.prompts, planned.base),
        "arms": [
            {
                "generator": arm.generator.name,
                "strategy": arm.strategy.name,
                "fingerprint": arm.generator.fingerprint,
                "identity": arm.generator.identity,
            }
            for arm in planned.arms
        ],
        "subjects": {name: subject.digest for name, subject in subjects(planned).items()},
        "scorers": {
            s.name: {"fingerprint": s.fingerprint, "identity": s.identity}
            for s in planned.scorers
        },
    }
    if not _same_plan(store, planned.digest):
        store.write_cases(case for arm in planned.arms for case in planned.cases(arm))
    store.write_json("suite.json", planned.suite.model_dump(mode="json"))
    store.write_json("local.json", {"base": str(planned.base.resolve())})
    store.write_json("manifest.json", manifest)
    _note_machine(store)


def _same_plan(store: Store, wanted: str) -> bool:
    if not (store.root / "manifest.json").is_file():
        return False
    return bool(store.read_json("manifest.json")["plan"] == wanted)


def _note_machine(store: Store) -> None:
    known = []
    if (store.root / "environment.json").is_file():
        known = store.read_json("environment.json")["machines"]
    if environment() not in known:
        store.write_json("environment.json", {"machines": [*known, environment()]})


def _scorers(suite: Any, manifest: Any, store: Store) -> list[Bound]:
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


def _masked(value: Any) -> Any:
    """The suite as reports show it: personal data in inline prompts and options is masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _digests(
    manifest: Mapping[str, Any], policy: PolicySpec | None, metrics: Any
) -> dict[str, Any]:
    return {
        "plan": manifest["plan"],
        "suite": manifest["suite"],
        "policy": digest(policy) if policy else None,
        "metrics": digests.of_json([dataclasses.asdict(metric) for metric in metrics]),
        "subjects": manifest["subjects"],
        "generators": {
            f"{arm['generator']}/{arm['strategy']}": arm["fingerprint"]
            for arm in manifest["arms"]
        },
        "scorers": {name: item["fingerprint"] for name, item in manifest["scorers"].items()},
    }
