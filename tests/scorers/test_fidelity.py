"""Fidelity: every number equals its definition on the same features, under the right name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import linalg

from harness.metrics.estimate import estimate
from harness.protocols import OfSet
from harness.records import Case, Failure, Output, Prompt, Sample
from harness.scorers.fidelity import Fidelity

SET = np.random.default_rng(7).normal(size=(3, 40, 8)).astype(np.float32)


DIGITS = {"use": "vision", "options": {"model": "digits-features"}}


def fidelity(**encoder: Any) -> Fidelity:
    options = {"reference": "digits-heldout", "encoder": encoder, "prompts": "drawn"}
    return Fidelity(Fidelity.Options.model_validate(options))


def with_classes(use: str, **options: Any) -> Fidelity:
    classes = {"use": use, "options": options}
    options = {"reference": "digits-heldout", "encoder": DIGITS, "classes": classes}
    return Fidelity(Fidelity.Options.model_validate(options))


def value(name: str, made: Any, real: Any) -> float | None:
    kind = fidelity(**DIGITS).metrics[name].kind
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
    names = set(fidelity(**DIGITS).metrics)
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
    assert ("fid" in names) == ("fid_without_bias" in names) == (named == "fid")


def rows(count: int, width: int, seed: int) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).standard_normal((count, width), dtype=np.float32)
    return found * np.linspace(0.3, 1.5, width, dtype=np.float32)


def both_ways(name: str, made: Any, real: Any, ranks: Any) -> list[tuple[float | None, ...]]:
    """Value and bounds by the quick way, and by the metric's function of each rest."""
    definition = fidelity(**DIGITS).metrics[f"{name}[digits-features]"]
    assert isinstance(definition.kind, OfSet)
    assert definition.kind.without is not None
    plain = replace(definition, kind=replace(definition.kind, without=None))
    found = [
        estimate(
            one,
            {"image": made, "real": real},
            np.asarray(ranks),
            missing=np.array([], dtype=np.int64),
            confidence=0.95,
        )
        for one in (definition, plain)
    ]
    assert found[0].cause == found[1].cause
    return [(one.value, one.low, one.high) for one in found]


QUICK = (
    "frechet_distance", "frechet_without_bias", "kid", "cmmd",
    "precision", "recall", "density", "coverage_of_real",
)  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize(
    ("made", "real", "width"),
    [(80, 90, 8), (80, 20, 30), (24, 90, 30), (24, 20, 30), (31, 90, 30)],
)
def test_the_quick_jackknife_gives_the_numbers_of_the_plain_one(
    name: str, made: int, real: int, width: int
) -> None:
    # More and fewer rows than columns on either side, and a rest of just as many.
    quick, plain = both_ways(
        name, rows(made, width, 0), rows(real, width, 1) + 0.1, np.arange(made) // 2
    )
    assert None not in plain
    assert quick == pytest.approx(plain, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(QUICK), st.sampled_from([4, 60]), st.integers(0, 99))
def test_neither_order_nor_turning_changes_the_quick_way(
    name: str, width: int, seed: int
) -> None:
    made, real = rows(40, width, seed), rows(70, width, seed + 1) + 0.2
    rng = np.random.default_rng(seed)
    quick, plain = both_ways(name, made, real, np.arange(40) // 2)
    assert quick == pytest.approx(plain, rel=1e-6)
    order = rng.permutation(40)
    shuffled, _ = both_ways(name, made[order], real[rng.permutation(70)], order // 2)
    assert shuffled == pytest.approx(quick, rel=1e-6)
    turn = np.linalg.qr(rng.standard_normal((width, width))).Q
    turned, _ = both_ways(name, made @ turn, real @ turn, np.arange(40) // 2)
    assert turned == pytest.approx(quick, rel=1e-5)


def test_without_its_bias_a_set_of_the_same_distribution_is_at_no_distance() -> None:
    real = rows(20_000, 16, 99)
    distances, corrected = [], []
    for seed in range(12):
        made = rows(240, 16, seed)
        distances.append(both_ways("frechet_distance", made, real, np.arange(240))[0])
        corrected.append(both_ways("frechet_without_bias", made, real, np.arange(240))[0])
    values = np.array(corrected, dtype=float)[:, 0]
    assert np.mean(np.array(distances, dtype=float)[:, 0]) > 0.2
    assert np.mean(values) == pytest.approx(0.0, abs=4 * np.std(values) / np.sqrt(12))


def test_of_prompts_made_by_design_no_bias_is_taken_out() -> None:
    options = {"reference": "digits-heldout", "encoder": DIGITS}
    names = set(Fidelity(Fidelity.Options.model_validate(options)).metrics)
    assert set(fidelity(**DIGITS).metrics) - names == {"frechet_without_bias[digits-features]"}


def test_a_rest_of_too_few_pictures_leaves_a_distance_without_bounds() -> None:
    made, real = rows(9, 64, 0), rows(90, 64, 1)
    for name, value in (("frechet_distance", True), ("frechet_without_bias", False)):
        quick, plain = both_ways(name, made, real, np.arange(9) // 2)
        assert quick == pytest.approx(plain)
        assert ((quick[0] is not None), quick[1]) == (value, None)


def sample(classes: list[float]) -> Sample:
    case = Case(
        case_id="c", generator="g", strategy="s", params={},
        prompt=Prompt(prompt_id="p", text=""), repeat=0, seed=0,
    )  # fmt: skip
    output = Output(output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok")
    vectors = {"image": np.ones(3, np.float32), "classes": np.array(classes, np.float32)}
    return Sample(case=case, output=output, media="", features=vectors)


def test_the_inception_score_is_the_number_of_classes_that_are_drawn_surely() -> None:
    scorer = with_classes("vision", model="digits-features", layer="probabilities")
    kind = scorer.metrics["inception_score[digits-features]"].kind
    assert isinstance(kind, OfSet)
    assert kind.function({"classes": np.eye(10)[[0, 1, 2, 2, 1, 0]]}) == pytest.approx(3.0)
    assert scorer.columns == {"image": "features", "classes": "features"}
    assert scorer.encoders["classes"].options["layer"] == "probabilities"


def test_probabilities_that_are_no_distribution_are_failures() -> None:
    scorer = with_classes("vision", model="digits-features", layer="probabilities")
    logits, right, broken = scorer.score(
        [sample([3.0, -2.0]), sample([0.25, 0.75]), sample([float("nan"), 1.0])]
    )
    assert right == {}
    assert isinstance(logits, Failure)
    assert isinstance(broken, Failure)


def test_the_inception_score_is_called_so_with_its_own_weights_alone() -> None:
    def named(use: str, **options: Any) -> set[str]:
        names = set(with_classes(use, **options, layer="probabilities").metrics)
        return {name for name in names if "inception_score" in name}

    assert named("inception", file="w.safetensors") == {"inception_score"}
    other = named("inception", file="w.safetensors", sha256="0" * 64)
    assert other == {"inception_score[inception]"}
    assert named("vision", model="a/resnet") == {"inception_score[resnet]"}
    assert "inception_score" not in "".join(fidelity(**DIGITS).metrics)


def test_features_are_refused_as_classes() -> None:
    with pytest.raises(ValidationError, match="layer: probabilities"):
        with_classes("vision", model="digits-features")
