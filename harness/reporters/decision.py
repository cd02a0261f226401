"""What the verdict says, why, and what to do next: the words all formats repeat."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import Finding, RunView
from harness.reporters.findings import (
    Row,
    RuleRows,
    applying,
    arm_names,
    rules,
    waived,
)
from harness.reporters.readings import bound_used, held
from harness.reporters.remedies import ended, remedies
from harness.reporters.wording import count, limit, repeats_numbers, told

_MOST_NAMES = 3
_OPEN = ("fail", "inconclusive")


def sentence(run: RunView) -> str:
    """Say in plain words what the outcome means."""
    if run.outcome is None:
        return "No policy was applied, so nothing here is a pass."
    if not run.verdicts:
        return "No arm was judged, so there is no evidence to rest a verdict on."
    fixed = {
        "waived": "A rule does not hold and a waiver excuses it. This is not a pass.",
        "not_applicable": "No rule applies to this run. This is not a pass.",
    }
    if run.outcome in fixed:
        return fixed[run.outcome]
    if run.outcome == "pass":
        rows = [row for rule in rules(run) for row in rule.rows if not row.blocks]
        warnings = sum(row.finding.outcome in _OPEN for row in rows)
        return _passed(waived(run)) + (
            f" {count(warnings, 'warning')} to read." if warnings else ""
        )
    return _not_passed(run)


def reasons(run: RunView) -> tuple[str, ...]:
    """Say why: one sentence for each blocking rule that failed or stayed undecided."""
    return tuple(map(_reason, _held_up(run)))


def steps(run: RunView) -> tuple[str, ...]:
    """Say what to do next, the most pressing first."""
    if run.outcome is None:
        return ("Judge this run under a policy; nothing needs to be generated again.",)
    if not run.verdicts:
        return ("Generate and score at least one arm, then judge again.",)
    found = [step for rule in _held_up(run) for step in remedies(rule)]
    passing = [arm for arm in run.verdicts if arm.outcome == "pass"]
    if run.outcome != "pass" and passing:
        names = arm_names((v.generator, v.strategy) for v in run.verdicts)
        listed = ", ".join(names[arm.generator, arm.strategy] for arm in passing)
        found.append(f"Passing as they are: {listed}.")
    return (*found, *_about_waivers(run))


def _passed(excused: Sequence[Finding]) -> str:
    """A pass that rests on waivers never reads like one that does not."""
    if not excused:
        return "Every blocking rule holds in every arm."
    ids = sorted({finding.waiver for finding in excused})
    found = count(len(excused), "blocking finding")
    if len(ids) == 1:
        text = f"This pass rests on a waiver: {ids[0]} excuses {found}."
    elif len(ids) <= _MOST_NAMES:
        listed = f"{', '.join(ids[:-1])} and {ids[-1]}"
        text = f"This pass rests on {len(ids)} waivers: {listed} excuse {found}."
    else:
        text = f"This pass rests on {len(ids)} waivers, which excuse {found}."
    return f"{text} Everything else that blocks holds."


def _not_passed(run: RunView) -> str:
    held_up = _held_up(run)
    broken = [rule for rule in held_up if rule.worst.finding.outcome == "fail"]
    arms_hit = sum(v.outcome not in ("pass", "waived", "not_applicable") for v in run.verdicts)
    where = f"{arms_hit} of {count(len(run.verdicts), 'arm')}"
    undecided = len(held_up) - len(broken)
    if run.outcome == "fail" and broken:
        more = f" {count(undecided, 'more rule')} could not be decided." if undecided else ""
        return (
            f"Not ready: {count(len(broken), 'blocking rule')} broken, {where} held back.{more}"
        )
    if undecided:
        return (
            f"The evidence cannot decide {count(undecided, 'blocking rule')}; "
            f"{where} held back. This is not a pass."
        )
    return "No blocking rule was decided on evidence. This is not a pass."


def _reason(rule: RuleRows) -> str:
    row, worst = rule.worst, rule.worst.finding
    if worst.kind == "evidence":
        return ended(f"{worst.rule}, in {row.place}: {told(worst)}")
    places = [one for one in rule.rows if one.finding.outcome == worst.outcome]
    verb = "is broken" if worst.outcome == "fail" else "is undecided"
    spread = f" in {len(places)} of {len(rule.rows)} findings" if len(rule.rows) > 1 else ""
    text = f"{worst.rule} {verb}{spread}: {_demand(rule)}; in {row.place}"
    if told(worst) and not repeats_numbers(worst):
        return ended(f"{text}, {told(worst)}")
    aside = f" ({told(worst)})" if told(worst) else ""
    return f"{text} {_numbers(row)}{aside}."


def _demand(rule: RuleRows) -> str:
    worst = rule.worst.finding
    if worst.kind == "require" and not worst.asked:
        return f"{worst.metric} must be {limit(worst)}"
    return f"it asks for {rule.requirement}"


def _numbers(row: Row) -> str:
    name, shown = bound_used(row.finding)
    what = f"the {row.origin}" if row.origin else "it"
    return f"{what} is {held(row.finding, row.finding.value)}, {name} {shown}"


def _about_waivers(run: RunView) -> list[str]:
    found = [
        f"Mend {excuse.rule} before waiver {excuse.id} ends on {excuse.expires}."
        for excuse in run.excuses
        if excuse.used
    ]
    unused = [excuse.id for excuse in run.excuses if not excuse.used]
    if unused:
        found.append(
            f"Take {'waivers' if len(unused) > 1 else 'waiver'} {', '.join(unused)} away: "
            "nothing in this run needs it."
        )
    return found


def _held_up(run: RunView) -> list[RuleRows]:
    return [
        rule
        for rule in applying(rules(run))
        if rule.worst.blocks and rule.worst.finding.outcome in _OPEN
    ]
