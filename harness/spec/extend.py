"""A policy with everything it takes over from packs and other files, as one flat policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import SpecError
from harness.registry import suggest
from harness.spec.library import packs
from harness.spec.load import load
from harness.spec.policy import Defaults, EvidenceSpec, Extension, Pack, PolicySpec, Rule

_FILLED = ("confidence", "decide", "max_unscored", "n_min")


def load_policy(path: Path) -> PolicySpec:
    """Read a policy and the policies it extends, and flatten them.

    Rules of what is extended come first and keep their own file's defaults. A
    rule of the same id is a mistake unless it says `override: true`, and a
    legal rule cannot be overridden. Of `evidence`, the stricter of both holds.

    Raises:
        SpecError: A file does not fit, extends itself, or its rules collide.
    """
    return _load(path, ())


def _load(path: Path, above: tuple[Path, ...]) -> PolicySpec:
    place = path.resolve()
    if place in above:
        chain = " extends ".join(str(step) for step in (*above[above.index(place) :], place))
        raise SpecError("a policy extends itself", where=chain, fix="remove one `extends`")
    own = load(path, PolicySpec)
    if own.packs:
        raise SpecError(
            "`packs` is written by harness", where=str(path), fix="say `extends` instead"
        )
    lower = [_load(_place(item, path), (*above, place)) for item in own.extends]
    return _flat(own, lower, path)


def _place(item: Extension, path: Path) -> Path:
    if item.file is not None:
        return path.parent / item.file
    shipped, name = packs(), str(item.pack)
    if name not in shipped:
        hint = suggest(name, shipped) or f"there are: {', '.join(shipped)}"
        raise SpecError(f"there is no pack called {name!r}", where=str(path), fix=hint)
    return shipped[name]


def _flat(own: PolicySpec, lower: list[PolicySpec], path: Path) -> PolicySpec:
    rules: dict[str, Rule] = {}
    for policy in lower:
        for rule in policy.rules:
            if rules.get(rule.id, rule) != rule:
                raise SpecError(
                    f"two of the policies it extends have a rule {rule.id!r}",
                    where=str(path),
                    fix="extend one of them, or override the rule in a file between",
                )
            rules[rule.id] = rule
    for rule in own.rules:
        _check_override(rule, rules.get(rule.id), path)
        rules[rule.id] = _filled(rule, own.defaults)
    values: dict[str, Any] = {
        "extends": (),
        "defaults": _defaults(own, lower),
        "packs": _packs(own, lower),
        "evidence": _stricter([*(policy.evidence for policy in lower), own.evidence], path),
        "attempts": own.attempts,
        "not_applicable": _not_applicable(own, lower),
        "rules": tuple(rules.values()),
    }
    try:
        return PolicySpec.model_validate(own.model_copy(update=values).model_dump())
    except ValidationError as error:
        said = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise SpecError(said, where=str(path)) from error


def _check_override(rule: Rule, below: Rule | None, path: Path) -> None:
    where = f"rule {rule.id!r} in {path}"
    if below is None:
        if rule.override:
            raise SpecError(
                "`override` replaces nothing", where=where, fix="correct the id, or drop it"
            )
        return
    if below.severity == "legal":
        raise SpecError(
            "a legal rule cannot be overridden",
            where=where,
            fix="give your rule another id; both will have to hold",
        )
    if not rule.override:
        raise SpecError(
            "a policy it extends has this rule already",
            where=where,
            fix="say `override: true` to replace it, or give yours another id",
        )


def _filled(rule: Rule, defaults: Defaults) -> Rule:
    unset = {key: getattr(defaults, key) for key in _FILLED if getattr(rule, key) is None}
    return rule.model_copy(update=unset)


def _defaults(own: PolicySpec, lower: list[PolicySpec]) -> Defaults:
    """The file's own defaults; what it does not say of clustering, the first below says."""
    if lower and "cluster_by" not in own.defaults.model_fields_set:
        below = lower[0].defaults.cluster_by
        return own.defaults.model_copy(update={"cluster_by": below})
    return own.defaults


def _not_applicable(own: PolicySpec, lower: list[PolicySpec]) -> dict[str, str]:
    """All exceptions from below, but for rules that the file states anew."""
    anew = {rule.id for rule in own.rules}
    below = {k: v for policy in lower for k, v in policy.not_applicable.items()}
    return {k: v for k, v in below.items() if k not in anew} | own.not_applicable


def _packs(own: PolicySpec, lower: list[PolicySpec]) -> tuple[Pack, ...]:
    found = [pack for policy in lower for pack in policy.packs]
    return tuple({pack.name: pack for pack in [*found, *filter(None, [own.pack])]}.values())


def _stricter(asked: list[EvidenceSpec], path: Path) -> EvidenceSpec:
    """What satisfies every one of them."""
    identities = [set(one.identity) for one in asked if one.identity]
    shared = set.intersection(*identities) if identities else set()
    if identities and not shared:
        raise SpecError("no `evidence.identity` suits all policies it extends", where=str(path))
    suites = {one.suite for one in asked if one.suite}
    scorers: dict[str, str] = {}
    for one in asked:
        for name, print_ in one.scorers.items():
            if scorers.setdefault(name, print_) != print_:
                raise SpecError(f"two fingerprints of scorer {name!r}", where=str(path))
    if len(suites) > 1:
        raise SpecError("two `evidence.suite` digests", where=str(path))
    return EvidenceSpec(
        identity=tuple(sorted(shared)),
        prompts=max((one.prompts for one in asked if one.prompts), default=None),
        suite=next(iter(suites), None),
        scorers=scorers,
        max_age_days=min(one.max_age_days for one in asked),
    )
