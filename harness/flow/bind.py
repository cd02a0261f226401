"""Names to plug-ins: find, check, construct and fingerprint; load nothing."""

from __future__ import annotations

import ast
import functools
import inspect
import json
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

import harness
from harness import digests, registry
from harness.errors import AlteredError, PluginError, RefusedError, SpecError
from harness.protocols import Bound, Encoding
from harness.spec.suite import PluginSpec

_ROOMS = ("generators", "scorers", "encoders", "metrics", "pictures")
_LONGEST = 63  # characters of a name


def bind(kind: str, spec: PluginSpec, base: Path) -> Bound:
    """Make the plug-in a suite names, ready to be entered.

    The fingerprint covers the plug-in's name, the package it came from, its
    source and that of the files of ours it is built on, its options, its weights and the
    versions of the libraries it requires. The harness computes it, never the
    plug-in, so nobody has to remember to bump a version. Options that the plug-in calls
    immaterial are left out by name.

    Args:
        kind: `generators`, `encoders` or `scorers`.
        spec: What the suite says of it.
        base: The suite's folder; relative paths in options start there.

    Raises:
        PluginError: There is no such plug-in, or it needs a package that is absent.
        SpecError: The options do not fit it.
    """
    cls, plugin = _made(kind, spec, base)
    encoders = _encoders(plugin, spec, base)
    immaterial = sorted(getattr(cls, "immaterial", ()))
    identity: dict[str, Any] = {
        "plugin": spec.use,
        "package": registry.names(kind)[spec.use],
        "source": _source(cls),
        "options": material(spec.options, immaterial),
        "weights": dict(plugin.weights),
        "packages": {name: _version(name, spec) for name in plugin.requires},
        "kind": getattr(plugin, "identity", "code"),
    }
    if immaterial:
        identity["immaterial"] = immaterial
    references = dict(plugin.references) if encoders else {}
    if encoders:
        asked = {name: reference.digest for name, reference in references.items()}
        prints = {name: encoder.fingerprint for name, encoder in encoders.items()}
        identity |= {"encoders": prints, "references": asked}
    return Bound(
        name=spec.name,
        use=spec.use,
        plugin=plugin,
        fingerprint=digests.of_json([kind, identity]),
        identity=identity,
        encoders=encoders,
        references=references,
    )


def bind_recorded(spec: PluginSpec, recorded: Mapping[str, Any]) -> Bound:
    """Make a scorer again as a run recorded it, on a machine that may have none of its files.

    Its source has to be the one that is installed here; what weights, encoders, datasets
    and packages it had is taken from the record. Nothing on this machine is looked at.

    Args:
        spec: What the run's suite says of it.
        recorded: Its `identity` and `fingerprint` in the run's manifest.

    Raises:
        PluginError: There is no such plug-in here.
        AlteredError: The record contradicts itself, or the suite.
        RefusedError: Another version of the plug-in is installed.
    """
    identity = dict(recorded["identity"])
    cls, plugin = _made("scorers", spec, Path())
    asked = material(spec.options, identity.get("immaterial", ()))
    said = {"plugin": spec.use, "options": digests.plain(asked)}
    wrong = [name for name, value in said.items() if identity.get(name) != value]
    if wrong or digests.of_json(["scorers", identity]) != recorded["fingerprint"]:
        raise AlteredError(
            "what the run records of a scorer contradicts itself", where=f"scorer {spec.name!r}"
        )
    if identity["source"] != _source(cls):
        raise RefusedError(
            "the scorer that is installed here is not the one that scored the run",
            where=f"scorer {spec.name!r}, made by {identity['package']}",
            fix="verify with the version of harness, or of the plug-in, that made the run",
        )
    encoders = {
        name: Bound(name=name, use="", plugin=None, fingerprint=one)
        for name, one in identity.get("encoders", {}).items()
    }
    return Bound(
        name=spec.name,
        use=spec.use,
        plugin=plugin,
        fingerprint=recorded["fingerprint"],
        identity=identity,
        encoders=encoders,
    )


def material(options: Mapping[str, Any], immaterial: Collection[str]) -> dict[str, Any]:
    """The options that an identity holds: all but those that no answer depends on."""
    return {name: value for name, value in options.items() if name not in immaterial}


def _made(kind: str, spec: PluginSpec, base: Path) -> tuple[type[Any], Any]:
    """Find a plug-in's class, check the options, and construct it."""
    try:
        cls = registry.load(kind, spec.use)
    except PluginError as error:
        raise _placed(error, spec) from error
    try:
        options = cls.Options.model_validate_json(
            json.dumps(spec.options), context={"base": base}
        )
    except ValidationError as error:
        raise misfit(spec, cls, error) from error
    return cls, cls(options)


def _encoders(plugin: Any, spec: PluginSpec, base: Path) -> dict[str, Bound]:
    """Bind the encoders that a scorer asks for."""
    return {
        name: bind("encoders", _named(spec, name, one), base)
        for name, one in getattr(plugin, "encoders", {}).items()
    }


def _named(spec: PluginSpec, name: str, asked: Encoding) -> PluginSpec:
    """An encoder, named and placed by the option of the scorer that speaks of it."""
    said = {k: v for k, v in spec.options.items() if isinstance(v, Mapping)}
    wanted = dict(asked.options)
    key = next((k for k, v in said.items() if wanted in (v, v.get("options", {}))), name)
    named = f"{spec.name}.{key}"[:_LONGEST]
    encoder = PluginSpec(use=asked.use, name=named, options=wanted)
    encoder.written_at(lambda _: spec.place("options", key))
    return encoder


def _placed(error: PluginError, spec: PluginSpec) -> PluginError:
    """Say in which line of the suite the plug-in is named."""
    where = "; ".join(filter(None, (spec.place("use"), error.where)))
    return PluginError(str(error.args[0]), where=where, fix=error.fix)


def misfit(spec: PluginSpec, cls: type[Any], error: ValidationError) -> SpecError:
    """Say what does not fit in a plug-in's options, each with its line in the suite."""
    known = cls.Options.model_fields
    lines = []
    for problem in error.errors():
        key = ".".join(str(step) for step in problem["loc"])
        said, hint = problem["msg"], ""
        if problem["type"] == "extra_forbidden":
            said, hint = "there is no such option", registry.suggest(key, known)
        elif problem["type"] == "value_error":
            said = str(problem["ctx"]["error"])
        elif problem["type"] in {"missing", "literal_error"} and key in known:
            said, hint = _wanted(key, known[key], said)
        named = f"options.{key}" if key else "options"
        lines.append("; ".join(filter(None, (f"{named}: {said}", hint))))
        if line := spec.place("options", *problem["loc"]):
            lines[-1] = f"{line}: {lines[-1]}"
    return SpecError(
        f"the options of {spec.name!r} do not fit {spec.use!r}",
        where="\n         ".join(lines),
        fix=f"its options are: {', '.join(known) or 'none'}",
    )


def _wanted(key: str, field: FieldInfo, said: str) -> tuple[str, str]:
    """Say what an option is for, and what to write where only one value will do."""
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    hint = f"write `{key}: {json.dumps(choices[0])}`" if len(choices) == 1 else ""
    return " - ".join(filter(None, (said, field.description))), hint


def _version(distribution: str, spec: PluginSpec) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError as error:
        raise PluginError(
            f"{spec.use!r} needs {distribution}, which is not installed",
            where=spec.place("use"),
            fix=f"pip install {distribution}",
        ) from error


def _source(cls: type[Any]) -> str:
    """Digest of the plug-in's file, and of all files of our rooms that it is built on."""
    own = Path(inspect.getfile(cls)).resolve()
    used = sorted(_built_on(own))
    return digests.of_json([digests.of_file(own), [digests.of_file(path) for path in used]])


@functools.cache
def _built_on(own: Path) -> frozenset[Path]:
    """Files of plug-ins, encoders and metrics that a file imports, however indirectly.

    Intervals are not among them: a scorer's readings do not depend on how they
    are summed up afterwards, so a better interval reads no output again.
    """
    found: set[Path] = set()
    todo = [own]
    while todo:
        fresh = set(_imported(todo.pop())) - found - {own}
        todo += fresh
        found |= fresh
    return frozenset(found)


def _imported(path: Path) -> Iterator[Path]:
    """The files of our rooms that one file imports."""
    root = Path(harness.__file__).resolve().parent
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            package, *steps = name.split(".")
            if package == "harness" and steps and steps[0] in _ROOMS:
                place = root.joinpath(*steps)
                files = (place.with_suffix(".py"), place / "__init__.py")
                yield from (file for file in files if file.is_file())
