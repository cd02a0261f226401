"""Scikit-learn's handwritten digits as pictures with captions, split once and for all.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits
(1998), the 1,797 test images of 8 x 8 pixels that scikit-learn carries.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEMPLATES = (
    "a handwritten {}",
    "a handwritten digit {}",
    "the digit {}",
    "the number {}",
    "a picture of the number {}",
    "{}",
)
SIDE = 32
"""Pixels along each side, four for each of the original's."""
SEED = 2026
_HELD_OUT = 600


@dataclass(frozen=True, slots=True)
class Digits:
    """Pictures uint8 [N, 32, 32], grey, ink bright on black, and labels int64 [N], 0 to 9."""

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]


def caption(label: int) -> str:
    """Caption a digit in words.

    >>> caption(3)
    'a handwritten three'
    """
    return TEMPLATES[0].format(WORDS[label])


def split() -> tuple[Digits, Digits]:
    """Load the digits: those to train on, then those held out, each label in proportion."""
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    found = load_digits()
    labels = found.target.astype(np.int64)
    train, held = train_test_split(
        np.arange(len(labels)), test_size=_HELD_OUT, random_state=SEED, stratify=labels
    )
    pictures = np.stack([_enlarged(image) for image in found.images])
    seen, held = np.sort(train), np.sort(held)
    return Digits(pictures[seen], labels[seen]), Digits(pictures[held], labels[held])


def write(digits: Digits, path: Path) -> None:
    """Write pictures (PNG), captions and labels as one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = digits.labels.tolist()
    table = pa.table(
        {
            "image": pa.array([_png(picture) for picture in digits.pictures], pa.binary()),
            "text": [caption(label) for label in labels],
            "label": labels,
        }
    )
    pq.write_table(table, path, compression="zstd")


def batches(count: int, size: int, steps: int, seed: int) -> Sequence[NDArray[np.int64]]:
    """Draw the rows of each training step, without replacement within an epoch."""
    import numpy as np

    random = np.random.default_rng(seed)
    epochs = -(-steps * size // count)
    order = np.concatenate([random.permutation(count) for _ in range(epochs)])
    return np.split(order[: steps * size], steps)


def _enlarged(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image

    small = Image.fromarray(np.rint(image * (255.0 / 16.0)).astype(np.uint8))
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.uint8)


def _png(picture: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
