"""What changed from one policy to another, key by key, and what that does to a stored run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from harness.engine.store import Store
from harness.errors import HarnessError, SpecError
from harness.flow import attempts
from harness.flow.assess import assess
from harness.flow.policy.strictness import Label, of_key, of_presence
from harness.records import RunView
from harness.spec.policy import PolicySpec, Rule

_KEPT_WHOLE = ("only", "identity", "maps", "signed_by")
"""Keys whose value is shown as one, although it has parts."""

_NUMBERS = ("value", "margin", "if_absent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One key that differs. `part` is `rule <id>`, or the part of the file it is in."""

    part: str
    key: str
    old: Any
    new: Any
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A finding of a stored run that differs between the policies; None where there is none."""

    arm: str
    rule: str
    slice: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Both verdicts on a stored run, by arm; `old` or `new` says why there is none."""

    run: str
    old: str
    new: str
    arms: tuple[tuple[str, str, str], ...]
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDiff:
    """Everything that differs."""

    old: str
    new: str
    changes: tuple[Changed, ...]
    effect: Effect | None = None


def diff(old: PolicySpec, new: PolicySpec) -> PolicyDiff:
    """Compare two policies after what they extend is in them."""
    return PolicyDiff(
        old=_title(old), new=_title(new), changes=(*_of_rules(old, new), *_of_file(old, new))
    )


def effect(folder: Path, old: PolicySpec, new: PolicySpec, today: date) -> Effect:
    """Judge a stored run by both, writing nothing.

    Raises:
        AlteredError: The folder holds no run.
        SpecError: It was never judged, so what a verdict rests on was never brought.
    """
    store = Store(folder)
    store.read_json("manifest.json")
    if not (folder / attempts.FACTS).is_file():
        raise SpecError(
            "this run was never judged",
            where=str(folder),
            fix=f"judge it first: `harness judge {folder} --policy POLICY`",
        )
    before, after = (_judged(store, policy, today) for policy in (old, new))
    return Effect(
        run=str(folder),
        old=_said(before),
        new=_said(after),
        arms=tuple(_arms(before, after)),
        shifts=tuple(_shifts(before, after)),
    )


def _of_rules(old: PolicySpec, new: PolicySpec) -> Iterator[Changed]:
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    for name in dict.fromkeys([*before, *after]):
        part, was, now = f"rule {name}", before.get(name), after.get(name)
        if was is None or now is None:
            yield _only_one(part, was, now)
        else:
            whole = was.model_dump(mode="json"), now.model_dump(mode="json")
            yield from _keys(part, *whole, _basis(*whole))


def _only_one(part: str, was: Rule | None, now: Rule | None) -> Changed:
    one = was or now
    label = of_presence(one.severity if one else "", added=was is None)
    old, new = (r and r.model_dump(mode="json", exclude_defaults=True) for r in (was, now))
    return Changed(part=part, key="", old=old, new=new, label=label)


def _basis(was: Mapping[str, Any], now: Mapping[str, Any]) -> Mapping[str, Any]:
    """The rule on which a new limit is harder or easier; none where it asks another thing."""
    asked = (
        {k: v for k, v in (rule[kind] or {}).items() if k not in _NUMBERS}
        for rule in (was, now)
        for kind in ("require", "compare")
    )
    old_limit, old_margin, new_limit, new_margin = asked
    return was if (old_limit, old_margin) == (new_limit, new_margin) else {}


def _of_file(old: PolicySpec, new: PolicySpec) -> Iterator[Changed]:
    before, after = (_outside_rules(one) for one in (old, new))
    for part in before:
        yield from _keys(part, before[part], after[part], None)


def _outside_rules(policy: PolicySpec) -> dict[str, dict[str, Any]]:
    return {
        "metadata": _dumped(policy.metadata),
        "defaults": _dumped(policy.defaults),
        "evidence": _dumped(policy.evidence),
        "pack": _dumped(policy.pack),
        "policy": {"attempts": policy.attempts, "not_applicable": policy.not_applicable},
        "packs": {pack.name: _dumped(pack) for pack in policy.packs},
    }


def _dumped(spec: Any) -> dict[str, Any]:
    return dict(spec.model_dump(mode="json")) if spec else {}


def _keys(
    part: str, old: Mapping[str, Any], new: Mapping[str, Any], rule: Mapping[str, Any] | None
) -> Iterator[Changed]:
    sides = (old, new)
    come_or_gone = {
        key for one in sides for key in one if any(s.get(key) is None for s in sides)
    }
    before, after = (dict(_flat(one, whole=come_or_gone)) for one in sides)
    for key in dict.fromkeys([*before, *after]):
        was, now = before.get(key), after.get(key)
        if was != now:
            label = of_key(key, was, now, rule)
            yield Changed(part=part, key=key, old=was, new=now, label=label)


def _flat(
    value: Mapping[str, Any], path: str = "", whole: Collection[str] = ()
) -> Iterator[tuple[str, Any]]:
    """Every leaf with its path, and what is kept whole; what is empty or absent has none."""
    for key, item in value.items():
        if isinstance(item, Mapping) and key not in _KEPT_WHOLE and key not in whole:
            yield from _flat(item, f"{path}{key}.")
        elif item is not None:
            yield f"{path}{key}", item


def _title(policy: PolicySpec) -> str:
    return f"{policy.metadata.name} {policy.metadata.version}".strip()


def _judged(store: Store, policy: PolicySpec, today: date) -> RunView | str:
    """A verdict, or why there is none: a waiver of the run may fit but one of the policies."""
    try:
        return assess(store, policy, today)
    except HarnessError as error:
        return f"no verdict: {error.args[0]}"


def _said(view: RunView | str) -> str:
    return view if isinstance(view, str) else str(view.outcome)


def _arms(before: RunView | str, after: RunView | str) -> Iterator[tuple[str, str, str]]:
    was, now = (_verdicts(view) for view in (before, after))
    for arm in dict.fromkeys([*was, *now]):
        yield arm, was.get(arm, "-"), now.get(arm, "-")


def _verdicts(view: RunView | str) -> dict[str, str]:
    if isinstance(view, str):
        return {}
    return {f"{v.generator}/{v.strategy}": v.outcome for v in view.verdicts}


def _shifts(before: RunView | str, after: RunView | str) -> Iterator[Shift]:
    was, now = (_findings(view) for view in (before, after))
    for place in dict.fromkeys([*was, *now]):
        old, new = was.get(place), now.get(place)
        if old != new:
            arm, rule, label = place
            yield Shift(arm=arm, rule=rule, slice=label, old=old, new=new)


def _findings(view: RunView | str) -> dict[tuple[str, str, str], str]:
    if isinstance(view, str):
        return {}
    return {
        (f"{v.generator}/{v.strategy}", f.rule, f.slice): f"{f.outcome} ({f.severity})"
        if f.outcome == "pass"
        else f"{f.outcome}: {f.cause} ({f.severity})"
        for v in view.verdicts
        for f in v.findings
    }
