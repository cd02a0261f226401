"""A GGUF file of a few thousand weights, as llama.cpp would write it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

WIDTH, HEADS, LAYERS = 32, 4, 2
WORDS = ["<eos>", *(chr(c) for c in range(ord("a"), ord("z") + 1)), "Ġ", "th", "the"]


def write(path: Path, seed: int = 0) -> Path:
    """Write a random Llama with a byte-pair tokenizer of 30 tokens."""
    file = GGUFWriter(path, "llama")
    file.add_context_length(64)
    file.add_embedding_length(WIDTH)
    file.add_block_count(LAYERS)
    file.add_feed_forward_length(2 * WIDTH)
    file.add_head_count(HEADS)
    file.add_head_count_kv(HEADS)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_freq_base(10000.0)
    file.add_vocab_size(len(WORDS))
    file.add_tokenizer_model("gpt2")
    file.add_token_list(WORDS)
    file.add_token_types([TokenType.CONTROL] + [TokenType.NORMAL] * (len(WORDS) - 1))
    file.add_token_merges(["t h", "th e"])
    file.add_eos_token_id(0)
    file.add_bos_token_id(0)
    rng = np.random.default_rng(seed)
    for name, shape in _shapes().items():
        plain = np.ones(shape) if len(shape) == 1 else rng.normal(0, 0.3, shape)
        file.add_tensor(name, plain.astype(np.float32))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (len(WORDS), WIDTH),
        "output_norm.weight": (WIDTH,),
        "output.weight": (len(WORDS), WIDTH),
    }
    for layer in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"blk.{layer}.{part}.weight"] = (WIDTH, WIDTH)
        for part in ("ffn_gate", "ffn_up"):
            shapes[f"blk.{layer}.{part}.weight"] = (2 * WIDTH, WIDTH)
        shapes[f"blk.{layer}.ffn_down.weight"] = (WIDTH, 2 * WIDTH)
        for part in ("attn_norm", "ffn_norm"):
            shapes[f"blk.{layer}.{part}.weight"] = (WIDTH,)
    return shapes
