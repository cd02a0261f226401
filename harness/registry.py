"""Find plug-ins by name, and import only the one that was asked for.

Built-ins are declared as entry points in our own pyproject.toml, so they have
no privilege over anyone else's. Local code registers with the decorator.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from harness.errors import PluginError

KINDS = ("generators", "scorers", "reporters", "executors")
_EXTRAS = {"detoxify": "detoxify", "pyarrow": "harness", "torch": "harness"}
_local: dict[tuple[str, str], type[Any]] = {}


def plugin(kind: str, name: str) -> Callable[[type[Any]], type[Any]]:
    """Register a class of the running process under a name.

    Raises:
        PluginError: The name is taken, or there is no such kind.
    """
    if kind not in KINDS:
        raise PluginError(f"no kind of plug-in is called {kind!r}", fix=f"one of {KINDS}")

    def add(cls: type[Any]) -> type[Any]:
        if _local.setdefault((kind, name), cls) is not cls or _points(kind, name):
            raise PluginError(f"{kind} {name!r} is registered twice", where=cls.__module__)
        return cls

    return add


def names(kind: str) -> dict[str, str]:
    """Each known name of a kind, with where it comes from. Imports nothing.

    Raises:
        PluginError: There is no such kind.
    """
    if kind not in KINDS:
        raise PluginError(f"no kind of plug-in is called {kind!r}", fix=suggest(kind, KINDS))
    found = {name: cls.__module__ for (k, name), cls in _local.items() if k == kind}
    for point in entry_points(group=f"harness.{kind}"):
        found.setdefault(point.name, _origin(point))
    return dict(sorted(found.items()))


def load(kind: str, name: str) -> type[Any]:
    """Import the class registered under a name.

    Raises:
        PluginError: No one, or more than one package, registers the name; or
            the module that holds it needs a package that is not installed.
    """
    if (kind, name) in _local:
        return _local[kind, name]
    points = _points(kind, name)
    if not points:
        raise PluginError(
            f"no {kind[:-1]} is named {name!r}",
            fix=suggest(name, names(kind)) or f"see them with `harness list {kind}`",
        )
    if len(points) > 1:
        claims = " and ".join(_origin(p) for p in points)
        raise PluginError(f"{kind[:-1]} {name!r} is claimed by {claims}", fix="uninstall one")
    try:
        cls: type[Any] = points[0].load()
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        raise PluginError(
            f"{kind[:-1]} {name!r} cannot be imported: {error}",
            where=points[0].value,
            fix=f"pip install {_EXTRAS.get(missing, missing)}" if missing else "",
        ) from error
    return cls


def suggest(word: str, known: object) -> str:
    """Say `did you mean ...?` where a known word is close, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)  # type: ignore[call-overload]
    return f"did you mean {near[0]!r}?" if near else ""


def _points(kind: str, name: str) -> list[EntryPoint]:
    return list(entry_points(group=f"harness.{kind}", name=name))


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
