"""Image suites for tests: real digits as outputs that exist, with planted faults."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.assets.cache import locate
from harness.assets.digits.pictures import WORDS, caption

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: pictures}
generators: [{name: model, use: files, options: {images: images.parquet, prompt: text}}]
prompts: [{items: [%s]}]
samples_per_prompt: %d
scorers:
  - use: fidelity
    options: {reference: digits-heldout, encoder: {options: {model: digits-features}}}
  - use: memorization
    options:
      {training: digits-train, threshold: 0.05, encoder: {options: {model: digits-features}}}
  - {use: alignment, options: {encoder: {use: clip, options: {model: digits-clip}}}}
  - {use: image-diversity, options: {encoder: {options: {model: digits-features}}}}
"""


def digits(split: str, each: int) -> list[tuple[str, bytes]]:
    """The first `each` pictures of each digit, with their captions, sorted by digit."""
    table = pq.read_table(locate(f"digits-{split}") / "images.parquet")
    rows = list(zip(table["text"].to_pylist(), table["image"].to_pylist(), strict=True))
    captions = [caption(label) for label in range(len(WORDS))]
    return [row for text in captions for row in [r for r in rows if r[0] == text][:each]]


def write_suite(folder: Path, outputs: Sequence[tuple[str, bytes]]) -> Path:
    """A suite whose outputs are these pictures, under these prompts."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = [text for text, _ in outputs]
    images = pa.array([image for _, image in outputs], pa.binary())
    pq.write_table(pa.table({"text": texts, "image": images}), folder / "images.parquet")
    prompts = list(dict.fromkeys(texts))
    path = folder / "suite.yaml"
    path.write_text(SUITE % (", ".join(map(repr, prompts)), len(texts) // len(prompts)))
    return path


def noise(count: int) -> Iterable[bytes]:
    """Pictures of nothing."""
    import numpy as np
    from PIL import Image

    for seed in range(count):
        pixels = np.random.default_rng(seed).integers(0, 256, (32, 32), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format="PNG")
        yield buffer.getvalue()
