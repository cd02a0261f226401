"""Names to plug-ins: find, check, construct and fingerprint; load nothing."""

from __future__ import annotations

import functools
import inspect
import json
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import harness
from harness import digests, registry
from harness.errors import PluginError, SpecError
from harness.protocols import Bound
from harness.spec.suite import PluginSpec

_IMPORT = re.compile(r"^\s*from harness\.(?:generators|scorers)\.(\w+) import", re.MULTILINE)


def bind(kind: str, spec: PluginSpec, base: Path) -> Bound:
    """Make the plug-in a suite names, ready to be entered.

    The fingerprint covers the plug-in's name, the package it came from, its
    source and that of the rooms it builds on, its options, its weights and the
    versions of the libraries it requires. The harness computes it, never the
    plug-in, so nobody has to remember to bump a version.

    Args:
        kind: `generators` or `scorers`.
        spec: What the suite says of it.
        base: The suite's folder; relative paths in options start there.

    Raises:
        PluginError: There is no such plug-in, or it needs a package that is absent.
        SpecError: The options do not fit it.
    """
    cls = registry.load(kind, spec.use)
    try:
        options = cls.Options.model_validate_json(
            json.dumps(spec.options), context={"base": base}
        )
    except ValidationError as error:
        raise _misfit(spec, cls, error) from error
    plugin = cls(options)
    identity = {
        "plugin": spec.use,
        "package": registry.names(kind)[spec.use],
        "source": _source(cls, kind),
        "options": spec.options,
        "weights": dict(plugin.weights),
        "packages": {name: _version(name, spec.use) for name in plugin.requires},
        "kind": getattr(plugin, "identity", "code"),
    }
    return Bound(
        name=spec.name,
        use=spec.use,
        plugin=plugin,
        fingerprint=digests.of_json([kind, identity]),
        identity=identity,
    )


def _misfit(spec: PluginSpec, cls: type[Any], error: ValidationError) -> SpecError:
    known = cls.Options.model_fields
    lines = []
    for problem in error.errors():
        key = ".".join(str(step) for step in problem["loc"])
        hint = registry.suggest(key, known) if problem["type"] == "extra_forbidden" else ""
        lines.append(f"options.{key}: {problem['msg']}{'; ' + hint if hint else ''}")
    return SpecError(
        f"the options of {spec.name!r} do not fit {spec.use!r}",
        where="\n         ".join(lines),
        fix=f"its options are: {', '.join(known) or 'none'}",
    )


def _version(distribution: str, plugin: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError as error:
        raise PluginError(
            f"{plugin!r} needs {distribution}, which is not installed",
            fix=f"pip install {distribution}",
        ) from error


def _source(cls: type[Any], kind: str) -> str:
    """Digest of the plug-in's file, of its neighbours that it imports, and of shared rooms."""
    own = Path(inspect.getfile(cls)).resolve()
    names = sorted(_neighbours(own))
    return digests.of_json(
        [digests.of_file(own), [digests.of_file(path) for path in names], _shared_rooms(kind)]
    )


def _neighbours(own: Path) -> set[Path]:
    """Files of one of our own rooms that a plug-in there imports, however indirectly."""
    root = Path(harness.__file__).resolve().parent
    found: set[Path] = set()
    todo = [own] if own.parent.parent == root else []
    while todo:
        source = todo.pop().read_text(encoding="utf-8")
        near = {own.with_name(f"{name}.py") for name in _IMPORT.findall(source)}
        fresh = {path for path in near - found - {own} if path.is_file()}
        todo += fresh
        found |= fresh
    return found


@functools.cache
def _shared_rooms(kind: str) -> str:
    """Digest of the rooms a kind builds on: a generator never computes a metric."""
    root = Path(harness.__file__).parent
    rooms = ("encoders",) if kind == "generators" else ("encoders", "metrics")
    paths = sorted(p for room in rooms for p in (root / room).rglob("*.py"))
    return digests.of_json([digests.of_file(path) for path in paths])
