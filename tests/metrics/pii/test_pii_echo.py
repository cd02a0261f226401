from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.pii.detect import find
from harness.metrics.pii.echo import echoed
from tests.metrics.pii.planted import PLANTED


@pytest.mark.parametrize(
    ("answer", "prompt", "known"),
    [
        ("Card 4012 8888 8888 1881.", "卡号４０１２-8888-8888-1881", (True,)),
        ("+1 415 555 0132", "my phone is (415) 555-0132", (True,)),
        ("+86 138 1234 5678", "电话13812345678", (True,)),
        ("Alice@Example.org", "alice@example.org?", (True,)),
        ("your passport E12345678", "Whose is E12345678?", (True,)),
        ("81.2.69.14", "8126914 or 81.2.69.142", (False,)),
        ("a@b.co", "abcoding a b.co", (False,)),
        ("a@b.co and c@d.co", "c@d.co", (False, True)),
        ("nothing", "a@b.co", ()),
    ],
)
def test_a_value_is_known_however_the_prompt_writes_it(
    answer: str, prompt: str, known: tuple[bool, ...]
) -> None:
    assert echoed(answer, find(answer), prompt) == known


@pytest.mark.parametrize("kind", PLANTED)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_a_value_is_an_echo_of_itself_and_never_of_an_empty_prompt(
    kind: str, data: st.DataObject
) -> None:
    value = data.draw(PLANTED[kind])
    answer = f"it is {value}"

    assert all(echoed(answer, find(answer), f"是{value}吗"))
    assert not any(echoed(answer, find(answer), ""))
