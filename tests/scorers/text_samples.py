"""Samples of plain text for tests of scorers."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records import Case, Output, Prompt, Sample


def samples(texts: Sequence[str]) -> list[Sample]:
    """Wrap texts as what a scorer is shown."""
    return [sample(str(i), text) for i, text in enumerate(texts)]


def sample(name: str, text: str) -> Sample:
    case = Case(
        case_id=name,
        generator="g",
        strategy="s",
        params={},
        prompt=Prompt(prompt_id="p", text="Say something."),
        repeat=0,
        seed=0,
    )
    output = Output(
        output_id=name, case_id=name, batch_id="b", fingerprint="f", status="ok", text=text
    )
    return Sample(case=case, output=output, media=text)
