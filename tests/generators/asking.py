"""Cases to ask a generator in a test."""

from __future__ import annotations

from harness.records import Case, Prompt


def case(text: str, repeat: int = 0, seed: int = 7) -> Case:
    """One case of one prompt."""
    return Case(
        case_id=f"{text}-{repeat}", generator="g", strategy="s", params={},
        prompt=Prompt(prompt_id=text, text=text), repeat=repeat, seed=seed,
    )  # fmt: skip
