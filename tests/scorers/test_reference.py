"""Each picture is held against its own, and what has none stays in the denominator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness import pictures
from harness.encoders.lpips_model import LpipsOptions
from harness.errors import AssetError, PluginError
from harness.flow.run import run
from harness.protocols import Mean
from harness.records import Case, Failure, Image, Media, Output, Prompt, Reading, Sample
from harness.scorers.reference import Reference
from tests.bench.lpips import peer
from tests.encoders.plain_backbones import random_state
from tests.encoders.test_lpips_model import noise, written

Pixels = NDArray[np.uint8]

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: likeness}
generators: [{name: model, use: files, options: {images: made, manifest: made.jsonl}}]
prompts: [{file: prompts.jsonl}]
scorers: [{use: reference, options: {images: wanted}}]
"""


def sample(media: Media, reference: str | None) -> Sample:
    prompt = Prompt(prompt_id="p", text="p", reference=reference)
    case = Case(
        case_id="c", generator="g", strategy="s", params={}, prompt=prompt, repeat=0, seed=0
    )
    output = Output(output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok")
    return Sample(case=case, output=output, media=media)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "wanted"
    place.mkdir()
    (place / "a.png").write_bytes(pictures.encode(Image(noise(1))))
    (place / "flat.png").write_bytes(
        pictures.encode(Image(np.full((20, 20, 3), 100, np.uint8)))
    )
    (place / "tiny.png").write_bytes(pictures.encode(Image(noise(3, 10, 40))))
    return place


def scorer(folder: Path, **more: Any) -> Reference:
    return Reference(Reference.Options.model_validate({"images": str(folder), **more}))


def score(found: Reference, samples: Sequence[Sample]) -> Sequence[Reading | Failure]:
    with found as opened:
        return opened.score(samples)


def test_a_picture_that_is_its_reference_is_perfect_and_finite(folder: Path) -> None:
    (found,) = score(scorer(folder), [sample(Image(noise(1)), "a.png")])
    assert found == {"psnr": 60.0, "ssim": pytest.approx(1.0, abs=1e-12)}


def test_a_constant_difference_is_worked_by_hand(folder: Path) -> None:
    made = Image(np.full((20, 20, 3), 110, np.uint8))
    (found,) = score(scorer(folder), [sample(made, "flat.png")])
    assert not isinstance(found, Failure)
    assert found["psnr"] == pytest.approx(28.1308, abs=1e-4)
    assert found["ssim"] == pytest.approx(22006.5025 / 22106.5025, abs=1e-9)


def test_what_cannot_be_compared_fails_alone_and_says_why(folder: Path) -> None:
    good, other, small, gone, nameless, text = score(
        scorer(folder),
        [
            sample(Image(noise(2)), "a.png"),
            sample(Image(noise(2, 32, 48)), "a.png"),
            sample(Image(noise(3, 10, 40)), "tiny.png"),
            sample(Image(noise(2)), "z.png"),
            sample(Image(noise(2)), None),
            sample("a text", "a.png"),
        ],
    )
    assert not isinstance(good, Failure)
    assert other == Failure(
        "the picture is 48 x 32 pixels, its reference 64 x 64", "unsupported"
    )
    assert small == Failure("SSIM needs 11 pixels on each side", "unsupported")
    assert gone == Failure("the reference picture: there is no file of this name")
    assert nameless == Failure("the prompt names no reference picture")
    assert isinstance(text, Failure)


def test_without_weights_there_is_no_lpips_of_any_kind(folder: Path) -> None:
    found = scorer(folder)
    assert list(found.metrics) == ["psnr", "ssim"]
    assert list(found.columns) == ["psnr", "ssim"]
    assert list(found.weights) == ["images"]


def test_lpips_is_that_of_torchmetrics_on_the_pictures_as_they_are(folder: Path) -> None:
    options = written(folder.parent, "alex")
    found = scorer(folder, lpips=options)
    (reading,) = score(found, [sample(Image(noise(2)), "a.png")])
    assert not isinstance(reading, Failure)
    expected = peer("alex", random_state("alex"))(noise(2), noise(1))
    assert reading["lpips"] == pytest.approx(expected, rel=1e-5)
    label = f"lpips[alex-{options.sha256[:8]}]"
    assert list(found.metrics) == ["psnr", "ssim", label]
    assert found.metrics[label].better == "lower"
    assert found.weights.keys() == {"images", "lpips", "lpips-linear"}


def test_a_picture_too_small_for_the_network_is_not_scored_in_part(folder: Path) -> None:
    options = written(folder.parent, "alex")
    made = Image(np.full((20, 20, 3), 110, np.uint8))
    (found,) = score(scorer(folder, lpips=options), [sample(made, "flat.png")])
    assert found == Failure("LPIPS needs 31 pixels on each side", "unsupported")


def test_absent_weights_are_an_error_and_close_the_pictures(folder: Path) -> None:
    options = LpipsOptions(weights=folder / "none.safetensors", sha256="0" * 64)
    found = scorer(folder, lpips=options)
    with pytest.raises(AssetError, match="absent"), found:
        pass
    with pytest.raises(PluginError, match="before it is opened"):
        found.score([])


def test_every_mean_has_the_bounds_of_its_measure(folder: Path) -> None:
    kinds = [one.kind for one in scorer(folder).metrics.values()]
    assert kinds == [Mean("psnr", (0, 60.0)), Mean("ssim", (-1, 1))]


def test_a_run_pairs_by_name_and_counts_what_has_no_reference(tmp_path: Path) -> None:
    for place in ("made", "wanted"):
        (tmp_path / place).mkdir()
    prompts, rows = [], []
    for number in range(4):
        data = pictures.encode(Image(noise(number, 16, 16)))
        # The reference's name sorts the other way round from the output's.
        (tmp_path / "made" / f"{number}.png").write_bytes(data)
        (tmp_path / "wanted" / f"{9 - number}.png").write_bytes(data)
        name = f"{9 - number}.png" if number else "none.png"
        prompts.append({"prompt": f"p{number}", "reference": name})
        rows.append({"prompt": f"p{number}", "image": f"{number}.png"})
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, prompts)))
    (tmp_path / "made.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "suite.yaml").write_text(SUITE)
    view, _ = run(tmp_path / "suite.yaml", None, out=tmp_path / "run")
    found = {metric.name: metric for metric in view.metrics}
    assert found["reference.psnr"].value == 60.0
    assert (found["reference.psnr"].n, found["reference.psnr"].missing) == (3, 1)
    assert found["reference.coverage"].value == 0.75
    (short,) = [one for one in view.shortfalls if one.stage == "reference"]
    assert short.reason == "error: the reference picture: there is no file of this name"
