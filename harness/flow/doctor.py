"""What is missing on this machine, and which installed versions are known to mislead."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

from harness import registry
from harness.assets import cache
from harness.errors import AssetError, HarnessError, SpecError
from harness.flow.advisories import advisories
from harness.flow.bind import bind
from harness.flow.plan import plan
from harness.protocols import Bound, Reference
from harness.records import Image
from harness.spec.images import images
from harness.spec.load import load
from harness.spec.secret import Secrets
from harness.spec.suite import SuiteSpec

_NEEDED = ("torch", "transformers", "diffusers", "torchmetrics", "detoxify", "mlflow")
_FREE_GIB = 2
_PICTURES = 1_000  # of a dataset; a run reads all of them


def doctor(suite: Path | None) -> dict[str, Any]:
    """Check packages, plug-ins, disk and, for a suite, its files and models.

    Returns:
        `checks`, each with `state` (ok, advice or broken), `what` and `fix`;
        and `broken`, how many are.
    """
    checks = [_python(), *map(_package, _NEEDED), *_plugins(), _disk()]
    checks += [_check("advice", what, link) for what, link in advisories()]
    checks += _of_suite(suite) if suite else []
    return {"checks": checks, "broken": sum(check["state"] == "broken" for check in checks)}


def _check(state: str, what: str, fix: str = "") -> dict[str, str]:
    return {"state": state, "what": what, "fix": fix}


def _python() -> dict[str, str]:
    return _check("ok", f"python {sys.version.split()[0]}")


def _package(name: str) -> dict[str, str]:
    try:
        return _check("ok", f"{name} {version(name)}")
    except PackageNotFoundError:
        return _check("broken", f"{name} is not installed", f"pip install {name}")


def _plugins() -> list[dict[str, str]]:
    checks = []
    for kind in registry.KINDS:
        for name in registry.names(kind):
            try:
                registry.load(kind, name)
            except HarnessError as error:
                checks.append(_failed(error))
    return checks or [_check("ok", "every plug-in can be imported")]


def _disk() -> dict[str, str]:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    state = "ok" if free >= _FREE_GIB else "broken"
    return _check(state, f"{free:.0f} GiB free here", "" if state == "ok" else "make room")


def _of_suite(suite: Path) -> list[dict[str, str]]:
    """Whether a suite fits, and all that its plug-ins rest on lies on this machine."""
    try:
        spec = load(suite, SuiteSpec)
    except HarnessError as error:
        return [_failed(error)]
    bound, checks = _bound(spec, suite.parent)
    if not checks:
        try:
            size = plan(spec, suite.parent).size
            checks = [_check("ok", f"{suite.name}: {size} cases")]
        except HarnessError as error:
            checks = [_failed(error)]
    checks += [check for one in bound for check in _needs(one)]
    return list({check["what"]: check for check in checks}.values())


def _bound(spec: SuiteSpec, base: Path) -> tuple[list[Bound], list[dict[str, str]]]:
    """The suite's plug-ins and their encoders, and why others cannot be made."""
    bound: list[Bound] = []
    checks = []
    for kind, items in (("generators", spec.generators), ("scorers", spec.scorers)):
        for item in items:
            try:
                made = bind(kind, item, base)
            except HarnessError as error:
                checks.append(_failed(error))
            else:
                bound += [made, *made.encoders.values()]
    return bound, checks


def _needs(bound: Bound) -> list[dict[str, str]]:
    """Whether the secrets, the model and the datasets of a plug-in are on this machine."""
    if assets := getattr(bound.plugin, "assets", ()):
        checks = [_asset(name) for name in assets]
    else:
        checks = _weights(bound)
    references = getattr(bound.plugin, "references", {})
    checks += [_dataset(one, bound.name) for one in references.values()]
    return checks + _unset(getattr(bound.plugin, "secrets", ()))


def _unset(named: Sequence[str]) -> list[dict[str, str]]:
    """Which secrets cannot be read from the environment, of the texts that name them."""
    checks = []
    for text in named:
        try:
            Secrets(os.environ).reveal(text)
        except SpecError as error:
            checks.append(_failed(error))
    return checks


def _asset(name: str) -> dict[str, str]:
    try:
        cache.verify(name)
    except AssetError as error:
        return _failed(error)
    return _check("ok", f"asset {name} is here and whole")


def _weights(bound: Bound) -> list[dict[str, str]]:
    """Whether a model that is no asset lies on this machine."""
    try:
        place = getattr(bound.plugin, "folder", None)
    except AssetError as error:
        return [_failed(error)]
    return [_check("ok", f"the model of {bound.use} is in {place}")] if place else []


def _dataset(reference: Reference, scorer: str) -> dict[str, str]:
    """Whether a dataset has pictures, and the first of them can all be read."""
    place = reference.dataset
    try:
        found = [(n, isinstance(one, Image)) for n, one, _ in islice(images(place), _PICTURES)]
    except SpecError as error:
        return _failed(error)
    lost = [name for name, fine in found if not fine]
    if lost and len(lost) < len(found):
        said = f"{len(lost)} of the first {len(found)} pictures in {place} cannot be read"
        return _check("broken", f"{scorer}: {said}", f"take them out of it, first {lost[0]}")
    if found and not lost:
        return _check("ok", f"{scorer} has pictures in {place}")
    return _check("broken", f"{scorer} has no picture in {place}", "put your pictures there")


def _failed(error: HarnessError) -> dict[str, str]:
    where = f" ({error.where})" if error.where else ""
    return _check("broken", f"{error.args[0]}{where}", error.fix)
