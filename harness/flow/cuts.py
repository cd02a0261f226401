"""A run that goes on cuts its batches as it did before, whatever size they would have now.

A batch is named by its cases. An option that is no part of a generator's fingerprint may
change their number, and finished cases would be asked again under another batch's name.
"""

from __future__ import annotations

from dataclasses import replace

from harness.engine.store import Store
from harness.flow.plan import Plan


def cut_as_before(planned: Plan, store: Store) -> Plan:
    """Give each arm the batch size under which its generator's answers are stored."""
    known = _known(store)
    before = [known.get(arm.generator.fingerprint, arm.batch) for arm in planned.arms]
    if before == [arm.batch for arm in planned.arms]:
        return planned
    arms = (replace(arm, batch=n) for arm, n in zip(planned.arms, before, strict=True))
    return replace(planned, arms=tuple(arms))


def sizes(planned: Plan, store: Store) -> dict[str, int]:
    """Batch sizes by fingerprint: the plan's, and those of generators the run had before."""
    return _known(store) | {arm.generator.fingerprint: arm.batch for arm in planned.arms}


def _known(store: Store) -> dict[str, int]:
    if not (store.root / "manifest.json").is_file():
        return {}
    return dict(store.read_json("manifest.json").get("batches", {}))
