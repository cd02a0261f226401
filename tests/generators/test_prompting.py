"""What a model reads of a case: its text as it stands, or in the model's chat template."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from harness.generators.prompting import Chat, misfit, text_of, tokens_of
from tests.generators.tiny_model import case, save, tiny, words

TEMPLATE = "{% for turn in messages %}[{{ turn.role }}] {{ turn.content }} {% endfor %}"


@pytest.mark.parametrize(
    ("chat", "system", "text"),
    [
        ("never", None, "w5 w6"),
        ("never", "w4", "w4\n\nw5 w6"),
        ("auto", None, "[user] w5 w6 "),
        ("auto", "w4", "[system] w4 [user] w5 w6 "),
    ],
)
def test_a_case_is_read_as_it_stands_or_by_the_template(
    tmp_path: Path, chat: Chat, system: str | None, text: str
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(save(tmp_path, tiny(1)))
    tokenizer.chat_template = TEMPLATE
    assert text_of(tokenizer, case("w5 w6"), chat=chat, system=system) == text


def test_an_empty_prompt_is_the_token_that_ends_a_text(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(save(tmp_path, tiny(1)))
    cases = [case(words([7, 8])), case("")]
    read = tokens_of(tokenizer, cases, chat="auto", system=None)
    assert read == [[7, 8], [tokenizer.eos_token_id]]


def test_a_prompt_fits_with_its_answer_in_the_window_or_says_why_not() -> None:
    assert misfit(4, 6, 10) is None
    for length, longest in ((0, 1), (5, 6)):
        assert misfit(length, longest, 10) is not None
