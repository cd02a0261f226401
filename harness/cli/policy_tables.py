"""What the policy commands found, in the terminal: a table or two, and lines below them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.flow.policy.wants import asked
from harness.reporters.visible import visible
from harness.reporters.wording import number
from harness.spec.policy import Defaults, Rule

if TYPE_CHECKING:
    from rich.console import Console

    from harness.flow.policy.diff import Changed, PolicyDiff
    from harness.flow.policy.explain import Explained, Explanation
    from harness.flow.policy.plan import Need, PolicyPlan
    from harness.flow.policy.trial import Trial

_WIDTH = 120
_STYLE = {
    "pass": "green", "fail": "bold red", "inconclusive": "yellow", "waived": "magenta",
    "stricter": "green", "looser": "yellow",
}  # fmt: skip
_OUT_OF_REACH = "never"


def show_plan(plan: PolicyPlan) -> None:
    """Print what each rule takes, and what the suite gives."""
    console = _console()
    rates = [need for need in plan.needs if need.rate]
    if rates:
        _table(
            console,
            f"{plan.policy}: prompts it takes to pass, with so many bad outputs",
            ("rule", "requires", *(str(k) for k, _ in rates[0].prompts_by_bad),
             *(f"{p:.0%} power" for p, _ in rates[0].prompts_by_power)),
            [_sizes(need) for need in rates],
        )  # fmt: skip
        _line(console, "Power: for a model whose true share of bad outputs is half of what is "
              "allowed; any number above does too.")  # fmt: skip
    counted = [need for need in rates if need.prompts is not None]
    if counted:
        parts = (f"{part:g}x" for part, _ in counted[0].chances)
        _table(
            console,
            f"With suite {plan.suite}: the chance to pass, by the true share of bad outputs",
            ("rule", "prompts", "bears", *parts),
            [_chances(need) for need in counted],
        )
    for line in (*(line for need in plan.needs for line in _needs(need)), *plan.notes):
        _line(console, line, "bold red" if "CANNOT" in line else "")


def show_trial(trial: Trial) -> None:
    """Print the fixtures, each rule with the evidence that turned it, and what is wrong."""
    console = _console()
    _table(
        console, f"{trial.policy}: planted evidence", ("evidence", "verdict", "right", ""),
        [(f.name, f.outcome, "yes" if f.right else "NO", f.says) for f in trial.fixtures],
    )  # fmt: skip
    _table(
        console, "What turns each rule", ("rule", "pass", "fail", "inconclusive"),
        [
            (_named(r.rule, r.severity), *(r.skipped or r.reached[o] or _OUT_OF_REACH
             for o in ("pass", "fail", "inconclusive")))
            for r in trial.rules
        ],
    )  # fmt: skip
    for rule in trial.rules:
        for note in rule.notes:
            _line(console, f"note      {rule.rule}: {note}")
    for rule in trial.rules:
        for fault in rule.faults:
            _line(console, f"dead      {rule.where}: {rule.rule} ({rule.asked}) {fault}", "red")
    for one in trial.fixtures:
        if not one.right:
            _line(console, f"wrong     {one.name}: {one.says}", "red")
    said = "RIGHT" if trial.right else f"WRONG: {'; '.join(_wrong(trial))}"
    console.print()
    _line(console, f"policy    {said}")


def show_explanation(explained: Sequence[Explanation]) -> None:
    """Print, for each arm, what holds it back and how much the rest can bear."""
    console = _console()
    for arm in explained:
        title = f"{arm.generator} / {arm.strategy}: {arm.outcome.upper()}"
        _line(console, title, _STYLE.get(arm.outcome, ""))
        _line(console, f"  {arm.first}")
        for one in arm.holding_back:
            for line in _held(one):
                _line(console, line)
        counted = [one for one in arm.passing if one.bears is not None]
        if counted:
            _table(
                console, "Slack: how many more bad outputs",
                ("rule", "value", "to the limit", "stay a pass", "make a fail"),
                [_slack(one) for one in counted],
            )  # fmt: skip
        for one in arm.passing:
            if one.bears is None and one.gap is not None:
                _line(console, f"  {_place(one)}: {one.asked}, bound {_away(one.gap)}")


def show_diff(diff: PolicyDiff) -> None:
    """Print what changed, and what that does to the run."""
    console = _console()
    title = f"{diff.old} -> {diff.new}"
    if diff.changes:
        _table(
            console, title, ("what", "key", "old", "new", "label"),
            [_changed(one) for one in diff.changes],
        )  # fmt: skip
        count = {label: sum(c.label == label for c in diff.changes) for label in _LABELS}
        _line(console, ", ".join(f"{n} {label}" for label, n in count.items()))
    else:
        _line(console, f"{title}: nothing differs")
    if diff.effect is None:
        return
    found = diff.effect
    rows = [(arm, old.upper(), new.upper()) for arm, old, new in found.arms]
    _table(console, f"Verdict on {found.run}", ("arm", "old", "new"), rows)
    if found.shifts:
        _table(
            console, "Findings that differ", ("arm", "rule", "slice", "old", "new"),
            [(s.arm, s.rule, s.slice, s.old or "-", s.new or "-") for s in found.shifts],
        )  # fmt: skip
    _line(console, f"verdict   {found.old.upper()} -> {found.new.upper()}")


_LABELS = ("stricter", "looser", "other")


def _sizes(need: Need) -> tuple[str, ...]:
    sizes = [size for _, size in (*need.prompts_by_bad, *need.prompts_by_power)]
    return (_whose(need), need.asked, *map(_size, sizes))


def _chances(need: Need) -> tuple[str, ...]:
    bears = "CANNOT PASS" if need.can_pass is False else f"{need.bears or 0:,} bad"
    return (
        _whose(need), f"{need.prompts or 0:,}", bears,
        *(f"{chance:.1%}" for _, chance in need.chances),
    )  # fmt: skip


def _needs(need: Need) -> Iterator[str]:
    for said in need.says:
        yield f"{_whose(need)}: {said}"
    for one in need.pilot:
        wanted = f"about {one.needed:,} prompts" if one.needed else one.says
        seen = f"{number(one.value)} on {one.prompts:,} prompts"
        yield f"{_whose(need)}: {one.arm} came to {seen}; {wanted}"


def _wrong(trial: Trial) -> Iterator[str]:
    """What makes a policy wrong, by name; dead rules first, for fixtures suffer from them."""
    dead = [rule.rule for rule in trial.rules if rule.faults]
    if dead:
        yield f"dead rule{'s' if len(dead) > 1 else ''} {', '.join(dead)}"
    yield from (one.name for one in trial.fixtures if not one.right)


def _held(one: Explained) -> Iterator[str]:
    yield f"  {one.outcome:13}{_place(one)}: {one.asked}"
    if one.gap is not None:
        yield (
            f"               value {number(one.value)} is {_away(one.distance)}; "
            f"the bound that has to clear it is {_away(one.gap)}"
        )
    for count, said in (
        (one.fewer_bad, f"fewer bad outputs of {one.n:,} would pass"),
        (one.scored_good, f"of {one.missing:,} missing scores would pass, if there and good"),
        (one.needed, f"prompts would decide at the value seen; this run had {one.prompts:,}"),
    ):
        if count is not None:
            yield f"               {count:,} {said}"
    yield f"               {one.message}"
    yield f"               means: {one.means}"
    if one.remedy:
        yield f"               to do: {one.remedy}"


def _slack(one: Explained) -> tuple[str, ...]:
    fails = "none would" if one.fails_at is None else f"{one.fails_at:,}"
    return (_place(one), number(one.value), _away(one.gap), f"{one.bears:,}", fails)


def _changed(one: Changed) -> tuple[str, ...]:
    if not one.key:
        what = "added" if one.old is None else "removed"
        return (one.part, what, _whole(one.old), _whole(one.new), one.label)
    return (one.part, one.key, _value(one.old), _value(one.new), one.label)


def _whole(value: Mapping[str, Any] | None) -> str:
    """Write a rule that came or went as what it asks, and what it says that is not usual."""
    if value is None:
        return "-"
    rule = Rule.model_validate_json(json.dumps(value))
    usual = {"id": rule.id, "why": rule.why, **Defaults().model_dump()}
    told = {k: v for k, v in value.items() if k not in (rule.kind, "maps")}
    beside = {k: v for k, v in told.items() if k not in usual or usual[k] != v}
    return "; ".join(filter(None, (asked(rule), _value(beside) if beside else "")))


def _value(value: Any) -> str:
    """Write a value in words; long text is cut."""
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(item)}" for key, item in value.items()) or "nothing"
    if isinstance(value, (list, tuple)):
        return " and ".join(map(_value, value)) or "nothing"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _whose(need: Need) -> str:
    place = "" if need.slice == "all" else f" [{need.slice}]"
    return f"{_named(need.rule, need.severity)}{place}"


def _place(one: Explained) -> str:
    return one.rule if one.slice == "all" else f"{one.rule} [{one.slice}]"


def _named(rule: str, severity: str) -> str:
    return rule if severity == "block" else f"{rule} ({severity})"


def _size(size: int | None) -> str:
    return _OUT_OF_REACH if size is None else f"{size:,}"


def _away(distance: float | None) -> str:
    if distance is None:
        return "-"
    side = "above" if distance > 0 else "below"
    return f"{number(abs(distance))} {side} the limit" if distance else "at the limit"


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    return Console(highlight=False, width=None if console.is_terminal else _WIDTH)


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(visible(text), style=style, markup=False, soft_wrap=True)


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=escape(visible(title)), title_justify="left", box=SIMPLE_HEAD, title_style="bold"
    )
    for place, name in enumerate(columns):
        table.add_column(name, overflow="fold" if place else "ellipsis")
    for row in rows:
        style = next((_STYLE[cell] for cell in row if cell in _STYLE), "")
        table.add_row(*(escape(visible(cell)) for cell in row), style=style)
    console.print(table)
