"""Whether a changed key of a policy makes it stricter, looser, or something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

Label = Literal["stricter", "looser", "other"]
_SEVERITY = ("observe", "warn", "block", "legal")
_BLOCKING = ("legal", "block")


def of_presence(severity: str, *, added: bool) -> Label:
    """A rule that is there or not; one that cannot block changes no verdict."""
    if severity not in _BLOCKING:
        return "other"
    return "stricter" if added else "looser"


def of_key(key: str, old: Any, new: Any, rule: Mapping[str, Any] | None = None) -> Label:
    """Label one change.

    Args:
        key: The key's path, such as `require.value`.
        old: Its value before; None where it was not there.
        new: Its value after.
        rule: The old rule, where it is one: which direction is harder depends on it.

    >>> of_key("require.value", 0.05, 0.01, {"require": {"op": "<="}})
    'stricter'
    >>> of_key("max_unscored", 0.02, 0.1)
    'looser'
    """
    if key == "require.value":
        return _limit(old, new, rule or {})
    if key == "compare.margin":
        return _margin(old, new, rule or {})
    judged = next((j for start, j in _JUDGES if _matches(key, start)), None)
    return judged(old, new) if judged else "other"


def _matches(key: str, start: str) -> bool:
    return key == start or (start.endswith(".") and key.startswith(start))


def _limit(old: Any, new: Any, rule: Mapping[str, Any]) -> Label:
    op = (rule.get("require") or {}).get("op")
    if op == "<=":
        return _lower(old, new)
    return _higher(old, new) if op == ">=" else "other"


def _margin(old: Any, new: Any, rule: Mapping[str, Any]) -> Label:
    """The margin is what is granted, but in superiority what is asked."""
    test = (rule.get("compare") or {}).get("test")
    if test is None:
        return "other"
    return _higher(old, new) if test == "superior" else _lower(old, new)


def _higher(old: Any, new: Any) -> Label:
    """More is harder, and nothing asks for nothing."""
    before, after = (float("-inf") if v is None else float(v) for v in (old, new))
    return _compared(before, after)


def _lower(old: Any, new: Any) -> Label:
    """Less is harder, and nothing allows everything."""
    before, after = (float("inf") if v is None else float(v) for v in (old, new))
    return _compared(after, before)


def _compared(before: float, after: float) -> Label:
    if before == after:
        return "other"
    return "stricter" if after > before else "looser"


def _severity(old: Any, new: Any) -> Label:
    return _compared(_SEVERITY.index(old), _SEVERITY.index(new))


def _decide(old: Any, new: Any) -> Label:
    """Both readings are harder than either; of the two, neither is harder throughout."""
    if "both" not in (old, new):
        return "other"
    return "stricter" if new == "both" else "looser"


def _pinned(old: Any, new: Any) -> Label:
    """Something that must be so, where before anything might."""
    if old and new:
        return "other"
    return "stricter" if new else "looser"


def _excused(old: Any, new: Any) -> Label:
    """A reason not to ask is looser; none is stricter."""
    return _swapped(_pinned(old, new))


def _fewer(old: Any, new: Any) -> Label:
    """A choice among fewer is harder; no choice named is any."""
    if not old or not new:
        return _pinned(old, new)
    before, after = set(old), set(new)
    if after < before:
        return "stricter"
    return "looser" if after > before else "other"


def _more(old: Any, new: Any) -> Label:
    """More that must be there is harder; none named is whatever there is."""
    if not old or not new:
        return "other"
    return _swapped(_fewer(old, new))


def _swapped(label: Label) -> Label:
    if label == "other":
        return "other"
    return "looser" if label == "stricter" else "stricter"


def _chosen(harder: str) -> Callable[[Any, Any], Label]:
    return lambda old, new: _compared(old == harder, new == harder) if old and new else "other"


_JUDGES: tuple[tuple[str, Callable[[Any, Any], Label]], ...] = (
    ("confidence", _higher),
    ("max_unscored", _lower),
    ("n_min", _higher),
    ("attempts", _higher),
    ("prompts", _higher),
    ("severity", _severity),
    ("decide", _decide),
    ("slices.min_n", _higher),
    ("slices.only", _more),
    ("slices.on_empty", _chosen("fail")),
    ("slices.family", _chosen("none")),
    ("compare.if_absent", _excused),
    ("coverage.total", _higher),
    ("coverage.each.", _higher),
    ("document.signatures", _higher),
    ("document.max_age_days", _lower),
    ("identity", _fewer),
    ("suite", _pinned),
    ("scorers.", _pinned),
    ("not_applicable.", _excused),
)
