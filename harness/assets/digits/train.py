"""Train every digits model again, in order: `harness assets train`.

The same seed, versions and machine give the same bytes; elsewhere sums round
differently, and the digests in `table.json` say which training is meant.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness import digests, durable
from harness.assets.digits import clip, diffusion, features, pictures

if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[str, int, int], None]

TABLE = "table.json"
_OURS = "Apache-2.0"
_DESCRIPTIONS = {
    "train": ("Handwritten digits to train on: 1,197 pictures with captions", "CC-BY-4.0"),
    "heldout": ("Handwritten digits no model here has seen: 600 pictures", "CC-BY-4.0"),
    "features": ("A ResNet that names handwritten digits, 64 features", _OURS),
    "clip": ("A two-tower CLIP of handwritten digits and captions", _OURS),
    "diffusion": ("A text-to-image latent diffusion pipeline of digits", _OURS),
}


def train(folder: Path, tell: Tell, seed: int = pictures.SEED) -> dict[str, dict[str, float]]:
    """Split the pictures, train the three models and write each to a folder of its own.

    Args:
        folder: Where `train`, `heldout`, `features`, `clip`, `diffusion` and the table go.
        tell: Called with what is trained, the steps done and their number.
        seed: Of all that is random.

    Returns:
        Each model's quality, measured on pictures that it never saw.
    """
    seen, held = pictures.split()
    for name, part in (("train", seen), ("heldout", held)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        pictures.write(part, folder / name / "images.parquet")
    classifier = features.train(seen, seed, _step(tell, "features"))
    towers = clip.train(seen, seed, _step(tell, "clip"))
    autoencoder = diffusion.train_autoencoder(seen, seed, _step(tell, "autoencoder"))
    pipeline = diffusion.train(seen, autoencoder, towers, seed, _step(tell, "diffusion"))
    found = {
        "features": features.quality(classifier, held),
        "clip": clip.quality(towers, held),
        "diffusion": diffusion.quality(pipeline, classifier, seed),
    }
    features.save(classifier, folder / "features")
    clip.save(towers, folder / "clip")
    diffusion.save(pipeline, folder / "diffusion")
    for name, quality in found.items():
        durable.write_json(folder / name / "quality.json", {"seed": seed, **quality})
    durable.write_json(folder / TABLE, table(folder))
    return found


def table(folder: Path) -> dict[str, dict[str, object]]:
    """Describe and digest what was trained, for the catalogue."""
    return {name: _entry(folder / name, *about) for name, about in _DESCRIPTIONS.items()}


def _entry(folder: Path, description: str, licence: str) -> dict[str, object]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "description": description,
        "licence": licence,
        "size_bytes": sum(path.stat().st_size for path in files),
        "files": {path.relative_to(folder).as_posix(): digests.of_file(path) for path in files},
    }


def _step(tell: Tell, what: str) -> Callable[[int, int], None]:
    def told(done: int, steps: int) -> None:
        tell(what, done, steps)

    return told


__all__ = ["table", "train"]
