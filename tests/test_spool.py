"""Texts that lie on disk read back as they were, and take no memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import digests
from harness.generators.file_texts import Texts
from harness.records import Prompt
from harness.spec.packed import Prompts
from harness.spool import Spool

LONG, MANY = 10_000, 2_000


@given(st.lists(st.text(st.characters(), max_size=20), max_size=20))
def test_texts_read_back_while_more_are_added(texts: list[str]) -> None:
    spool, start = Spool(), 0
    for text in texts:
        end = spool.add(text)
        assert spool.read(start, end).decode("utf-8", "surrogatepass") == text
        start = end


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system has no /proc")
def test_the_file_goes_with_its_object() -> None:
    def held() -> set[str]:
        folder = Path("/proc/self/fd")
        return {str(one.readlink()) for one in folder.iterdir() if one.is_symlink()}

    before = held()
    spool = Spool()
    spool.read(0, spool.add("text"))
    assert len(held() - before) == 1
    del spool
    assert not held() - before


def test_long_texts_take_no_memory() -> None:
    Texts([("", "")])  # imports, which are not counted
    tracemalloc.start()
    try:
        made = Prompts(
            Prompt(prompt_id=digests.of_bytes(b"%d" % n), text=f"{n} {'x' * LONG}", tags={})
            for n in range(MANY)
        )
        texts = Texts((f"{n} {'p' * LONG}", f"{n} {'a' * LONG}") for n in range(MANY))
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert made[7].text == f"7 {'x' * LONG}"
    assert texts.of(f"7 {'p' * LONG}") == [f"7 {'a' * LONG}"]
    assert taken < MANY * 400
