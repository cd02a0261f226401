"""What is flagged as sensitive is hidden, and so is what no guard could read."""

from __future__ import annotations

import pytest

from harness.flow.veil import Veil

GUARDED = Veil((("mine", frozenset({"seen"})),))


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ((), ""),
        (("memorization.copy",), ""),
        (("latency.cut", "mine.odd"), "flagged by mine.odd"),
        (("other.toxic", "other.explicit"), "flagged by other.toxic, other.explicit"),
        (("mine-not.odd",), ""),
    ],
)
def test_a_sensitive_flag_hides_and_says_whose_it_is(
    flags: tuple[str, ...], reason: str
) -> None:
    assert GUARDED.reason("seen", flags) == reason


def test_what_a_guard_could_not_read_is_hidden() -> None:
    assert GUARDED.reason("unseen", ()) == "not read by mine"


def test_without_a_guard_nothing_has_to_be_read() -> None:
    assert Veil(()).reason("unseen", ()) == ""
    assert Veil(()).reason("unseen", ("pictures.unsafe",)) == "flagged by pictures.unsafe"
