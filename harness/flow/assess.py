"""Stored scores to a verdict: reads only, loads no weights, and is the one way there.

Everything a verdict rests on lies in the run's folder: scores, the committed
seed and earlier attempts, the runs it is compared with, signed documents and
waivers. `prepare` (rules.py) puts them there, `assess` reads them, and `review`
derives the verdict again and holds it against what was written down.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from harness import digests
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow import attempts
from harness.flow.baselines import Champion, itself
from harness.flow.examples import examples, shortfalls
from harness.flow.judge import judge, overall
from harness.flow.notices import notices, undecided
from harness.flow.progression import progressions
from harness.flow.report import decision, report
from harness.flow.rules import Rules, own_policy, own_rules, prepare, stored_waivers
from harness.flow.stored import Binder, StoredRun
from harness.flow.waive import excuses
from harness.ledger.decision import sign_run
from harness.ledger.keys import signer
from harness.ledger.seal import SEAL, seal, unsealed, verify, verify_measured, verify_rules
from harness.metrics.pii.mask import mask_all
from harness.records import Metric, RunView, Verdict
from harness.spec.load import digest
from harness.spec.policy import PolicySpec
from harness.spec.waiver import Waiver


def finish(store: Store, rules: Rules | None) -> RunView:
    """Judge a run whose scores are stored, write its reports, seal it and sign the verdict."""
    if rules:
        prepare(store, rules)
    view = assess(store, rules.policy if rules else None, rules.today if rules else None)
    seal(store.root)  # first: a decision never lies there without the scores' seal
    if rules:
        attempts.decide(store, rules.policy, view.verdicts, rules.today)
    report(view, store)
    seal(store.root)
    if rules:
        sign_run(view, store.root, signer(), datetime.now(UTC))
    return view


def rejudge(
    folder: Path | str,
    policy: Path | str | None,
    *,
    waivers: Path | str | None = None,
    champion: Champion = None,
    today: date | None = None,
) -> RunView:
    """Judge a stored run, by another policy or its own, and write its reports again.

    Judged by its own policy it keeps its waivers, unless others are given.

    Raises:
        AlteredError: The folder holds no run, it was changed after it was sealed, or
            its scorers have changed since.
    """
    Store(Path(folder)).read_json("manifest.json")  # before a lock makes the folder
    with Store(Path(folder)) as store:
        _verify_finished(store)
        granted = Path(waivers) if waivers else None
        if policy is None:
            verify_rules(store.root)
            return finish(store, own_rules(store, granted, champion, today))
        rules = Rules.read(Path(policy), waivers=granted, champion=champion, today=today)
        return finish(store, rules)


def _verify_finished(store: Store) -> None:
    """Check that what was generated and scored is what was sealed, if the run was finished."""
    verify_measured(store.root)
    if not (store.root / SEAL).exists() and attempts.decided(store):
        raise unsealed(store.root)


def review(folder: Path | str, bind_all: Binder | None = None) -> RunView:
    """Derive a stored run's verdict again, and check that it is what was written down.

    Args:
        folder: The run.
        bind_all: How its scorers are made again, if not from what lies on this machine.

    Raises:
        AlteredError: A file differs from the seal, or the decision from its evidence.
    """
    store = Store(Path(folder))
    verify(store.root)
    written = store.read_json("decision.json")
    day = written.get("judged_on")
    today = date.fromisoformat(day) if day else None
    view = assess(store, own_policy(store), today, bind_all)
    if json.loads(digests.canonical(decision(view))) != written:
        raise AlteredError(
            "the stored decision is not what the stored scores lead to",
            where=str(store.root / "decision.json"),
            fix=f"judge it again with `harness judge {store.root}`",
        )
    return view


def assess(
    store: Store,
    policy: PolicySpec | None,
    today: date | None = None,
    bind_all: Binder | None = None,
) -> RunView:
    """Aggregate and judge. Loads no weights, and only reads what is stored.

    Args:
        store: A run with its scores, and all that `prepare` brought.
        policy: What it is judged by; without one there are metrics but no verdict.
        today: The day, for waivers and for documents that grow old.
        bind_all: How its scorers are made again, if not from what lies on this machine.

    Raises:
        AlteredError: The folder holds no run, or its scorers have changed since.
        WaiverError: A waiver is expired, or for what none can excuse.
    """
    run = StoredRun(store, policy, bind_all)
    evidence = run.evidence(policy, today)
    waivers = stored_waivers(store) if policy else ()
    verdicts = judge(evidence, policy, waivers) if policy else ()
    manifest = run.manifest
    return RunView(
        run_id=manifest["run_id"],
        outcome=overall([v.outcome for v in verdicts]) if policy else None,
        suite=mask_all(run.suite),
        policy=policy.model_dump(mode="json") if policy else None,
        digests=_digests(manifest, policy, evidence.metrics),
        environment=store.read_json("environment.json")["machines"][-1],
        caveats={s.name: s.plugin.caveat for s in run.scorers if s.plugin.caveat},
        metrics=tuple(evidence.metrics),
        verdicts=verdicts,
        examples=examples(store, run.arms, run.scorers),
        shortfalls=shortfalls(store, run.arms, run.scorers),
        excuses=excuses(verdicts, waivers),
        attempts=tuple(evidence.attempts),
        progressions=progressions(store, verdicts, evidence, policy),
        notices=_notices(store, policy, verdicts, waivers),
        judged_on=today.isoformat()
        if today and policy and _needs_day(policy, waivers)
        else None,
    )


def verdicts_of(
    store: Store, policy: PolicySpec, today: date | None, names: Collection[str]
) -> tuple[Verdict, ...]:
    """The verdicts alone, on the metrics named: what a sequential gate asks at each look."""
    evidence = StoredRun(store, policy).evidence(policy, today, names)
    return judge(evidence, policy, stored_waivers(store))


def _needs_day(policy: PolicySpec, waivers: Sequence[Waiver]) -> bool:
    return bool(waivers) or any(r.document and r.document.dated for r in policy.rules)


def _notices(
    store: Store,
    policy: PolicySpec | None,
    verdicts: Sequence[Verdict],
    waivers: Sequence[Waiver],
) -> tuple[str, ...]:
    if policy is None:
        return ()
    unused = [e for e in excuses(verdicts, waivers) if not e.used]
    return (
        *attempts.elsewhere(store, digest(policy)),
        *itself(store, policy),
        *notices(policy),
        *undecided(verdicts),
        *(f"waiver {one.id} excuses nothing here: {one.idle}" for one in unused),
    )


def _digests(
    manifest: Mapping[str, Any], policy: PolicySpec | None, metrics: Sequence[Metric]
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
