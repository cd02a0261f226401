"""Encoding says how far it is where there is something to encode, and nothing otherwise."""

from __future__ import annotations

from pathlib import Path

from harness.flow.run import run
from tests.flow.pictured import digits, write_suite


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.counts: dict[str, int] = {}

    def begin(self, stage: str, total: int, done: int) -> None:
        self.stages.append(stage)

    def advance(self, count: int, failed: int) -> None:
        self.counts[self.stages[-1]] = self.counts.get(self.stages[-1], 0) + count


def test_a_stage_is_told_once_there_is_something_to_do_and_hears_of_its_own_items(
    tmp_path: Path,
) -> None:
    suite = write_suite(tmp_path, digits("heldout", 1))
    text = suite.read_text()
    seen = "{encoder: {options: {model: digits-features}}}"
    scorers = f"- {{use: image-diversity, options: {seen}}}\n"
    named = scorers.replace("use:", "name: again, use:")
    suite.write_text(f"{text[: text.index('scorers:')]}scorers:\n  {scorers}  {named}")
    first, second = Heard(), Heard()
    run(suite, out=tmp_path / "run", progress=first)
    assert first.counts == {
        "generate model/default": 10,
        "encode vision": 10,
        "score image-diversity": 10,
        "score again": 10,
    }
    assert list(first.counts) == first.stages
    run(suite, out=tmp_path / "run", progress=second)
    assert second.stages == ["generate model/default"]
