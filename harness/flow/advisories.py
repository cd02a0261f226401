"""Versions and packages known to give wrong numbers, each with where it was reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

Versions = Callable[[str], tuple[int, ...] | None]
_GITHUB = "https://github.com"


def advisories(installed: Versions | None = None) -> Iterator[tuple[str, str]]:
    """Yield what applies to the installed versions, each with a link.

    Args:
        installed: Gives a distribution's version as numbers, or None; for tests.
    """
    found = installed or _installed
    for applies, what, link in _TABLE:
        if applies(found):
            yield what, link


def _installed(name: str) -> tuple[int, ...] | None:
    try:
        text = version(name)
    except PackageNotFoundError:
        return None
    numbers = text.partition("+")[0].split(".")
    return tuple(int(part) for part in numbers if part.isdigit())


def _between(
    name: str, low: tuple[int, ...], high: tuple[int, ...]
) -> Callable[[Versions], bool]:
    return lambda versions: (found := versions(name)) is not None and low <= found < high


def _both(*conditions: Callable[[Versions], bool]) -> Callable[[Versions], bool]:
    return lambda versions: all(condition(versions) for condition in conditions)


def _present(*names: str) -> Callable[[Versions], bool]:
    return lambda versions: any(versions(name) is not None for name in names)


_TABLE: tuple[tuple[Callable[[Versions], bool], str, str], ...] = (
    (
        _between("scipy", (1, 11, 2), (1, 13)),
        "scipy 1.11.2 to 1.12: sqrtm may return a wrong root; do not compute FID with it",
        f"{_GITHUB}/scipy/scipy/issues",
    ),
    (
        _both(
            _between("scipy", (1, 18), (99,)), _present("pytorch-fid", "clean-fid", "dgm-eval")
        ),
        "scipy 1.18 removed sqrtm's `disp`, which pytorch-fid, clean-fid and dgm-eval pass",
        f"{_GITHUB}/scipy/scipy/releases",
    ),
    (
        _both(_between("torchmetrics", (1, 9), (1, 10)), _between("transformers", (5,), (6,))),
        "torchmetrics 1.9 with transformers 5: CLIPScore crashes; the harness has its own",
        f"{_GITHUB}/Lightning-AI/torchmetrics/issues/3408",
    ),
    (
        _present("torchmetrics"),
        "torchmetrics' MiFID measures from training to generated images, the wrong way round",
        f"{_GITHUB}/Lightning-AI/torchmetrics",
    ),
    (
        _present("vendi-score"),
        "vendi-score ignores the order q in its score_X path",
        f"{_GITHUB}/vertaix/Vendi-Score",
    ),
    (
        _between("diversity", (0, 3, 1), (0, 3, 2)),
        "diversity 0.3.1 compresses twice, so its compression ratio is near 1 for any text",
        "https://pypi.org/project/diversity/0.3.1",
    ),
    (
        _present("frechet-audio-distance"),
        "frechet-audio-distance with PANN weights resamples wrongly; check against a reference",
        f"{_GITHUB}/gudgud96/frechet-audio-distance/issues",
    ),
    (
        _present("torchvision"),
        "torchvision beside a CPU build of torch can break transformers and diffusers",
        f"{_GITHUB}/pytorch/vision/issues",
    ),
)
