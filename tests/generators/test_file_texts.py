"""Texts are found by their prompt as in a dictionary of lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.generators.file_texts import Texts
from harness.records import Failure

PROMPTS = st.sampled_from(["", "a", "ab", "b", "\ud800", "é", "a" * 40])
OUTPUTS = st.text(st.characters(), max_size=6) | st.integers() | st.none()


@given(st.lists(st.tuples(PROMPTS, OUTPUTS), max_size=20))
def test_texts_are_those_of_a_dictionary(pairs: list[tuple[str, object]]) -> None:
    wanted: dict[str, list[object]] = {}
    for prompt, output in pairs:
        wanted.setdefault(prompt, []).append(output)
    texts = Texts(pairs)
    for prompt in ("", "a", "ab", "b", "\ud800", "é", "a" * 40, "absent"):
        assert [
            one.reason if isinstance(one, Failure) else one for one in texts.of(prompt)
        ] == [
            one
            if isinstance(one, str)
            else f"the file's output is {type(one).__name__}, not text"
            for one in wanted.get(prompt, [])
        ]


class Alike(str):
    """Texts that all have one hash."""

    def __hash__(self) -> int:
        return 7


def test_prompts_of_one_hash_are_told_apart() -> None:
    texts = Texts([(Alike("a"), "1"), (Alike("b"), "2"), (Alike("a"), "3")])
    assert texts.of(Alike("a")) == ["1", "3"]
    assert texts.of(Alike("b")) == ["2"]
    assert texts.of(Alike("c")) == []
