"""Time our decoding against transformers' own `generate`: one model, the same prompts.

Run `python tests/bench/generation.py [prompts] [new tokens] [batch] [strategy ...]`.
Batches alternate between the two in one process. Times are CPU seconds on one
thread, which a busy machine disturbs least; reading the prompts and writing the
texts is in them. Tokens up to the end token count, for either. In bfloat16,
greedy texts can part where two tokens score alike: sums depend on the batch's
shape, which changes when rows leave it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from harness.assets.pull import pull
from harness.generators.transformers import Transformers
from harness.records import Case, Generated, Prompt
from harness.spec.library import folder

MODEL = "smollm2-135m-instruct"
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "greedy": {"do_sample": False},
    "nucleus": {"do_sample": True, "top_p": 0.9, "temperature": 0.7},
    "beam": {"do_sample": False, "num_beams": 4},
}


def cases(count: int, params: Mapping[str, Any]) -> list[Case]:
    """The first business prompts, the longest first as a plan has them."""
    lines = (folder("suites") / "prompts" / "business.jsonl").read_text("utf-8").splitlines()
    texts = sorted((json.loads(line)["prompt"] for line in lines[:count]), key=len)[::-1]
    return [
        Case(
            case_id=str(seed), generator="bench", strategy="bench", params=params,
            prompt=Prompt(prompt_id=str(seed), text=text), repeat=0, seed=seed,
        )
        for seed, text in enumerate(texts)
    ]  # fmt: skip


def theirs(
    generator: Transformers, batch: Sequence[Case], new_tokens: int
) -> tuple[list[str], int]:
    """What `generate` answers, and how many tokens that was."""
    import torch

    tokenizer, model = generator._open.tokenizer, generator._open.model
    turns = [[{"role": "user", "content": case.prompt.text}] for case in batch]
    read = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
    ).to(model.device)
    params = dict(batch[0].params)
    if params["do_sample"]:
        params |= {"top_k": 0}
    told = model.generate(
        **read, max_new_tokens=new_tokens, pad_token_id=tokenizer.pad_token_id, **params
    )[:, read["input_ids"].shape[1] :]
    own = model.generation_config.eos_token_id
    ends = torch.isin(told, torch.tensor(own, device=told.device))
    made = torch.where(ends.any(1), ends.int().argmax(1) + 1, told.shape[1])
    texts = tokenizer.batch_decode(told, skip_special_tokens=True)
    return [text.strip() for text in texts], int(made.sum())


def ours(generator: Transformers, batch: Sequence[Case]) -> tuple[list[str], int]:
    """What our generator answers, and how many tokens that was."""
    answers = [a for a in generator.generate(batch) if isinstance(a, Generated)]
    return [str(a.media) for a in answers], sum(a.tokens or 0 for a in answers)


def race(generator: Transformers, batches: Sequence[Sequence[Case]], new_tokens: int) -> Any:
    """Both on every batch, taking turns at going first."""
    import torch

    spent, made, same = {"ours": 0.0, "theirs": 0.0}, {"ours": 0, "theirs": 0}, 0
    for turn, batch in enumerate(batches):
        told = {}
        for name in ("ours", "theirs") if turn % 2 else ("theirs", "ours"):
            torch.manual_seed(turn)
            start = time.process_time()
            texts, tokens = (
                ours(generator, batch)
                if name == "ours"
                else theirs(generator, batch, new_tokens)
            )
            spent[name] += time.process_time() - start
            made[name] += tokens
            told[name] = texts
        same += sum(a == b for a, b in zip(told["ours"], told["theirs"], strict=True))
    rate = {name: made[name] / spent[name] for name in spent}
    found = {
        "ours_tokens_per_cpu_s": round(rate["ours"], 1),
        "generate_tokens_per_cpu_s": round(rate["theirs"], 1),
        "ratio": round(rate["ours"] / rate["theirs"], 2),
    }
    if not batches[0][0].params["do_sample"]:
        found["share_equal"] = round(same / sum(map(len, batches)), 3)
    return found


def main(count: int, new_tokens: int, size: int, strategies: Sequence[str]) -> None:
    """Print one line of JSON."""
    import torch

    torch.set_num_threads(1)
    pull(MODEL)
    options = Transformers.Options(
        model=MODEL, dtype="bfloat16", batch=size, max_new_tokens=new_tokens
    )
    report: dict[str, Any] = {
        "job": f"{MODEL}, bfloat16, {count} prompts x {new_tokens} tokens, batch {size}"
    }
    with Transformers(options) as generator:
        for name in strategies:
            asked = cases(count, STRATEGIES[name])
            ours(generator, asked[:2])
            theirs(generator, asked[:2], 2)
            batches = [asked[i : i + size] for i in range(0, count, size)]
            report[name] = race(generator, batches, new_tokens)
    print(json.dumps(report))


if __name__ == "__main__":
    sizes = [int(value) for value in sys.argv[1:4]]
    sizes += [64, 32, 32][len(sizes) :]
    main(sizes[0], sizes[1], sizes[2], sys.argv[4:] or ["greedy", "nucleus"])
