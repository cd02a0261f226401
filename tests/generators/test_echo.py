"""The echo: repeats, mixes by the seed, and fails when told to."""

from typing import Any

import pytest

from harness.generators.echo import Echo
from harness.records import Generated
from tests.generators.asking import case


def said(text: str, seed: int = 7, **options: Any) -> str:
    (answer,) = Echo(Echo.Options(**options)).generate([case(text, seed=seed)])
    assert isinstance(answer, Generated)
    assert isinstance(answer.media, str)
    return answer.media


def test_it_repeats_the_prompt() -> None:
    assert said("one two") == "one two"
    assert said("one two", times=3) == "one two one two one two"


def test_mixing_keeps_the_words_and_depends_on_the_seed_alone() -> None:
    text = " ".join(f"w{n}" for n in range(40))
    mixed = said(text, shuffle=True)
    assert mixed != text
    assert sorted(mixed.split()) == sorted(text.split())
    assert said(text, shuffle=True) == mixed
    assert said(text, seed=8, shuffle=True) != mixed


def test_neighbours_in_a_batch_change_nothing() -> None:
    echo = Echo(Echo.Options(shuffle=True))
    alone = [echo.generate([case(t, seed=n)])[0] for n, t in enumerate(["a b c", "d e f"])]
    assert echo.generate([case("a b c", seed=0), case("d e f", seed=1)]) == alone


def test_it_fails_on_the_prompt_it_is_told_to() -> None:
    with pytest.raises(ValueError, match="asked to fail"):
        said("boom", fail_on="boom")
    assert said("fine", fail_on="boom") == "fine"
