"""Time our diffusion generator against plain calls of the same pipeline.

Run `python tests/bench/diffusion.py [pictures] [steps] [batch] [scheduler ...]`.
`in_batches` calls the pipeline with the same batches, `one_by_one` once a
picture, as most people's loops do. The three take turns in one process. Times
are CPU seconds on one thread, which a busy machine disturbs least. All draw the
same noise, so their pictures can be compared: the largest difference is in
levels of 255. The model is `digits-diffusion`, or where that asset is not on
this machine, one of random weights and its shape.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import AssetError, SpecError
from harness.generators.diffusers import Diffusers
from harness.generators.opening import quiet
from harness.records import Case, Generated, Image
from tests.generators.tiny_pipelines import case, text_pipeline

ASSET = "digits-diffusion"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def model(scratch: Path) -> tuple[str, str]:
    """What to draw with, and what to call it."""
    try:
        return str(Diffusers(Diffusers.Options(model=ASSET)).folder), ASSET
    except (AssetError, SpecError):
        folder = text_pipeline(
            scratch / "random", block_out_channels=(48, 96), norm_num_groups=16,
            down_block_types=("CrossAttnDownBlock2D",) * 2,
            up_block_types=("CrossAttnUpBlock2D",) * 2,
        )  # fmt: skip
        return str(folder), "random weights in the shape of digits-diffusion"


def ours(generator: Diffusers, batches: Sequence[Sequence[Case]]) -> list[Any]:
    """The pictures of our generator."""
    told = [answer for batch in batches for answer in generator.generate(batch)]
    return [
        answer.media.pixels
        for answer in told
        if isinstance(answer, Generated) and isinstance(answer.media, Image)
    ]


def theirs(pipe: Any, batches: Sequence[Sequence[Case]], steps: int) -> list[Any]:
    """The pictures of the pipeline, called once a batch."""
    import numpy as np
    import torch

    drawn: list[Any] = []
    for batch in batches:
        noise = [torch.Generator().manual_seed(one.seed) for one in batch]
        texts = [one.prompt.text for one in batch]
        images = pipe(
            texts, generator=noise, num_inference_steps=steps, guidance_scale=2.0
        ).images
        drawn += [np.asarray(image) for image in images]
    return drawn


def race(generator: Diffusers, pipe: Any, asked: Sequence[Case], size: int, steps: int) -> Any:
    """All three on every batch, taking turns at going first."""
    import numpy as np

    batches = [asked[i : i + size] for i in range(0, len(asked), size)]
    ways = {
        "ours": lambda batch: ours(generator, [batch]),
        "in_batches": lambda batch: theirs(pipe, [batch], steps),
        "one_by_one": lambda batch: theirs(pipe, [[one] for one in batch], steps),
    }
    spent, far = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0)
    for turn, batch in enumerate(batches):
        told = {}
        names = list(ways)
        for name in names[turn % 3 :] + names[: turn % 3]:
            start = time.process_time()
            told[name] = np.stack(ways[name](batch)).astype(int)
            spent[name] += time.process_time() - start
        for name in ways:
            far[name] = max(far[name], int(np.abs(told[name] - told["ours"]).max()))
    return {
        "ours_images_per_cpu_s": round(len(asked) / spent["ours"], 2),
        **{
            f"{name}": {
                "images_per_cpu_s": round(len(asked) / spent[name], 2),
                "ours_is_faster_by": round(spent[name] / spent["ours"], 2),
                "largest_difference": far[name],
            }
            for name in ("in_batches", "one_by_one")
        },
    }


def main(count: int, steps: int, size: int, schedulers: Sequence[str]) -> None:
    """Print one line of JSON."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        place, name = model(Path(scratch))
        report: dict[str, Any] = {
            "job": f"{name}, {count} pictures, {steps} steps, batch {size}, guidance 2"
        }
        with quiet():
            from diffusers import DiffusionPipeline

            from harness.generators.schedulers import make

            pipe = DiffusionPipeline.from_pretrained(place, dtype=torch.float32)
            pipe.set_progress_bar_config(disable=True)
        saved = pipe.scheduler
        options = Diffusers.Options(model=place, dtype="float32", device="cpu", batch=size)
        with Diffusers(options) as generator, quiet():
            for scheduler in schedulers:
                params = {"scheduler": scheduler, "steps": steps, "guidance": 2.0}
                asked = [
                    case(f"a photo of the digit {DIGITS[i % 10]}", i, **params)  # type: ignore[arg-type]
                    for i in range(count)
                ]
                pipe.scheduler = make(scheduler, saved, "latent")
                ours(generator, [asked[:size]])
                theirs(pipe, [asked[:size]], steps)
                report[scheduler] = race(generator, pipe, asked, size, steps)
    print(json.dumps(report))


if __name__ == "__main__":
    sizes = [int(value) for value in sys.argv[1:4]]
    sizes += [48, 15, 8][len(sizes) :]
    main(sizes[0], sizes[1], sizes[2], sys.argv[4:] or ["dpm-solver++", "ddpm"])
