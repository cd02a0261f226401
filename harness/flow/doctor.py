"""What is missing on this machine, and which installed versions are known to mislead."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness import registry
from harness.assets import cache
from harness.errors import AssetError, HarnessError
from harness.flow.advisories import advisories
from harness.flow.listing import assets_of
from harness.flow.plan import plan
from harness.protocols import Bound
from harness.spec.load import load
from harness.spec.suite import SuiteSpec

_NEEDED = ("torch", "transformers", "diffusers", "torchmetrics", "detoxify", "mlflow")
_FREE_GIB = 2


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
    try:
        planned = plan(load(suite, SuiteSpec), suite.parent)
    except HarnessError as error:
        return [_failed(error)]
    generators = {arm.generator.name: arm.generator for arm in planned.arms}
    wanted = assets_of(suite)
    checks = [_check("ok", f"{suite.name}: {planned.size} cases"), *map(_asset, wanted)]
    for bound in generators.values():
        if not getattr(bound.plugin, "assets", ()):
            checks += _weights(bound)
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
        place = bound.plugin.folder
    except AssetError as error:
        return [_failed(error)]
    return [_check("ok", f"{bound.name}: its model is in {place}")] if place else []


def _failed(error: HarnessError) -> dict[str, str]:
    where = f" ({error.where})" if error.where else ""
    return _check("broken", f"{error.args[0]}{where}", error.fix)
