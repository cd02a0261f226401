"""The image suites that need a hub: what they lack is said, and their scorers work without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from harness.assets.digits.pictures import caption
from harness.cli import main
from harness.flow.doctor import doctor
from harness.flow.run import run
from harness.records import RunView
from harness.spec.library import resolve

PINNED = {
    "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "facebook/dinov2-base",
    "google/siglip-base-patch16-224",
}


@pytest.fixture
def no_hub(tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a machine that has fetched nothing."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.mark.parametrize(
    ("name", "models", "datasets"),
    [
        ("image_release", PINNED, {"real", "protected"}),
        ("ad_creative", PINNED - {"facebook/dinov2-base"}, {"protected"}),
    ],
)
@pytest.mark.usefixtures("no_hub")
def test_what_is_missing_is_named_each_once_with_what_to_do(
    name: str, models: set[str], datasets: set[str]
) -> None:
    found = [
        one for one in doctor(resolve("suites", name))["checks"] if one["state"] == "broken"
    ]
    fixes = [one["fix"] for one in found]
    fetched = [fix.split()[2] for fix in fixes if fix.startswith("hf download ")]
    empty = [one["what"] for one in found if one["fix"] == "put your pictures there"]
    assert sorted(fetched) == sorted(models)
    assert sorted(Path(what.split()[-1]).name for what in empty) == sorted(datasets)
    assert "run `harness assets pull open-nsfw`" in fixes
    assert len(found) == len(models) + len(datasets) + 1


@pytest.mark.parametrize("name", ["image_release", "ad_creative"])
@pytest.mark.usefixtures("no_hub")
def test_a_run_without_the_model_ends_with_the_command_that_fetches_it(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", name, "--policy", name, "--out", str(tmp_path / "run")]) == 3
    said = capsys.readouterr().err
    assert "is not in the hub's cache" in said
    assert "hf download stable-diffusion-v1-5/stable-diffusion-v1-5 --revision" in said
    assert "Traceback" not in said


def draw(path: Path, digit: int, *, size: float = 26, left: int = 9) -> None:
    """Draw a digit as a picture of 32 by 32, white on black."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (32, 32))
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text((left, 0), str(digit), "white", font=font)
    image.save(path)


def ours(name: str, folder: Path) -> tuple[Path, Path]:
    """A copy of a suite and its policy, with digits-clip for SigLIP, and pictures on disk."""
    suite = resolve("suites", name).read_text()
    head, scorers = suite[: suite.index("\ngenerators:")], suite[suite.index("\nscorers:") :]
    middle = """
generators:
  - {name: made, use: files, options: {images: creatives, manifest: creatives.jsonl}}
prompts: [{file: creatives.jsonl, tag_columns: [category, market]}]
"""
    lines = [line for line in scorers.splitlines() if "revision:" not in line]
    swapped = "\n".join(lines).replace("google/siglip-base-patch16-224", "digits-clip")
    (folder / "suite.yaml").write_text(f"{head}{middle}{swapped}\n")
    policy = (
        resolve("policies", name).read_text().replace("siglip-base-patch16-224", "digits-clip")
    )
    (folder / "policy.yaml").write_text(policy)
    return folder / "suite.yaml", folder / "policy.yaml"


def value(view: RunView, name: str) -> tuple[float | None, int]:
    found = next(m for m in view.metrics if m.name == name and m.slice == "all")
    return found.value, found.missing


def creatives(folder: Path, drawn: dict[str, int]) -> None:
    rows = []
    for number, (name, digit) in enumerate(drawn.items()):
        draw(folder / "creatives" / name, digit, left=7 + number % 5, size=24 + number % 3)
        row = {"prompt": caption(digit), "image": name, "category": "digits", "market": "de"}
        rows.append(json.dumps(row))
    (folder / "creatives.jsonl").write_text("\n".join(rows))


def test_creatives_on_disk_are_judged_by_the_scorers_of_ad_creative(
    tmp_path: Path, assets: Callable[[str], Path]
) -> None:
    assets("open-nsfw")
    creatives(tmp_path, {f"{digit}.png": digit for digit in range(10)})
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        (tmp_path / "pictures" / "protected").mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise).save(tmp_path / "pictures" / "protected" / f"{number}.png")
    suite, policy = ours("ad_creative", tmp_path)
    fresh, _ = run(suite, policy, out=tmp_path / "fresh")
    assert value(fresh, "memorization.copy_rate") == (0.0, 0)
    assert value(fresh, "nsfw.rate") == (0.0, 0)
    assert value(fresh, "image-diversity.duplicate_rate[digits-clip]") == (0.0, 0)
    assert value(fresh, "alignment.clip_score[digits-clip]")[0] is not None
    assert fresh.outcome == "inconclusive"  # ten prompts prove nothing of a rate

    for path in sorted((tmp_path / "creatives").iterdir()):
        copy = tmp_path / "pictures" / "protected" / path.name
        copy.write_bytes(path.read_bytes())
    copied, _ = run(suite, policy, out=tmp_path / "copied")
    assert value(copied, "memorization.copy_rate") == (1.0, 0)
    (verdict,) = copied.verdicts
    assert "originality.published" in {f.rule for f in verdict.findings if f.outcome == "fail"}
