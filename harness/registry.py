"""Find plug-ins by name, and import only the one that was asked for.

Built-ins are declared as entry points in our own pyproject.toml, so they have
no privilege over anyone else's. Local code registers with the decorator.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from harness.errors import PluginError

KINDS = ("generators", "encoders", "scorers", "reporters", "executors")
_local: dict[tuple[str, str], type[Any]] = {}


def plugin(kind: str, name: str) -> Callable[[type[Any]], type[Any]]:
    """Register a class of the running process under a name.

    Registering the same class again replaces it, so that a notebook's cell can be
    run twice.

    Raises:
        PluginError: The name is taken by another class, or there is no such kind.
    """
    _check(kind)

    def add(cls: type[Any]) -> type[Any]:
        taken = [_origin(point) for point in _points(kind, name)]
        known = _local.get((kind, name), cls)
        if _address(known) != _address(cls):
            taken.append(_address(known))
        if taken:
            raise _claimed(kind, name, [*taken, _address(cls)])
        _local[kind, name] = cls
        return cls

    return add


def names(kind: str) -> dict[str, str]:
    """Each known name of a kind, with where it comes from. Imports nothing.

    Raises:
        PluginError: There is no such kind.
    """
    _check(kind)
    found = {name: [cls.__module__] for (k, name), cls in _local.items() if k == kind}
    for point in _installed(kind, tuple(sys.path)):
        found.setdefault(point.name, []).append(_origin(point))
    return {name: " and ".join(found[name]) for name in sorted(found)}


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
        raise _claimed(kind, name, [_origin(point) for point in points])
    try:
        cls: type[Any] = points[0].load()
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"{kind[:-1]} {name!r} of {_origin(points[0])} cannot be imported: {error}",
            where=points[0].value,
            fix=_cure(error),
        ) from error
    return cls


def suggest(word: str, known: Iterable[str]) -> str:
    """Say `did you mean ...?` where a known word is close, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def _check(kind: str) -> None:
    if kind not in KINDS:
        hint = suggest(kind, KINDS) or f"one of {', '.join(KINDS)}"
        raise PluginError(f"no kind of plug-in is called {kind!r}", fix=hint)


def _cure(error: ImportError | AttributeError) -> str:
    """Name the missing module; the package that holds it is most often called the same."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"pip install {error.name.partition('.')[0]}"
    return "upgrade or uninstall that package"


def _claimed(kind: str, name: str, claims: list[str]) -> PluginError:
    fix = "uninstall one, or rename your own"
    return PluginError(f"{kind[:-1]} {name!r} is claimed by {' and '.join(claims)}", fix=fix)


def _points(kind: str, name: str) -> list[EntryPoint]:
    return [point for point in _installed(kind, tuple(sys.path)) if point.name == name]


@cache
def _installed(kind: str, _: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """What packages declare, read once for each search path."""
    return tuple(entry_points(group=f"harness.{kind}"))


def _address(cls: type[Any]) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
