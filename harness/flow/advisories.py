"""Versions and packages known to give wrong numbers, each with where it was reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile

Versions = Callable[[str], str | None]
Condition = Callable[[Versions], bool]
_GITHUB = "https://github.com"


def advisories(installed: Versions | None = None) -> Iterator[tuple[str, str]]:
    """Yield what applies to the installed versions, each with a link.

    Args:
        installed: Gives a distribution's version, or None where it is absent; for tests.
    """
    found = installed or _installed
    for applies, what, link in _TABLE:
        if applies(found):
            yield what, link


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    """The release numbers of a version; a pre-release counts as what it leads up to."""
    parts = text.partition("+")[0].split(".")
    digits = ["".join(takewhile(str.isdigit, part)) for part in parts]
    return tuple(int(part) for part in takewhile(bool, digits))


def _within(name: str, low: str, high: str) -> Condition:
    """From `low` on, and before `high`."""
    return lambda versions: (
        (found := versions(name)) is not None
        and _numbers(low) <= _numbers(found) < _numbers(high)
    )


def _from(name: str, low: str) -> Condition:
    return _within(name, low, "1000000")


def _before(name: str, high: str) -> Condition:
    return _within(name, "0", high)


def _any(*conditions: Condition) -> Condition:
    return lambda versions: any(condition(versions) for condition in conditions)


def _all(*conditions: Condition) -> Condition:
    return lambda versions: all(condition(versions) for condition in conditions)


def _cpu_build(name: str) -> Condition:
    return lambda versions: "+cpu" in (versions(name) or "")


def _other_build(name: str) -> Condition:
    return lambda versions: (found := versions(name)) is not None and "+cpu" not in found


# Where a row ends at a version that is not out yet, the newest one has the fault.
_TABLE: tuple[tuple[Condition, str, str], ...] = (
    (
        _within("scipy", "1.11.2", "1.13"),
        "scipy 1.11.2 to 1.12: sqrtm of a nearly singular matrix can be wrong by any "
        "amount; compute no Frechet distance with it",
        f"{_GITHUB}/scipy/scipy/issues/19415",
    ),
    (
        _all(
            _from("scipy", "1.18"),
            _any(
                _before("pytorch-fid", "0.3.1"),
                _before("clean-fid", "0.1.36"),
                _before("frechet-audio-distance", "0.3.5"),
            ),
        ),
        "scipy 1.18 removed sqrtm's `disp`, which pytorch-fid, clean-fid and "
        "frechet-audio-distance pass: they stop with a TypeError",
        f"{_GITHUB}/scipy/scipy/pull/24334",
    ),
    (
        _all(_within("torchmetrics", "0.11", "1.9.1"), _from("transformers", "5")),
        "torchmetrics up to 1.9.0 with transformers 5: CLIPScore stops with an AttributeError",
        f"{_GITHUB}/Lightning-AI/torchmetrics/pull/3408",
    ),
    (
        _within("torchmetrics", "1.2", "1.9.1"),
        "torchmetrics' MiFID asks how near each real image has a generated one; memorization "
        "is the reverse, so a model that copies a few images is not penalized",
        f"{_GITHUB}/Lightning-AI/torchmetrics/blob/v1.9.0/src/torchmetrics/image/mifid.py#L46",
    ),
    (
        _before("vendi-score", "0.0.4"),
        "vendi-score: score_X computes the score of order 1, whatever `q` it is given",
        f"{_GITHUB}/vertaix/Vendi-Score/blob/370134e585df6d28e882d442460979aed2ce3bcc"
        "/vendi_score/vendi.py#L45",
    ),
    (
        _before("diversity", "0.3.2"),
        "diversity: compression_ratio compresses twice with gzip, so repeated text has up "
        "to twice its ratio, and a few short texts have less than 1",
        f"{_GITHUB}/cshaib/diversity/blob/b021c8fe83f415a00d6c3c4a3071d634f1deff19"
        "/diversity/compression.py#L41",
    ),
    (
        _before("frechet-audio-distance", "0.3.5"),
        "frechet-audio-distance: PANN embeddings are joined into one row of numbers, so "
        "the distance is between two one-dimensional Gaussians",
        f"{_GITHUB}/gudgud96/frechet-audio-distance/issues/37",
    ),
    (
        _all(_cpu_build("torch"), _other_build("torchvision")),
        "torchvision from another index than torch's CPU build: importing it, and what "
        "imports it, stops with a RuntimeError",
        f"{_GITHUB}/pytorch/vision/issues/9085",
    ),
)
