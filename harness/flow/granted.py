"""Whether a file of waivers would be taken on a day, all that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from harness.errors import WaiverError
from harness.registry import suggest
from harness.spec.misfits import Misfits
from harness.spec.policy import PolicySpec
from harness.spec.strict_yaml import read
from harness.spec.waiver import load_waivers


def check_waivers(path: Path, today: date, policies: Sequence[PolicySpec] = ()) -> None:
    """Refuse waivers that no judge would take.

    Args:
        path: The file of waivers.
        today: The day on which each has to be in force.
        policies: What they are for; without any, their rules are not looked up.

    Raises:
        WaiverError: The file does not fit, or a waiver is expired, not yet in
            force, for a rule that is not there, or for a legal one.
    """
    waivers = load_waivers(path).waivers
    misfits = Misfits(str(path))
    source = read(path.read_text(encoding="utf-8-sig"), misfits)
    severities = {rule.id: rule.severity for policy in policies for rule in policy.rules}
    for number, waiver in enumerate(waivers):
        line, name = source.line(("waivers", number)), f"waiver {waiver.id!r}"
        if not waiver.created <= today <= waiver.expires:
            said = f"{name} holds from {waiver.created} to {waiver.expires}; today is {today}"
            misfits.add(line, said, "remove it, or have a second person grant a new one")
        if policies and waiver.rule not in severities:
            hint = suggest(waiver.rule, severities) or "remove the waiver"
            misfits.add(line, f"{name}: the policy has no rule {waiver.rule!r}", hint)
        if severities.get(waiver.rule) == "legal":
            misfits.add(line, f"{name}: {waiver.rule!r} is a legal rule; none can be waived")
    if misfits.count:
        found = misfits.error()
        raise WaiverError(str(found.args[0]), where=found.where, fix=found.fix)
