"""Ids of 32 bytes: packed as their texts say, sorted as their texts are."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import digests, ids
from harness.errors import AlteredError

NAMES = st.lists(st.integers(0, 9).map(lambda n: digests.of_bytes(bytes([n]))), max_size=30)
ALIKE = st.lists(st.integers(0, 9).map(lambda n: "ab" * 16 + f"{n:032x}"), max_size=30)
"""Ids that all begin alike."""


@given(NAMES | ALIKE, st.integers(1, 7))
def test_ids_are_sorted_as_their_texts(names: list[str], cut: int) -> None:
    chunks = [ids.packed(names[at : at + cut]) for at in range(0, len(names), cut)]
    found = pa.chunked_array(chunks, pa.binary(ids.BYTES))
    assert [one.hex() for one in found.to_pylist()] == names
    order, new = ids.in_order(ids.numbers(found.slice(0)))
    assert order.tolist() == sorted(range(len(names)), key=lambda row: (names[row], row))
    ranked = [names[row] for row in order]
    assert [ranked[place] for place in new.nonzero()[0]] == sorted(set(names))


def test_a_part_of_a_table_is_read_from_its_own_start() -> None:
    names = [digests.of_bytes(bytes([n])) for n in range(5)]
    found = pa.chunked_array([ids.packed(names)]).slice(2, 2)
    assert [row.astype(">u8").tobytes().hex() for row in ids.numbers(found)] == names[2:4]


@pytest.mark.parametrize(
    "name", ["", "ab", "A" * 64, "g" * 64, "a" * 63 + " ", "a" * 66, "é" * 64, None]
)
def test_what_is_no_digest_is_refused(name: str) -> None:
    with pytest.raises(AlteredError, match="no digest"):
        ids.packed(["0" * 64, name])
