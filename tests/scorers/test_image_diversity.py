"""Diversity of pictures: what the set is worth, and how much of it is one picture."""

from __future__ import annotations

import numpy as np
import pytest

from harness.protocols import OfSet
from harness.scorers.image_diversity import ImageDiversity

SCORER = ImageDiversity(
    ImageDiversity.Options.model_validate(
        {"encoder": {"use": "vision", "options": {"model": "digits-features"}}}
    )
)


def value(name: str, rows: list[list[float]]) -> float | None:
    kind = SCORER.metrics[f"{name}[digits-features]"].kind
    assert isinstance(kind, OfSet)
    return kind.function({"image": np.array(rows)})


def test_pictures_with_nothing_in_common_count_each() -> None:
    assert value("vendi", np.eye(4).tolist()) == pytest.approx(4.0)
    assert value("duplicate_rate", np.eye(4).tolist()) == 0.0


def test_one_picture_again_and_again_is_one() -> None:
    assert value("vendi", [[1.0, 2.0]] * 5) == pytest.approx(1.0)
    assert value("duplicate_rate", [[1.0, 2.0]] * 5) == 1.0


def test_duplicates_are_counted_with_their_originals() -> None:
    assert value("duplicate_rate", [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 0.0]]) == 0.5
