"""How good the embedded diffusion model is: by sampler and steps, beside real digits and noise.

Prints one line of JSON for each set of 240 pictures, two to each of the 120 prompts of
`image_quickstart`, so that distances compare and intervals have their clusters: the Frechet
distance to held-out real digits on `digits-features`, with its group jackknife bounds,
precision and recall, CLIP score with the right and with shuffled prompts, and the share of
copies of the training set.

    python tests/bench/digits_quality.py [--quick | SAMPLER-STEPS ...]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import harness
from harness.assets.digits.pictures import WORDS
from harness.records import RunView
from tests.flow.pictured import SUITE, digits, noise

SETS = (
    ("ddpm", 10), ("ddpm", 20), ("ddpm", 50), ("ddim", 10), ("ddim", 20), ("ddim", 50),
    ("dpm-solver++", 10), ("dpm-solver++", 20), ("dpm-solver++", 50), ("ddpm", 1000),
)  # fmt: skip
QUICK = (("ddim", 10), ("dpm-solver++", 10))
EACH = 2
PROMPTS = Path(__file__).resolve().parents[2] / "suites" / "prompts" / "digits.jsonl"
_OURS = "generators: [{use: diffusers, options: {model: digits-diffusion, batch: 60}}]"
_GIVEN = (
    "generators: [{name: model, use: files, options: {images: images.parquet, prompt: text}}]"
)


def main() -> None:
    """Judge every set and print what it came to."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        held, train = under_prompts("heldout"), under_prompts("train")
        turned = [
            (text, held[(29 * i + 13) % len(held)][1]) for i, (text, _) in enumerate(held)
        ]
        blank = list(zip([text for text, _ in held], noise(len(held)), strict=True))
        for name, rows in (
            ("held-out", held), ("train", train), ("shuffled", turned), ("noise", blank)
        ):  # fmt: skip
            say(name, given(folder / name, rows))
        named = [s for s in SETS if f"{s[0]}-{s[1]}" in sys.argv]
        for scheduler, steps in named or (QUICK if "--quick" in sys.argv else SETS):
            say(
                f"{scheduler}-{steps}", drawn(folder / f"{scheduler}-{steps}", scheduler, steps)
            )


def under_prompts(split: str) -> list[tuple[str, bytes]]:
    """Real digits, two under each prompt that asks for that digit."""
    prompts = [json.loads(line) for line in PROMPTS.read_text().splitlines()]
    asked = {word: [p["prompt"] for p in prompts if p["digit"] == word] for word in WORDS}
    each = EACH * len(asked[WORDS[0]])
    pictures = digits(split, each)
    return [
        (asked[WORDS[number // each]][number % each // EACH], picture)
        for number, (_, picture) in enumerate(pictures)
    ]


def given(folder: Path, rows: list[tuple[str, bytes]]) -> RunView:
    """Judge pictures that exist."""
    folder.mkdir()
    texts, images = [text for text, _ in rows], pa.array([i for _, i in rows], pa.binary())
    pq.write_table(pa.table({"text": texts, "image": images}), folder / "images.parquet")
    return judged(folder, _GIVEN)


def drawn(folder: Path, scheduler: str, steps: int) -> RunView:
    """Judge what one sampler draws."""
    folder.mkdir()
    params = f"{{scheduler: {scheduler}, steps: {steps}, guidance: 2.0}}"
    return judged(folder, f"{_OURS}\nstrategies: [{{name: s, params: {params}}}]")


def judged(folder: Path, generators: str) -> RunView:
    """Run a suite of the 120 prompts."""
    text = SUITE % ("", EACH)
    text = text.replace("{items: []}", f"{{file: {PROMPTS}}}")
    text = text.replace(_GIVEN, generators) + "  - {use: latency}\n"
    (folder / "suite.yaml").write_text(text)
    view, _ = harness.run(folder / "suite.yaml", out=folder / "run")
    return view


def say(name: str, view: RunView) -> None:
    """Print one set's numbers."""
    wanted = ("frechet", "kid", "precision", "recall", "clip_score", "retrieval", "copy_rate",
              "nearest", "vendi", "outputs_per_second")  # fmt: skip
    found = {
        metric.name: [round_(metric.value), round_(metric.low), round_(metric.high)]
        for metric in view.metrics
        if metric.slice == "all" and any(word in metric.name for word in wanted)
    }
    print(json.dumps({"set": name, "n": view.metrics[0].n, **found}), flush=True)


def round_(value: float | None) -> float | None:
    """Six digits are enough to read."""
    return None if value is None else float(f"{value:.6g}")


if __name__ == "__main__":
    main()
