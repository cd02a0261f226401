"""What a number came to beside its limit, in the words of a finding's message."""

from __future__ import annotations

from collections.abc import Sequence

from harness.flow.comparisons import Ask

_DIGITS = 12


def words(metric: str, ask: Ask, numbers: Sequence[float | None], how: str) -> str:
    """Say what was asked, and the numbers that were held against it.

    A difference is called one, has its sign, and names what it is from.

    Args:
        metric: Its name.
        ask: The bar, and what the metric is compared with.
        numbers: Both bounds, or the estimate alone; None is unbounded, or unknown.
        how: What the numbers are, such as `95 % bounds`.
    """
    bar = ask.bar
    if not ask.against:
        shown = " to ".join("unbounded" if v is None else f"{v:.4g}" for v in numbers)
        return f"{metric} {bar.op} {bar.limit:.4g}: {how} {shown}"
    shown = " to ".join("unbounded" if v is None else _signed(v) for v in numbers)
    limit = (
        f"within ±{bar.limit:.4g}" if bar.op == "within" else f"{bar.op} {_signed(bar.limit)}"
    )
    other = (
        _short(ask.against) if ask.scale == 1.0 else f"{ask.scale:.4g} x {_short(ask.against)}"
    )
    return f"{metric} against {other}: {how} of the difference {shown}, asked {limit}"


def percent(confidence: float) -> str:
    """Write a confidence in percent, with four digits unless that would make it certain.

    >>> percent(0.95), percent(1 - 0.05 / 3), percent(1 - 1e-7)
    ('95 %', '98.33 %', '99.99999 %')
    """
    texts = (f"{100 * confidence:.{digits}g}" for digits in range(4, 17))
    return f"{next(text for text in texts if text != '100')} %"


def _signed(value: float) -> str:
    return f"{value:+.4g}" if value else "0"


def _short(against: str) -> str:
    """Cut a digest to the digits people compare."""
    kind, _, name = against.partition(":")
    return f"{kind}:{name[:_DIGITS]}" if kind == "anchor" else against
