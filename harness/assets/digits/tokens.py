"""The tokenizer of the digits models: CLIP's own kind, with merges for our captions' words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.assets.digits.pictures import TEMPLATES, WORDS

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

LONGEST = 16
"""Tokens in the models' window, the two at the ends included."""
_END_OF_WORD = "</w>"
_START, _END = "<|startoftext|>", "<|endoftext|>"


def tokenizer() -> CLIPTokenizer:
    """Make the tokenizer: every byte, and each known word as one token."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    words = sorted({word for text in (*TEMPLATES, *WORDS) for word in text.split()} - {"{}"})
    merges: list[tuple[str, str]] = []
    for word in words:
        pieces = [*word[:-1], word[-1] + _END_OF_WORD]
        while len(pieces) > 1:
            pair = (pieces[0], pieces[1])
            if pair not in merges:
                merges.append(pair)
            pieces[:2] = ["".join(pair)]
    known = [*letters, *(letter + _END_OF_WORD for letter in letters)]
    known += list(dict.fromkeys("".join(pair) for pair in merges))
    vocabulary = {piece: place for place, piece in enumerate([*known, _START, _END])}
    return CLIPTokenizer(
        vocab=vocabulary, merges=merges, pad_token=_END, model_max_length=LONGEST
    )
