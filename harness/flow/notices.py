"""Warnings about a policy itself: packs whose numbers nobody has checked."""

from __future__ import annotations

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


def _banner(pack: Pack) -> str:
    said = f"pack {pack.name}: its numbers {_READ[pack.grade]}"
    status = " ".join(pack.status.split())
    return f"{said}; {status}" if status else said
