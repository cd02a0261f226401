"""Warnings beside a verdict: packs nobody has checked, arms nothing was decided of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.flow.judge import BLOCKING
from harness.records import Outcome, Verdict
from harness.spec.policy import Pack, PolicySpec

_READ = {
    "official": "are from the official text, and nobody has checked them a second time",
    "transcription": "are from a transcription, and nobody has checked them against the "
    "official text",
    "secondary": "are from secondary sources, and nobody has checked them against the "
    "official text",
    "own": "are harness's own choice; no law or standard sets them",
}


def notices(policy: PolicySpec) -> tuple[str, ...]:
    """Write a banner line for each pack in a policy whose numbers are not verified."""
    own = (policy.pack,) if policy.pack else ()
    packs = {pack.name: pack for pack in (*policy.packs, *own)}
    return tuple(_banner(pack) for pack in packs.values() if pack.verified is None)


def undecided(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Say of each arm that is inconclusive with no rule to blame why it is no pass."""
    return tuple(filter(None, map(_nothing_decided, verdicts)))


def _nothing_decided(verdict: Verdict) -> str:
    """Why an arm without an open blocking rule did not pass; empty for any other."""
    found = Counter(f.outcome for f in verdict.findings if f.severity in BLOCKING)
    if verdict.outcome != "inconclusive" or found["fail"] or found["inconclusive"]:
        return ""
    arm = f"{verdict.generator}/{verdict.strategy}"
    named: dict[Outcome, str] = {"waived": "waived", "not_applicable": "not applicable"}
    parts = [f"{found[key]} {word}" for key, word in named.items() if found[key]]
    return f"{arm} is no pass: no blocking rule was decided on evidence ({', '.join(parts)})"


def _banner(pack: Pack) -> str:
    said = f"pack {pack.name}: its numbers {_READ[pack.grade]}"
    status = " ".join(pack.status.split())
    return f"{said}; {status}" if status else said
