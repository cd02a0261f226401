"""Whether a policy fits what it is to judge, found before anything is generated.

A rule may name what no run of a suite will have: a metric that its scorer does
not measure, a limit the metric never comes to, a tag of no prompt, an arm of no
suite. What people write themselves is then an error. A rule on a scorer that
the suite merely lacks is a note: a policy may serve several suites, and a pack
speaks of scorers that do not ship. Such a rule comes to INCONCLUSIVE.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness import registry
from harness.errors import SpecError
from harness.flow.judge import BLOCKING
from harness.flow.plan import Plan
from harness.flow.policy.places import Place, places
from harness.flow.policy.traits import Traits, of_installation, of_scorers, span
from harness.flow.rows import BY_PROMPT
from harness.registry import suggest
from harness.spec.policy import PolicySpec, Rule
from harness.spec.requirement import Comparison, Requirement, Slices

Weight = Literal["error", "note"]


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit; a `note` only says that a rule cannot be decided."""

    said: str
    fix: str = ""
    weight: Weight = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What rules may name: metrics of the suite and of the installation, tags, and arms.

    `unclear` are scorers that are installed and cannot be asked without options.
    Without a suite there are no tags and no arms to hold a rule to.
    """

    suite: str = ""
    own: Mapping[str, Traits] = field(default_factory=dict)
    installed: Mapping[str, Traits] = field(default_factory=dict)
    unclear: frozenset[str] = frozenset()
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    arms: frozenset[str] = frozenset()

    @classmethod
    def of(cls, suite: Plan | None, others: Sequence[Plan] = ()) -> Known:
        """Gather what is known with a suite; `others` are judged by the same policy."""
        installed = of_installation()
        asked = {name.partition(".")[0] for name in installed}
        unclear = frozenset(registry.names("scorers")) - asked
        for other in others:
            installed |= of_scorers(other.scorers)
        if suite is None:
            return cls(installed=installed, unclear=unclear)
        return cls(
            suite=suite.suite.metadata.name,
            own=of_scorers(suite.scorers),
            installed=installed,
            unclear=unclear,
            tags=_tags(suite),
            arms=frozenset(
                [f"generator:{item.name}" for item in suite.suite.generators]
                + [f"strategy:{item.name}" for item in suite.suite.strategies]
            ),
        )

    def traits(self, metric: str) -> Traits | None:
        """What is known of a metric; of a scorer of the suite, the suite alone says it."""
        if self.measures(metric.partition(".")[0]):
            return self.own.get(metric)
        return self.installed.get(metric)

    def measures(self, scorer: str) -> bool:
        """Whether the suite has a scorer of this name."""
        return f"{scorer}.coverage" in self.own


def check_fit(
    path: Path, policy: PolicySpec, suite: Plan | None, others: Sequence[Plan] = ()
) -> tuple[str, ...]:
    """Hold a policy against a suite, or without one against what is installed.

    Args:
        path: The policy's file.
        policy: What it says, with all that it extends.
        suite: What it is to judge.
        others: Other suites that it is to judge as well.

    Returns:
        Which rules cannot pass, because the suite lacks what they may well name.

    Raises:
        SpecError: A rule names what is not there; all of them are in one error,
            each with the line of its rule.
    """
    known, where = Known.of(suite, others), places(path)
    found = [(str(path), one) for one in _of_file(policy, known)]
    for rule in policy.rules:
        if rule.id not in policy.not_applicable:
            place = where[rule.id]
            own = (*targets(rule, known, place), *limits(rule, known))
            found += [(place.line, _named(rule, one)) for one in own]
    wrong = [(line, one) for line, one in found if one.weight == "error"]
    if wrong:
        raise _error(wrong, path, known)
    return tuple(f"{line}: {one.said}, so it cannot pass" for line, one in found)


def announce(notes: Sequence[str]) -> None:
    """Tell whoever waits which rules cannot be decided, before the time is spent."""
    for note in notes:
        logging.getLogger(__name__).warning("note: %s", note)


def targets(rule: Rule, known: Known, place: Place) -> Iterator[Misfit]:
    """What a rule names and is not there: its metric, its slices, what it compares with."""
    weight: Weight = "note" if place.packed else "error"
    if rule.metric and (missing := _unmeasured(rule.metric, known, place)):
        yield missing
        return
    if rule.slices and known.suite:
        yield from _untagged(rule.slices, known, weight)
    if rule.compare and known.suite:
        yield from _unmatched(rule.compare, known, weight)


def limits(rule: Rule, known: Known) -> Iterator[Misfit]:
    """A limit or a margin that lies outside of what its metric can be."""
    own = known.traits(rule.metric)
    if own and rule.require:
        yield from _beyond(rule.require, own, blocks=rule.severity in BLOCKING)
    if own and rule.compare and None not in (own.low, own.high) and not rule.compare.relative:
        width = (own.high or 0.0) - (own.low or 0.0)
        if rule.compare.margin > width:
            yield Misfit(
                f"two values of {rule.metric} are never {rule.compare.margin:g} apart: it "
                f"lies in {span(own)}",
                _as_share(rule.compare.margin, own) or "correct the margin",
            )


def _of_file(policy: PolicySpec, known: Known) -> Iterator[Misfit]:
    by = policy.defaults.cluster_by
    if known.suite and by != BY_PROMPT and by not in known.tags:
        yield Misfit(
            f"`cluster_by`: no prompt of {known.suite!r} has the tag {by!r}",
            suggest(by, known.tags) or _tagging(known),
        )


def _unmeasured(metric: str, known: Known, place: Place) -> Misfit | None:
    scorer, _, name = metric.partition(".")
    if known.measures(scorer):
        if metric in known.own:
            return None
        start = f"{scorer}."
        names = [own.removeprefix(start) for own in known.own if own.startswith(start)]
        hint = suggest(name, names) or f"it measures {', '.join(names)}"
        return Misfit(f"scorer {scorer!r} of {known.suite!r} has no metric {metric}", hint)
    if metric in known.installed or scorer in known.unclear or place.packed:
        if not known.suite:
            return None
        return Misfit(f"no scorer of {known.suite!r} measures {metric}", weight="note")
    hint = suggest(metric, {**known.installed, **known.own})
    more = "" if known.suite else "or give the suite too, whose names and options count"
    usual = " with its default options" if scorer in _scorers(known) else ""
    return Misfit(
        f"no scorer measures {metric}{usual}",
        "; ".join(filter(None, (hint or "`harness list metrics` shows what there is", more))),
    )


def _scorers(known: Known) -> set[str]:
    return {name.partition(".")[0] for name in known.installed}


def _untagged(slices: Slices, known: Known, weight: Weight) -> Iterator[Misfit]:
    values, by = known.tags.get(slices.by), slices.by
    if values is None:
        said = f"`slices`: no prompt of {known.suite!r} has the tag {by!r}"
        yield Misfit(said, suggest(by, known.tags) or _tagging(known), weight)
        return
    for value in slices.only or ():
        if value not in values:
            there = ", ".join(sorted(values)[:5])
            said = f"`slices`: no prompt of {known.suite!r} is tagged {by}={value}"
            yield Misfit(said, suggest(value, values) or f"there are: {there}", weight)


def _tagging(known: Known) -> str:
    there = ", ".join(sorted(known.tags))
    add = "tag the prompts by `tags` or `tag_columns` of the suite"
    return f"its prompts have {there}; or {add}" if there else add


def _unmatched(compare: Comparison, known: Known, weight: Weight) -> Iterator[Misfit]:
    kind, colon, name = compare.against.partition(":")
    if colon and kind in ("strategy", "generator") and compare.against not in known.arms:
        there = [arm for arm in sorted(known.arms) if arm.startswith(f"{kind}:")]
        hint = suggest(compare.against, there) or f"there are: {', '.join(there)}"
        yield Misfit(f"{known.suite!r} has no {kind} {name!r} to compare with", hint, weight)


def _beyond(require: Requirement, own: Traits, *, blocks: bool) -> Iterator[Misfit]:
    value, asked = require.value, f"{require.metric} {require.op} {require.value:g}"
    over = own.high is not None and value > own.high
    under = own.low is not None and value < own.low
    holds = (require.op == "<=" and own.high is not None and value >= own.high) or (
        require.op == ">=" and own.low is not None and value <= own.low
    )
    if not (over or under or (holds and blocks)):
        return
    said = f"{asked} {'always' if holds else 'never'} holds: it lies in {span(own)}"
    edge = "tighten it, or say `severity: observe`" if holds else "correct the limit"
    yield Misfit(said, _as_share(value, own) or edge)


def _as_share(value: float, own: Traits) -> str:
    """Read a percentage for what it was meant as."""
    if (own.low, own.high) == (0.0, 1.0) and 1.0 < value <= 100.0:
        return f"write {value:g} per cent as {value / 100:g}"
    return ""


def _tags(suite: Plan) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for prompt in suite.prompts:
        for key, value in prompt.tags.items():
            found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}


def _named(rule: Rule, one: Misfit) -> Misfit:
    return Misfit(f"rule {rule.id!r}: {one.said}", one.fix, one.weight)


def _error(wrong: Sequence[tuple[str, Misfit]], path: Path, known: Known) -> SpecError:
    if len(wrong) == 1:
        ((line, one),) = wrong
        return SpecError(one.said, where=line, fix=one.fix)
    beside = f" what {known.suite!r} has" if known.suite else " what is installed"
    lines = [f"{len(wrong)} things in {path} do not fit{beside}"]
    lines += [
        f"  {line}: {'; '.join(filter(None, (one.said, one.fix)))}" for line, one in wrong
    ]
    return SpecError("\n".join(lines), where=wrong[0][0])
