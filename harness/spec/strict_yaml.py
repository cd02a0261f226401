"""YAML that means one thing: plain values, each with its line, or a list of what is wrong.

PyYAML reads YAML 1.1, keeps the last of two equal keys, expands aliases and
builds objects from tags. This reader takes only its events and makes values by
the core schema of YAML 1.2. Anchors, aliases, merge keys and tags are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from harness.spec.misfits import Misfits, shown

MAX_DEPTH = 32
MAX_NODES = 100_000

Loc = tuple[str | int, ...]

_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True}
_WORDS |= {"false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_PREFIXED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_QUOTE = "indent with spaces, and quote text that holds `: ` or ` #` or starts with a sign"


@dataclass(slots=True)
class Source:
    """A file's value, and the line of each part of it by its path.

    `lines` has each value's line and `key_lines` the line of the key before
    it. `doubtful` are paths whose value could not be read and is None instead.
    """

    value: Any = None
    lines: dict[Loc, int] = field(default_factory=dict)
    key_lines: dict[Loc, int] = field(default_factory=dict)
    doubtful: set[Loc] = field(default_factory=set)

    def line(self, loc: Loc) -> int:
        """The line of a path, or of the nearest thing around it that has one."""
        return self.lines[self.known(loc)] if self.lines else 1

    def known(self, loc: Loc) -> Loc:
        """The longest start of a path that is in the file."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return loc


def read(text: str, misfits: Misfits) -> Source:
    """Read one YAML document, adding to `misfits` what can be stepped over.

    Raises:
        SpecError: The text is not YAML, is empty, or is too deep or too large to go on.
    """
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        return _Reader(loader, misfits).document()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        misfits.add(
            line, f"a character that may not stand in YAML: {shown(chr(error.character))}"
        )
    except yaml.MarkedYAMLError as error:
        misfits.add(_where(error), *_plainly(error))
    except (ValueError, OverflowError):  # PyYAML lets chr() fail on "\U99999999"
        line = loader.line + 1 if loader else 1
        misfits.add(line, "not valid YAML: an escape that names no character")
    raise misfits.error()


def _where(error: yaml.MarkedYAMLError) -> int:
    """The line of an error; of what is never closed, the line where it opens."""
    marks = [error.problem_mark, error.context_mark]
    if "end of stream" in str(error.problem):
        marks.reverse()
    return next((mark.line + 1 for mark in marks if mark), 1)


def _plainly(error: yaml.MarkedYAMLError) -> tuple[str, str]:
    problem = str(error.problem)
    if r"'\t'" in problem:
        return "not valid YAML: a tab where only spaces may stand", "indent with spaces"
    return f"not valid YAML: {problem}", _QUOTE


class _Reader:
    """Makes values of PyYAML's events; recursion is bounded by MAX_DEPTH."""

    def __init__(self, loader: yaml.SafeLoader, misfits: Misfits) -> None:
        self._events: Iterator[yaml.Event] = iter(loader.get_event, None)
        self._misfits = misfits
        self._source = Source()
        self._nodes = 0

    def document(self) -> Source:
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            self._misfits.add(0, "the file is empty")
            raise self._misfits.error()
        self._source.value = self._node(next(self._events), ())
        next(self._events)  # the end of the document
        extra = next(self._events)
        if not isinstance(extra, yaml.StreamEndEvent):
            self._misfits.add(_line(extra), "a second document begins; one file holds one")
        return self._source

    def _node(self, event: yaml.Event, loc: Loc) -> Any:
        self._source.lines[loc] = _line(event)
        self._bound(event, loc)
        self._refuse_marks(event, loc)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(loc)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(loc)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, loc)
        return self._refuse(event, loc, "an alias (`*`)", "write the value out")

    def _bound(self, event: yaml.Event, loc: Loc) -> None:
        self._nodes += 1
        if len(loc) > MAX_DEPTH:
            self._misfits.add(_line(event), f"nested deeper than {MAX_DEPTH} levels")
        elif self._nodes > MAX_NODES:
            self._misfits.add(_line(event), f"more than {MAX_NODES} values in one file")
        else:
            return
        raise self._misfits.error()

    def _refuse_marks(self, event: yaml.Event, loc: Loc) -> None:
        if not isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            return
        if event.anchor:
            self._refuse(event, loc, f"an anchor (`&{event.anchor}`)", "write the value out")
        if event.tag:
            self._refuse(event, loc, f"a tag ({shown(event.tag)})", "leave it out")

    def _refuse(self, event: yaml.Event, loc: Loc, what: str, fix: str) -> None:
        self._source.doubtful.add(loc)
        self._misfits.add(_line(event), f"{what} is not allowed here", fix)

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, at = self._key(event, loc), (*loc, -1)
            if key is not None:
                at = (*loc, key)
                fresh = self._note_key(event, at, seen=key in found)
                value = self._node(next(self._events), at if fresh else (*loc, -1))
                if fresh:
                    found[key] = value
            else:
                self._node(next(self._events), at)
        return found

    def _key(self, event: yaml.Event, loc: Loc) -> str | None:
        """Read a key, always as text; None where there can be no such key."""
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse(
                event, loc, "a key that is not text", "write a plain word before the `:`"
            )
            if not isinstance(event, yaml.AliasEvent):
                self._node(event, (*loc, -1))
            return None
        self._refuse_marks(event, loc)
        if event.value == "<<" and event.implicit[0]:
            self._refuse(event, (*loc, -1), "a merge key (`<<`)", "write the keys out")
            return None
        return self._text(event, loc)

    def _note_key(self, event: yaml.Event, at: Loc, *, seen: bool) -> bool:
        if seen:
            first = self._source.key_lines[at]
            self._misfits.add(
                _line(event), f"the key {shown(at[-1])} is already on line {first}", "keep one"
            )
            return False
        self._source.key_lines[at] = _line(event)
        return True

    def _sequence(self, loc: Loc) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, (*loc, len(found))))
        return found

    def _scalar(self, event: yaml.ScalarEvent, loc: Loc) -> Any:
        text = event.value
        if not event.implicit[0]:
            return self._text(event, loc)
        if text in _WORDS:
            return _WORDS[text]
        if _LEADING_ZERO.fullmatch(text):
            return self._refuse(
                event, loc, f"the number {shown(text)}", "drop the leading zero, or quote it"
            )
        if _INTEGER.fullmatch(text) or _PREFIXED.fullmatch(text):
            return self._integer(event, loc)
        if _NOT_FINITE.fullmatch(text) or _FLOAT.fullmatch(text):
            return self._float(event, loc)
        return self._text(event, loc)

    def _integer(self, event: yaml.ScalarEvent, loc: Loc) -> int | None:
        if len(event.value) > 24 or abs(number := int(event.value, 0)) >= 2**63:
            self._refuse(
                event, loc, f"a number beyond 63 bits ({shown(event.value)})", "quote it"
            )
            return None
        return number

    def _float(self, event: yaml.ScalarEvent, loc: Loc) -> float | None:
        plain = not _NOT_FINITE.fullmatch(event.value)
        if plain and math.isfinite(number := float(event.value)):
            return number
        self._refuse(
            event, loc, f"{event.value[:40]}, which is no finite number,", "give a number"
        )
        return None

    def _text(self, event: yaml.ScalarEvent, loc: Loc) -> str:
        value = str(event.value)
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            self._refuse(event, loc, "half of a surrogate pair", "write the character itself")
            return ""
        return value


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
