"""The signed decision: which run, of which models, under which rules, came to what.

An in-toto Statement in a DSSE envelope, in the run's folder beside its seal. Its
subjects are the models by the digest of their files and settings, and the run by the
root of its seal; the seal stands for every file, `decision.json` with each finding
included. So one signature covers all of it, and is made anew when a run is judged anew.

Source: in-toto Attestation Framework, Statement v1.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness import digests, durable
from harness.errors import AlteredError, RefusedError
from harness.ledger.dsse import Opened, opened, sign
from harness.ledger.evidence import MANIFEST, SUITE, check_decision, read
from harness.ledger.keys import PublicKey, Signer
from harness.ledger.seal import verify
from harness.records import RunView

SIGNED = "decision.dsse.json"
KIND = "application/vnd.in-toto+json"
STATEMENT, PREDICATE = "https://in-toto.io/Statement/v1", "urn:harness:gate-decision:v1"
_COUNTED = ("pass", "fail", "inconclusive", "waived", "not_applicable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was signed.

    `digest` is the envelope's sha256, by which promotions name it. `subjects` are
    the models' digests by the generator's name. `suite` has the digest of its `exam`
    too: prompts, samples and scorers, whatever the model. `time` is when it was
    signed; `author` is the signer's own name for himself, `signer` the one that the
    reader's keys have for him.
    """

    run_id: str
    seal: str
    outcome: str | None
    subjects: Mapping[str, str]
    policy: Mapping[str, str | None]
    suite: Mapping[str, str | None]
    time: datetime
    tool: str
    author: str
    signer: str
    key_id: str
    digest: str


def sign_run(run: RunView, root: Path, signer: Signer, now: datetime) -> Decision:
    """Sign what a sealed run came to, and write the envelope to its folder.

    Args:
        run: The run, assessed just now.
        root: Its sealed folder.
        signer: Who answers for it.
        now: The time, with its zone.

    Raises:
        AlteredError: The folder is not sealed, was changed since, or is another run's.
    """
    top = verify(root)
    decided = check_decision(run, root)
    about = {
        "top": top, "decided": decided, "exam": _exam(root), "author": signer.public.name,
    }  # fmt: skip
    envelope = sign(KIND, _statement(run, about, now), signer)
    durable.write(root / SIGNED, envelope)
    return read_envelope(envelope, {signer.public.key_id: signer.public}, root / SIGNED)


def read_decision(root: Path, trusted: Mapping[str, PublicKey]) -> Decision:
    """Read a run's signed decision, and see that it is about the seal that lies there.

    Raises:
        RefusedError: The run was not signed.
        AlteredError: Nobody trusted signed it, or it is about another state of the run.
    """
    path = root / SIGNED
    if not path.is_file():
        raise RefusedError(
            "the decision is not signed",
            where=str(path),
            fix=f"harness judge {root}; --policy POLICY, if it was never judged",
        )
    found = read_envelope(path.read_bytes(), trusted, path)
    top = verify(root)
    if found.seal != top:
        raise AlteredError(
            "the run was changed and sealed again since its decision was signed",
            where=f"{root}: the seal is {top[:12]}, signed is {found.seal[:12]}",
            fix="restore the folder; if its scores are unchanged, judge it again",
        )
    return found


def check_statement(run: RunView, root: Path, signed: Decision) -> None:
    """Check that all that was signed is what the run comes to, each count and digest.

    Args:
        run: The run, derived again.
        root: Its folder.
        signed: Its decision, as `read_decision` gives it.

    Raises:
        AlteredError: The signer said something else.
    """
    about = {
        "top": signed.seal, "decided": check_decision(run, root), "exam": _exam(root),
        "author": signed.author,
    }  # fmt: skip
    again = _statement(run, about, signed.time)
    again["predicate"]["tool"] = signed.tool
    said = json.loads(base64.b64decode(read(root, SIGNED)["payload"]))
    ours, theirs = (
        {**one, **one["predicate"], "predicate": None} for one in (digests.plain(again), said)
    )
    if other := sorted(key for key in ours | theirs if ours.get(key) != theirs.get(key)):
        raise AlteredError(
            f"the run does not lead to what was signed, in {', '.join(other)}",
            where=str(root / SIGNED),
        )


def read_envelope(data: bytes, trusted: Mapping[str, PublicKey], path: Path) -> Decision:
    """Read a signed decision from its envelope.

    Raises:
        AlteredError: It is none, or nobody trusted signed it.
    """
    envelope = opened(data, KIND, trusted, where=str(path))
    try:
        return _decision(envelope)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise AlteredError("the statement is no gate decision", where=str(path)) from error


def _exam(root: Path) -> str:
    """Digest what was asked and how it is scored, whatever model was asked."""
    suite = read(root, SUITE)
    asked = read(root, MANIFEST).get("exam")
    return digests.of_json([asked, suite.get("samples_per_prompt"), suite.get("scorers")])


def _statement(run: RunView, about: Mapping[str, str], now: datetime) -> dict[str, Any]:
    top = about["top"]
    models = [
        {"name": name, "digest": {"sha256": subject}, "annotations": {"kind": "model"}}
        for name, subject in sorted(run.digests.get("subjects", {}).items())
    ]
    this = {"name": run.run_id, "digest": {"sha256": top}, "annotations": {"kind": "run"}}
    return {
        "_type": STATEMENT,
        "subject": [*models, this],
        "predicateType": PREDICATE,
        "predicate": {
            "outcome": run.outcome,
            "run_id": run.run_id,
            "seal": top,
            "decision_sha256": about["decided"],
            "policy": _named(run.policy, run.digests.get("policy")),
            "suite": _named(run.suite, run.digests.get("suite")) | {"exam": about["exam"]},
            "scorers": dict(run.digests.get("scorers", {})),
            "generators": dict(run.digests.get("generators", {})),
            "verdicts": [
                {
                    "generator": verdict.generator,
                    "strategy": verdict.strategy,
                    "outcome": verdict.outcome,
                    "findings": _counts(verdict.findings),
                }
                for verdict in run.verdicts
            ],
            "attempts": len(run.attempts),
            "waivers": sorted(excuse.id for excuse in run.excuses if excuse.used),
            "signer": about["author"],
            "tool": f"harness {version('harness')}",
            "time": now.isoformat(timespec="seconds"),
        },
    }


def _named(spec: Mapping[str, Any] | None, digest: object) -> dict[str, str | None]:
    about = (spec or {}).get("metadata") or {}
    return {
        "name": about.get("name"),
        "version": about.get("version"),
        "sha256": None if digest is None else str(digest),
    }


def _counts(findings: Any) -> dict[str, int]:
    seen = [finding.outcome for finding in findings]
    return {outcome: seen.count(outcome) for outcome in _COUNTED if outcome in seen}


def _decision(envelope: Opened) -> Decision:
    statement = envelope.value
    if (statement["_type"], statement["predicateType"]) != (STATEMENT, PREDICATE):
        raise ValueError(statement["predicateType"])
    said, subjects = statement["predicate"], statement["subject"]
    run = {"name": said["run_id"], "digest": {"sha256": said["seal"]}}
    if {key: subjects[-1][key] for key in run} != run:
        raise ValueError(subjects[-1])
    time = datetime.fromisoformat(said["time"])
    if time.tzinfo is None:
        raise ValueError(said["time"])
    return Decision(
        run_id=said["run_id"],
        seal=said["seal"],
        outcome=said["outcome"],
        subjects={item["name"]: item["digest"]["sha256"] for item in subjects[:-1]},
        policy=said["policy"],
        suite=said["suite"],
        time=time,
        tool=said["tool"],
        author=said["signer"],
        signer=envelope.signer,
        key_id=envelope.key_id,
        digest=envelope.digest,
    )


__all__ = [
    "SIGNED",
    "Decision",
    "check_statement",
    "read_decision",
    "read_envelope",
    "sign_run",
]
