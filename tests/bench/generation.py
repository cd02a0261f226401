"""Time our decoding against transformers' own `generate`: one model, the same prompts.

Run `python tests/bench/generation.py [prompts] [new tokens] [batch] [strategy ...]`.
Where `lm_eval` is installed, its `hf` backend takes part. Batches alternate between them in
one process. The strategy `repeats` asks 8 prompts 8 times each in one batch, with one prefill
a prompt and with one a sample. Times are CPU seconds on one
thread, which a busy machine disturbs least; reading the prompts and writing the
texts is in them. Tokens up to the end token count, for either. In bfloat16,
greedy texts can part where two tokens score alike: sums depend on the batch's
shape, which changes when rows leave it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from harness.assets.pull import pull
from harness.generators.prompting import text_of
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


def lm_eval(
    generator: Transformers, batch: Sequence[Case], new_tokens: int
) -> tuple[list[str], int]:
    """What lm-evaluation-harness's `hf` backend answers; tokens are counted from its texts."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    tokenizer, model = generator._open.tokenizer, generator._open.model
    backend = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=len(batch))
    params = dict(batch[0].params)
    if params["do_sample"]:
        params |= {"top_k": 0}
    asked = [
        Instance(
            request_type="generate_until", doc={}, idx=place,
            arguments=(
                text_of(tokenizer, case, chat="auto", system=None),
                {"until": [], "max_gen_toks": new_tokens, **params},
            ),
        )
        for place, case in enumerate(batch)
    ]  # fmt: skip
    texts = backend.generate_until(asked, disable_tqdm=True)
    made = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return [text.strip() for text in texts], sum(min(len(ids) + 1, new_tokens) for ids in made)


def unshared(generator: Transformers, batch: Sequence[Case]) -> tuple[list[str], int]:
    """What our generator answers when each row of a batch is read."""
    from harness.generators.running import Rows

    read = Rows.read
    try:
        Rows.read = lambda rows: rows.step(rows.ids)  # type: ignore[method-assign, assignment]
        return ours(generator, batch)
    finally:
        Rows.read = read  # type: ignore[method-assign]


Way = Callable[[Sequence[Case]], tuple[list[str], int]]


def race(ways: Mapping[str, Way], batches: Sequence[Sequence[Case]]) -> Any:
    """All on every batch, taking turns at going first; ratios are of ours to each other's."""
    import torch

    spent, made, same = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0), dict.fromkeys(ways, 0)
    for turn, batch in enumerate(batches):
        told = {}
        for name in sorted(ways, reverse=bool(turn % 2)):
            torch.manual_seed(turn)
            start = time.process_time()
            told[name], tokens = ways[name](batch)
            spent[name] += time.process_time() - start
            made[name] += tokens
        for name, texts in told.items():
            same[name] += sum(a == b for a, b in zip(told["ours"], texts, strict=True))
    rate = {name: made[name] / spent[name] for name in ways}
    found: dict[str, Any] = {f"{name}_tokens_per_cpu_s": round(rate[name], 1) for name in ways}
    for name in ways.keys() - {"ours"}:
        found[f"ratio_to_{name}"] = round(rate["ours"] / rate[name], 2)
        if name == "unshared" or not batches[0][0].params["do_sample"]:
            found[f"share_equal_to_{name}"] = round(same[name] / sum(map(len, batches)), 3)
    return found


def repeats(asked: Sequence[Case], times: int) -> list[Case]:
    """Each case so many times, each time with a seed of its own, side by side."""
    return [
        replace(case, seed=case.seed * times + turn) for case in asked for turn in range(times)
    ]


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

        def mine(batch: Sequence[Case]) -> tuple[list[str], int]:
            return ours(generator, batch)

        every: dict[str, Way] = {
            "ours": mine, "generate": lambda batch: theirs(generator, batch, new_tokens)
        }  # fmt: skip
        if find_spec("lm_eval"):
            every["lm_eval"] = lambda batch: lm_eval(generator, batch, new_tokens)
        for name in strategies:
            if name == "repeats":
                batches = [repeats(cases(8, STRATEGIES["nucleus"]), 8)]
                ways = every | {"unshared": lambda batch: unshared(generator, batch)}
            else:
                asked = cases(count, STRATEGIES[name])
                batches, ways = [asked[i : i + size] for i in range(0, count, size)], every
            for way in ways.values():
                way(batches[0][:2])
            report[name] = race(ways, batches)
    print(json.dumps(report))


if __name__ == "__main__":
    sizes = [int(value) for value in sys.argv[1:4]]
    sizes += [64, 32, 32][len(sizes) :]
    main(sizes[0], sizes[1], sizes[2], sys.argv[4:] or ["greedy", "nucleus", "repeats"])
