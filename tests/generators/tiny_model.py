"""A causal language model of a few thousand parameters, and a folder that holds one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from harness.digests import of_json
from harness.generators.transformers import Transformers
from harness.records import Case, Failure, Generated, Prompt

PAD, EOS = 0, 1
SPECIAL = ["<pad>", "<eos>"]


def tiny(seed: int, vocabulary: int = 50, window: int = 256) -> Any:
    """A random model whose next tokens are neither sure nor all alike."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=window,
        initializer_range=0.35,
        tie_word_embeddings=False,
        pad_token_id=PAD,
        bos_token_id=None,
        eos_token_id=EOS,
    )
    return LlamaForCausalLM(config).float().eval()


def prompts(seed: int, lengths: Sequence[int], vocabulary: int = 50) -> list[list[int]]:
    """Random prompts without special tokens."""
    draw = torch.Generator().manual_seed(seed)
    return [torch.randint(4, vocabulary, (n,), generator=draw).tolist() for n in lengths]


def padded(rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask, padded on the left."""
    width = max(map(len, rows))
    ids = torch.tensor([[PAD] * (width - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


def words(ids: Sequence[int]) -> str:
    """The text that the folder's tokenizer reads as these ids."""
    return " ".join(f"w{i}" for i in ids)


def save(folder: Path, model: Any) -> Path:
    """Write the model with a tokenizer that knows one word an id, and adds nothing."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    size = model.config.vocab_size
    names = SPECIAL + [f"w{i}" for i in range(len(SPECIAL), size)]
    level = models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<pad>")
    tokenizer = Tokenizer(level)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>"
    ).save_pretrained(folder)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def case(text: str, seed: int = 0, system: str | None = None, **params: Any) -> Case:
    """A case for the generator."""
    prompt = Prompt(prompt_id=of_json([text, system]), text=text, system=system)
    return Case(
        case_id=of_json([text, system, seed, params]),
        generator="tiny",
        strategy="s",
        params=params,
        prompt=prompt,
        repeat=0,
        seed=seed,
    )


def opened(folder: Path | str, **options: Any) -> Transformers:
    """A generator, not entered."""
    chosen: Mapping[str, Any] = {"dtype": "float32", "device": "cpu", **options}
    return Transformers(Transformers.Options(model=str(folder), **chosen))


def texts(answers: Sequence[Generated | Failure]) -> list[str]:
    """The text of each answer; a failure is an error here."""
    told = []
    for answer in answers:
        if isinstance(answer, Failure):
            raise TypeError(answer.reason)
        told.append(str(answer.media))
    return told
