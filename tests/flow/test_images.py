"""Real pictures through the whole gate: good ones pass, and each planted fault fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.flow.assess import rejudge, review
from harness.flow.progress import Silent
from harness.flow.reference import build
from harness.flow.run import run
from harness.records import RunView
from tests.flow.pictured import digits, noise, write_suite

POLICY = """\
apiVersion: harness/v1
kind: Policy
metadata: {name: pictures}
rules:
  - id: copies
    require: {metric: memorization.copy_rate, op: "<=", value: 0.3}
  - id: diversity
    require: {metric: "image-diversity.duplicate_rate[digits-features]", op: "<=", value: 0.3}
  - id: alignment
    require: {metric: "alignment.retrieval_accuracy[digits-clip]", op: ">=", value: 0.7}
  - id: likeness
    require: {metric: "fidelity.frechet_distance[digits-features]", op: "<=", value: %s}
"""
LIKE = 100


@pytest.fixture(autouse=True, scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Encode the two datasets once for all of these runs, in a cache of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_ASSETS", str(tmp_path_factory.mktemp("cache")))
        for name in ("digits-heldout", "digits-train"):
            build(name, "vision", {"model": "digits-features"}, Path(), Silent())
        yield


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY % LIKE)
    return path


def failed(view: RunView) -> set[str]:
    (verdict,) = view.verdicts
    return {finding.rule for finding in verdict.findings if finding.outcome == "fail"}


def value(view: RunView, name: str) -> float:
    found = next(m.value for m in view.metrics if m.name == name and m.slice == "all")
    assert found is not None
    return found


def test_held_out_digits_pass_and_the_verdict_is_derived_again_without_a_model(
    tmp_path: Path, policy: Path
) -> None:
    view, folder = run(
        write_suite(tmp_path, digits("heldout", 20)), policy, out=tmp_path / "run"
    )
    assert view.outcome == "pass", view.verdicts
    assert review(folder).verdicts == view.verdicts
    assert value(view, "memorization.copy_rate") == 0.0
    assert value(view, "alignment.retrieval_accuracy[digits-clip]") > 0.9


def test_a_generator_that_returns_training_images_fails_on_copying(
    tmp_path: Path, policy: Path
) -> None:
    view, _ = run(write_suite(tmp_path, digits("train", 20)), policy, out=tmp_path / "run")
    assert value(view, "memorization.copy_rate") == 1.0
    assert failed(view) == {"copies"}


def test_a_generator_that_returns_one_image_fails_on_diversity(
    tmp_path: Path, policy: Path
) -> None:
    outputs = digits("heldout", 20)
    same = [(text, outputs[0][1]) for text, _ in outputs]
    view, _ = run(write_suite(tmp_path, same), policy, out=tmp_path / "run")
    assert value(view, "image-diversity.vendi[digits-features]") == pytest.approx(1.0)
    assert "diversity" in failed(view)


def test_a_generator_that_ignores_its_prompts_fails_on_alignment(
    tmp_path: Path, policy: Path
) -> None:
    outputs = digits("heldout", 20)
    images = [image for _, image in outputs]
    turned = [(text, images[(7 * i + 13) % 200]) for i, (text, _) in enumerate(outputs)]
    view, _ = run(write_suite(tmp_path, turned), policy, out=tmp_path / "run")
    assert "alignment" in failed(view)
    assert not {"copies", "diversity"} & failed(view)


def test_noise_is_unlike_digits(tmp_path: Path, policy: Path) -> None:
    texts = [text for text, _ in digits("heldout", 20)]
    view, _ = run(
        write_suite(tmp_path, list(zip(texts, noise(200), strict=True))),
        policy,
        out=tmp_path / "run",
    )
    assert "likeness" in failed(view)


def test_a_broken_picture_stays_in_the_denominator(tmp_path: Path, policy: Path) -> None:
    outputs = digits("heldout", 20)
    outputs[3] = (outputs[3][0], b"\x89PNG broken")
    view, _ = run(write_suite(tmp_path, outputs), policy, out=tmp_path / "run")
    assert view.outcome == "inconclusive"
    copies = next(m for m in view.metrics if m.name == "memorization.copy_rate")
    assert (copies.n, copies.missing) == (199, 1)
    assert [gap.count for gap in view.shortfalls if gap.stage == "generate"] == [1]


def test_each_distinct_picture_is_encoded_once_and_a_new_scorer_encodes_none_again(
    tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.encoders.vision import Vision

    seen: list[int] = []
    whole = Vision.encode

    def counted(self: Vision, media: object) -> object:
        seen.append(len(media))  # type: ignore[arg-type]
        return whole(self, media)  # type: ignore[arg-type]

    monkeypatch.setattr(Vision, "encode", counted)
    outputs = digits("heldout", 2)
    suite = write_suite(tmp_path, [*outputs, *outputs])
    _, folder = run(suite, policy, out=tmp_path / "run")
    assert sum(seen) == 20 + 1  # each distinct output once, and the planted copy
    more = (
        "  - use: image-diversity\n    name: again\n"
        "    options: {encoder: {options: {model: digits-features}}}\n"
    )
    suite.write_text(suite.read_text() + more)
    seen.clear()
    run(suite, policy, out=folder)
    assert not seen


def test_another_policy_judges_pictures_again_without_loading_a_model(
    tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.encoders.vision import Vision

    _, folder = run(write_suite(tmp_path, digits("heldout", 5)), policy, out=tmp_path / "run")

    def never(self: Vision) -> Vision:
        raise AssertionError("loaded")

    monkeypatch.setattr(Vision, "__enter__", never)
    strict = tmp_path / "strict.yaml"
    rule = '{metric: "alignment.clip_score[digits-clip]", op: "<=", value: 10}'
    strict.write_text(f"{POLICY % LIKE}  - {{id: unlike, require: {rule}}}\n")
    assert failed(rejudge(folder, strict)) == {"unlike"}
