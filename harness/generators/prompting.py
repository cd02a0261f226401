"""What a language model reads of a case, the same for every generator that opens one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from harness.encoders.language_model import edge_of
from harness.records import Case, Failure

Chat = Literal["auto", "never"]


def tokens_of(
    tokenizer: Any, cases: Sequence[Case], *, chat: Chat, system: str | None
) -> list[list[int]]:
    """The tokens of each prompt; of an empty one, the token that begins or ends a text.

    Args:
        tokenizer: One of transformers.
        cases: The cases.
        chat: Whether the tokenizer's chat template is used where it has one.
        system: The system prompt of a case without one of its own.
    """
    texts = [text_of(tokenizer, case, chat=chat, system=system) for case in cases]
    plain = not _templated(tokenizer, chat)
    read = tokenizer(texts, add_special_tokens=plain, verbose=False)["input_ids"]
    edge = edge_of(tokenizer)
    return [list(ids) or ([] if edge is None else [edge]) for ids in read]


def text_of(tokenizer: Any, case: Case, *, chat: Chat, system: str | None) -> str:
    """The text that the model reads of a case."""
    system, asked = case.prompt.system or system, case.prompt.text
    if not _templated(tokenizer, chat):
        return f"{system}\n\n{asked}" if system else asked
    turns = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": asked})
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return str(text)


def misfit(length: int, longest: int, window: int) -> Failure | None:
    """Why a prompt of so many tokens cannot be answered by up to `longest` new ones."""
    if not length:
        return Failure("the prompt has no tokens")
    if length + longest > window:
        return Failure(
            f"{length} prompt tokens and {longest} new ones exceed the model's window "
            f"of {window}: lower max_new_tokens or shorten the prompt"
        )
    return None


def _templated(tokenizer: Any, chat: Chat) -> bool:
    return chat == "auto" and bool(tokenizer.chat_template)
