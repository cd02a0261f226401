"""Fidelity: every number equals its definition on the same features, under the right name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import linalg

from harness.protocols import OfSet
from harness.scorers.fidelity import Fidelity

SET = np.random.default_rng(7).normal(size=(3, 40, 8)).astype(np.float32)


def fidelity(**encoder: Any) -> Fidelity:
    options = {"reference": "digits-heldout", "encoder": encoder}
    return Fidelity(Fidelity.Options.model_validate(options))


def value(name: str, made: Any, real: Any) -> float | None:
    kind = fidelity(use="vision", options={"model": "digits-features"}).metrics[name].kind
    assert isinstance(kind, OfSet)
    assert kind.references == ("real",)
    return kind.function({"image": made, "real": real})


def test_the_frechet_distance_is_that_of_the_matrix_square_root() -> None:
    a, b = SET[0].astype(float), SET[1].astype(float)
    root = linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    apart = a.mean(axis=0) - b.mean(axis=0)
    wanted = apart @ apart + np.trace(np.cov(a.T) + np.cov(b.T) - 2.0 * root)
    found = value("frechet_distance[digits-features]", SET[0], SET[1])
    assert found == pytest.approx(wanted, rel=1e-6)


def test_a_set_is_at_no_distance_from_itself() -> None:
    assert value("frechet_distance[digits-features]", SET[0], SET[0]) == pytest.approx(
        0.0, abs=1e-6
    )
    for name in ("precision", "recall", "coverage_of_real"):
        assert value(f"{name}[digits-features]", SET[0], SET[0]) == 1.0


def test_a_distance_of_too_few_pictures_is_undefined() -> None:
    wide = np.zeros((3, 64), dtype=np.float32)
    assert value("frechet_distance[digits-features]", wide, wide) is None


def test_metrics_are_named_by_their_model() -> None:
    names = set(fidelity(use="vision", options={"model": "digits-features"}).metrics)
    assert "kid[digits-features]" in names
    assert all(name.endswith("[digits-features]") for name in names)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"file": "w.pth", "allow_pickle": True}, "fid"),
        (
            {"file": "w.pth", "layer": "probabilities"},
            "frechet_distance[inception-probabilities]",
        ),
        ({"file": "w.pth", "sha256": "0" * 64}, "frechet_distance[inception]"),
    ],
)  # fmt: skip
def test_fid_is_called_so_with_its_own_weights_alone(
    options: dict[str, Any], named: str
) -> None:
    names = set(fidelity(use="inception", options=options).metrics)
    assert named in names
    assert ("fid" in names) == (named == "fid")
