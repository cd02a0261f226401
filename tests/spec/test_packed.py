"""Packed prompts read back as they were, and come longest first as a plan has them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness import digests
from harness.records import Prompt
from harness.spec.packed import Prompts

TEXT = st.text(st.characters(), max_size=12)
TAGS = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3)


@st.composite
def prompt(draw: st.DrawFn) -> Prompt:
    return Prompt(
        prompt_id=digests.of_bytes(draw(st.binary(max_size=3))),
        text=draw(TEXT),
        system=draw(st.none() | TEXT.filter(bool)),
        reference=draw(st.none() | TEXT.filter(bool)),
        tags=draw(TAGS),
    )


@given(st.lists(prompt(), max_size=20))
def test_prompts_read_back_as_they_were(prompts: list[Prompt]) -> None:
    packed = Prompts(prompts)
    assert list(packed) == prompts
    assert len(packed) == len(prompts)
    assert [list(one.tags) for one in packed] == [list(one.tags) for one in prompts]


@given(st.lists(prompt(), max_size=20))
def test_the_longest_come_first_and_the_rest_is_as_it_was(prompts: list[Prompt]) -> None:
    def length(one: Prompt) -> tuple[int, str]:
        return -len(one.text.encode("utf-8", "surrogatepass")), one.prompt_id

    packed = Prompts(prompts)
    ordered = packed.longest_first()
    assert [*map(length, ordered)] == sorted(map(length, prompts))
    assert list(ordered[2:5]) == list(ordered)[2:5]
    assert list(packed) == prompts
    assert list(ordered.longest_first()) == list(ordered)


@given(st.lists(prompt(), max_size=20))
def test_ids_are_read_alone_and_put_in_order(prompts: list[Prompt]) -> None:
    packed = Prompts(prompts)
    ids = [one.prompt_id for one in prompts]
    assert [*packed.ids()] == ids
    assert [*packed.by_id().ids()] == sorted(ids)
    assert [*packed[1:4].ids()] == ids[1:4]


@given(st.lists(prompt(), max_size=20))
def test_of_each_id_the_first_stays_where_it_was(prompts: list[Prompt]) -> None:
    wanted: dict[str, Prompt] = {}
    for one in prompts:
        wanted.setdefault(one.prompt_id, one)
    assert list(Prompts(prompts).distinct()) == list(wanted.values())
