"""The Pareto front of some arms, and whether one of them can be recommended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from harness.comparison import Contender, Contest

Values = tuple[float | None, ...]


def front(
    arms: Mapping[str, Values], apart: Collection[frozenset[str]] = ()
) -> dict[str, tuple[str, ...]]:
    """By arm, those that dominate it: as good on every axis and better on one.

    Args:
        arms: Each arm's values, less being better; None is unknown, and neither
            beats anything nor is beaten.
        apart: Pairs that were not asked or read alike: neither dominates the other.

    >>> front({"a": (1.0, 2.0), "b": (2.0, 1.0), "c": (2.0, 2.0)})
    {'a': (), 'b': (), 'c': ('a', 'b')}
    """
    return {
        name: tuple(
            other
            for other in arms
            if frozenset((name, other)) not in apart and _dominates(arms[other], mine)
        )
        for name, mine in arms.items()
    }


def unlike(contests: Sequence[Contest]) -> frozenset[frozenset[str]]:
    """Pairs of arms that cannot be compared on some axis."""
    return frozenset(
        frozenset((c.arm, c.against)) for c in contests if c.standing == "not comparable"
    )


def recommended(
    contenders: Sequence[Contender], contests: Sequence[Contest]
) -> tuple[str | None, str]:
    """The one arm that is shown better than each rival somewhere and worse than none anywhere.

    Arms that a policy did not pass are no rivals and cannot be recommended. None is
    where arms were judged by different policies, or were not asked and read alike.

    Returns:
        Its name, or None, and the reason in a sentence.
    """
    if reason := _incomparable(contenders, contests):
        return None, reason
    judged = any(c.outcome is not None for c in contenders)
    able = [c.name for c in contenders if not judged or c.outcome == "pass"]
    if not able:
        return None, "No arm passed its policy, so none can be recommended."
    if len(able) == 1:
        return able[0], f"{able[0]} is the only arm that passed its policy."
    wins, losses = _shown(contests)
    for name in able:
        rivals = [other for other in able if other != name]
        clear = all(wins.get((name, rival)) for rival in rivals)
        if clear and not any(losses.get((name, rival)) for rival in rivals):
            said = (
                "better on some concern than each other arm and worse on none, as far as shown"
            )
            return name, f"{name} is {said}."
    return None, _why_not(able, wins, losses)


def _incomparable(contenders: Sequence[Contender], contests: Sequence[Contest]) -> str:
    """Why verdicts or numbers of these arms say nothing of each other; empty where they do."""
    if len({c.policy for c in contenders}) > 1:
        return (
            "These arms were not judged by the same policy, so none is recommended; "
            "judge each run by one with `harness judge RUN --policy POLICY`."
        )
    gap = next((c for c in contests if c.standing == "not comparable"), None)
    if gap is None:
        return ""
    return f"{gap.arm} and {gap.against} cannot be compared: {gap.cause}. None is recommended."


def _dominates(one: Values, other: Values) -> bool:
    pairs = list(zip(one, other, strict=True))
    if any(a is None or b is None for a, b in pairs):
        return False
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return all(a <= b for a, b in known) and any(a < b for a, b in known)


Shown = dict[tuple[str, str], list[str]]


def _shown(contests: Sequence[Contest]) -> tuple[Shown, Shown]:
    """By (arm, rival): the metrics on which it is shown better, and those where worse."""
    wins: Shown = {}
    losses: Shown = {}
    for contest in contests:
        if contest.standing in ("better", "worse"):
            won = contest.standing == "better"
            for arm, rival, better in (
                (contest.arm, contest.against, won),
                (contest.against, contest.arm, not won),
            ):
                (wins if better else losses).setdefault((arm, rival), []).append(contest.metric)
    return wins, losses


def _why_not(able: Sequence[str], wins: Shown, losses: Shown) -> str:
    """Name the arm that comes nearest, and what it pays for it."""
    ahead = {name: [o for o in able if wins.get((name, o))] for name in able}
    behind = {name: [o for o in able if losses.get((name, o))] for name in able}
    best = max(able, key=lambda name: (len(ahead[name]) - len(behind[name]), len(ahead[name])))
    others = len(able) - 1
    if not any(ahead.values()):
        return "No difference between these arms was shown; more prompts may show one."
    if not behind[best]:
        return (
            f"{best} comes nearest: it is shown worse than no other arm, and better than "
            f"{len(ahead[best])} of {others}."
        )
    paid = sorted({metric for other in behind[best] for metric in losses[best, other]})
    return (
        f"It is a trade. {best} comes nearest: it is shown better somewhere than "
        f"{len(ahead[best])} of {others} other arms, and worse than {len(behind[best])} "
        f"of them in {', '.join(paid)}. Which counts more is yours to say."
    )
