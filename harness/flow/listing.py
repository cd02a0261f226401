"""What there is: plug-ins, shipped files, metrics, model files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness import registry
from harness.assets import cache, catalogue
from harness.errors import AssetError, PluginError, SpecError
from harness.flow.bind import bind
from harness.protocols import MetricDef
from harness.spec import library
from harness.spec.load import load
from harness.spec.policy import PolicySpec
from harness.spec.suite import PluginSpec, SuiteSpec


def listing(kind: str) -> dict[str, str]:
    """Name everything of one kind, with where it comes from or what it is.

    Raises:
        PluginError: There is no such kind.
    """
    if kind == "suites":
        return {n: str(library.folder("suites") / f"{n}.yaml") for n in library.names("suites")}
    if kind == "policies":
        place = library.folder("policies")
        return {n: str(place / f"{n}.yaml") for n in library.names("policies")}
    if kind == "packs":
        return {name: _source(path) for name, path in library.packs().items()}
    if kind == "metrics":
        return dict(_metrics())
    if kind not in registry.KINDS:
        known = (*registry.KINDS, "suites", "policies", "packs", "metrics")
        hint = registry.suggest(kind, known) or f"one of {', '.join(known)}"
        raise PluginError(f"nothing to list is called {kind!r}", fix=hint)
    return registry.names(kind)


def _source(path: Path) -> str:
    """Where a pack's numbers come from, and whether anyone has checked them."""
    pack = load(path, PolicySpec).pack
    if pack is None:
        return "says nothing of its source"
    checked = f"verified by {pack.verified.by}" if pack.verified else "not verified"
    return f"{pack.grade}, {checked}: {pack.source}"


def _metrics() -> Iterator[tuple[str, str]]:
    """Metrics of every scorer that can be made without options; of others, what they need."""
    for name in registry.names("scorers"):
        try:
            plugin = bind("scorers", PluginSpec(use=name, name=name), Path()).plugin
        except SpecError:
            yield f"{name}.*", f"needs the options {', '.join(_required(name))}"
        except (PluginError, AssetError) as error:
            yield f"{name}.*", str(error.args[0])
        else:
            for metric, definition in plugin.metrics.items():
                yield f"{name}.{metric}", _described(definition)
            yield f"{name}.coverage", "share, higher is better, Proportion"


def _required(scorer: str) -> list[str]:
    fields = registry.load("scorers", scorer).Options.model_fields
    return [key for key, field in fields.items() if field.is_required()]


def _described(definition: MetricDef) -> str:
    better = definition.better
    direction = "no direction" if better == "neither" else f"{better} is better"
    return f"{definition.unit}, {direction}, {type(definition.kind).__name__}"


def asset_rows() -> list[dict[str, Any]]:
    """Describe every known model file."""
    return [
        {
            "name": name,
            "present": _present(name),
            "megabytes": asset.size_bytes / 1e6,
            "licence": asset.licence,
            "description": asset.description,
            "opt_in": asset.opt_in,
        }
        for name, asset in sorted(catalogue.ASSETS.items())
    ]


def needed_assets(name: str, find_suite: Callable[[str], Path]) -> list[str]:
    """Name the assets that an asset's or a suite's name stands for."""
    if name in catalogue.ASSETS:
        return [name]
    if name not in library.names("suites") and not Path(name).is_file():
        catalogue.find(name)
    return assets_of(find_suite(name))


def assets_of(suite: Path) -> list[str]:
    """Name the assets whose weights a suite's plug-ins rest on."""
    spec = load(suite, SuiteSpec)
    plugins = [bind("generators", item, suite.parent) for item in spec.generators]
    plugins += [bind("scorers", item, suite.parent) for item in spec.scorers]
    plugins += [encoder for bound in plugins for encoder in bound.encoders.values()]
    used = [name for bound in plugins for name in getattr(bound.plugin, "assets", ())]
    return list(dict.fromkeys(used))


def _present(name: str) -> bool:
    try:
        cache.locate(name)
    except AssetError:
        return False
    return True
