"""What each generator of a plan is, by the digest of its files and settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import digests
from harness.flow.plan import Plan
from harness.ledger.subject import Subject, subject_of


def subjects(planned: Plan) -> dict[str, Subject]:
    """Digest every generator's model files, options and strategies, before it is run.

    Raises:
        AssetError: A model has not been fetched.
        RefusedError: A model's files cannot be vouched for.
    """
    params = {item.name: dict(item.params) for item in planned.suite.strategies}
    generators = {arm.generator.name: arm.generator for arm in planned.arms}
    return {
        name: subject_of(name, described(bound.identity, params, bound.plugin.folder))
        for name, bound in generators.items()
    }


def arm_subject(subject: Subject, params: Mapping[str, Any]) -> str:
    """Digest one model under one way of sampling, whatever the suite calls either."""
    config = {key: value for key, value in subject.config.items() if key != "strategies"}
    return digests.of_json([subject.identity, dict(subject.files), config, dict(params)])


def described(
    identity: Mapping[str, Any], strategies: Mapping[str, Any], folder: Path | None
) -> dict[str, Any]:
    """Add to a generator's identity how it was sampled and where its files lie."""
    place = {"folder": str(folder)} if folder else {}
    return {**identity, "strategies": dict(strategies), **place}
