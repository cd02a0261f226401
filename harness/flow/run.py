"""The whole path, in order. Read this file first.

    gate = collect + assess + report

*Collect* (plan, generate, score) is slow and needs models; it may be killed at
any instruction, and the same call resumes it. *Assess* (aggregate, judge, in
`assess.py`) only reads, and is the one way to a verdict: judging again,
reporting, verifying and promoting all go through it.
"""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import harness
from harness import durable
from harness.engine.remote import working
from harness.engine.store import Store
from harness.errors import SpecError
from harness.flow import attempts, baselines
from harness.flow.assess import finish
from harness.flow.cuts import cut_as_before, sizes
from harness.flow.environment import environment
from harness.flow.executors import executor_of
from harness.flow.generate import generate
from harness.flow.plan import Plan, plan
from harness.flow.policy.fit import announce, check_fit
from harness.flow.progress import Progress, Silent
from harness.flow.progression import NAME as SEQUENCE
from harness.flow.progression import looks_of
from harness.flow.rules import Rules
from harness.flow.score import score
from harness.flow.sequential import collect_in_rounds
from harness.flow.subjects import arm_subject, subjects
from harness.ledger.seal import verify_measured
from harness.records import RunView
from harness.spec.load import digest, load
from harness.spec.prompts import prompt_files
from harness.spec.suite import SuiteSpec


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is made and judged, beyond its suite and policy.

    `out`: the run's folder, or its URL in object storage, by default `<runs>/<suite
    name>-<digest of the plan>`. `waivers`: a file of waivers. `champion`: the run
    of what is served now, or `none` where nothing is. `sequential`: go in rounds and stop when
    decided, after at most `budget` prompts. `track`: a gate logs to MLflow even
    where it promotes nothing. `today`: the day it is judged on.
    """

    out: Path | str | None = None
    runs: Path = Path("runs")
    waivers: Path | None = None
    champion: baselines.Champion = None
    sequential: bool = False
    budget: int | None = None
    track: bool = True
    today: date | None = None


def run(
    suite: Path | str,
    policy: Path | str | None = None,
    options: Options | None = None,
    *,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> tuple[RunView, Path]:
    """Run a suite, judge it where a policy is given, and write its reports.

    Whatever the run's folder already holds is not done again.

    Args:
        suite: A suite file.
        policy: A policy file; without one there are metrics but no verdict.
        options: How it is made and judged.
        out: The run's folder or URL, instead of the one in `options`.
        progress: Hears how far the work is.

    Returns:
        The finished run, and its folder; of a URL the copy here.

    Raises:
        HarnessError: A file does not fit, a model is absent, or the folder is in use.
    """
    how = options or Options()
    if how.budget is not None and not how.sequential:
        raise SpecError("a budget is for a sequential run", fix="add --sequential, or drop it")
    path = Path(suite)
    planned = _planned(load(path, SuiteSpec), path.parent, how)
    rules = _rules(policy, how)
    if rules and policy is not None:
        announce(check_fit(Path(policy), rules.policy, planned))
    place = out if out is not None else how.out
    if place is None:
        place = how.runs / _name(planned)
    with working(place) as folder, Store(folder) as store:
        verify_measured(store.root)
        collect(planned, store, progress or Silent(), rules)
        del planned  # judging reads what is stored, and should not hold the prompts too
        return finish(store, rules), folder


def _planned(suite: SuiteSpec, base: Path, how: Options) -> Plan:
    planned = plan(suite, base)
    if not how.sequential:
        return planned
    return dataclasses.replace(planned, looks=looks_of(len(planned.prompts), how.budget))


def _rules(policy: Path | str | None, how: Options) -> Rules | None:
    if policy is not None:
        return Rules.read(
            Path(policy), waivers=how.waivers, champion=how.champion, today=how.today
        )
    if how.sequential or how.waivers:
        raise SpecError(
            "a sequential run and waivers need a policy: it says when a rule is decided",
            fix="add --policy",
        )
    return None


def _name(planned: Plan) -> str:
    return f"{planned.suite.metadata.name}-{planned.digest[:10]}"


def collect(
    planned: Plan, store: Store, progress: Progress, rules: Rules | None = None
) -> None:
    """The slow half: generate and score whatever is not stored yet."""
    executor = executor_of(planned.suite.executor)
    planned = cut_as_before(planned, store)
    _begin(planned, store, rules)
    if planned.looks and rules:
        collect_in_rounds(planned, store, executor, rules, progress)
    else:
        generate(planned, store, executor, progress)
        for scorer in planned.scorers:
            score(planned, scorer, store, executor, progress)
    store.compact()


def _begin(planned: Plan, store: Store, rules: Rules | None) -> None:
    """Write down what was asked and commit to its seed, before anything is generated."""
    known = subjects(planned)
    manifest: dict[str, Any] = {
        "run_id": _name(planned),
        "harness": harness.__version__,
        "plan": planned.digest,
        "suite": digest(planned.suite),
        "cases": planned.size,
        "exam": planned.exam,
        "prompts": prompt_files(planned.suite.prompts, planned.base),
        "arms": [
            {
                "generator": arm.generator.name,
                "strategy": arm.strategy.name,
                "fingerprint": arm.generator.fingerprint,
                "identity": arm.generator.identity,
                "subject": arm_subject(known[arm.generator.name], arm.strategy.params),
            }
            for arm in planned.arms
        ],
        "batches": sizes(planned, store),
        "subjects": {name: subject.digest for name, subject in known.items()},
        "scorers": {
            s.name: {"fingerprint": s.fingerprint, "identity": s.identity}
            for s in planned.scorers
        },
    }
    if planned.looks:
        manifest["looks"] = list(planned.looks)
    asked = planned.suite.model_dump(mode="json")
    if not (store.holds("manifest.json", manifest) and store.holds("suite.json", asked)):
        store.reopen()
    if not planned.looks and not _same_plan(store, planned.digest):
        durable.remove(store.root / SEQUENCE)
        store.write_cases(case for arm in planned.arms for case in planned.cases(arm))
    store.write_json("suite.json", asked)
    place = {"policy_base": str(rules.base.resolve())} if rules else {}
    store.write_json("local.json", {"base": str(planned.base.resolve()), **place})
    attempts.commit(store, manifest, planned.suite.seed)
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
