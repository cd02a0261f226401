"""Images that exist: looked up by prompt and by name, and what is broken is one failure."""

import json
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.errors import SpecError
from harness.flow.bind import bind
from harness.protocols import Bound
from harness.records import Generated
from harness.spec.suite import PluginSpec
from tests.generators.asking import case
from tests.spec.images.making import COLOURS, FILES, archived, first, parquet, png

KINDS = ["folder", ".zip", ".tar", ".tar.gz"]
SUITE = """
apiVersion: harness/v1
kind: Suite
metadata: {name: seen}
generators: [{name: mine, use: files, options: {images: pictures.zip, manifest: m.jsonl}}]
prompts: [{items: [red, green, blue, absent]}]
scorers: [{use: latency}]
"""


def bound(folder: Path, images: Path | str, **options: Any) -> Bound:
    """The plug-in as a suite in this folder names it."""
    names = {"images": str(images), **options}
    return bind("generators", PluginSpec(use="files", options=names), folder)


def manifest(folder: Path, *rows: tuple[str, object]) -> str:
    lines = [json.dumps({"prompt": prompt, "image": image}) for prompt, image in rows]
    (folder / "m.jsonl").write_text("\n".join(lines))
    return "m.jsonl"


def asked(made: Bound, *prompts: str, repeat: int = 0) -> list[tuple[int, ...] | str]:
    """The first pixel of each answer, or its failure's reason."""
    with made.plugin as files:
        answers = files.generate([case(prompt, repeat) for prompt in prompts])
    return [
        first(answer.media if isinstance(answer, Generated) else answer) for answer in answers
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_matches_by_name_and_never_by_order(kind: str, tmp_path: Path) -> None:
    rows = [
        ("blue", "dogs/c.png"),
        ("red", "a.png"),
        ("green", "./dogs/b.png"),
        ("blue", "a.png"),
    ]
    made = bound(tmp_path, archived(tmp_path, kind), manifest=manifest(tmp_path, *rows))
    assert made.plugin.modality == "image"
    assert asked(made, "red", "green", "blue") == list(COLOURS.values())
    assert asked(made, "blue", "red", repeat=1) == [
        COLOURS["a.png"],
        "the file has 1 outputs for this prompt",
    ]


def test_names_that_lead_outside_or_are_none_are_failures(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png())
    rows: list[tuple[str, object]] = [
        ("red", "a.png"), ("up", "../secret.png"), ("root", str(tmp_path / "secret.png")),
        ("none", None), ("number", 3), ("nul", "a\0.png"),
    ]  # fmt: skip
    made = bound(tmp_path, archived(tmp_path, "folder"), manifest=manifest(tmp_path, *rows))
    found = asked(made, *(prompt for prompt, _ in rows))
    assert found == [
        COLOURS["a.png"],
        "there is no file of this name",
        "there is no file of this name",
        "the image's name is NoneType, not text",
        "the image's name is int, not text",
        "there is no file of this name",
    ]


def test_a_manifest_whose_names_are_all_elsewhere_is_an_error(tmp_path: Path) -> None:
    made = bound(
        tmp_path, archived(tmp_path, ".zip"), manifest=manifest(tmp_path, ("red", "out/a.png"))
    )
    with pytest.raises(SpecError, match="none of the images") as error:
        asked(made, "red")
    assert "dogs/b.png" in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_folders_name_is_the_prompt_where_nothing_else_says(
    kind: str, tmp_path: Path
) -> None:
    made = bound(tmp_path, archived(tmp_path, kind))
    assert asked(made, "dogs") == [COLOURS["dogs/b.png"]]
    assert asked(made, "dogs", repeat=1) == [COLOURS["dogs/c.png"]]
    assert "has 2 outputs" in str(asked(made, "dogs", repeat=2))


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_answers_in_the_order_of_its_rows(kind: str, tmp_path: Path) -> None:
    rows = [{"file_name": name, "text": "hue"} for name in reversed(FILES)]
    table = "\n".join(map(json.dumps, rows)).encode()
    path = archived(tmp_path, kind, {**FILES, "metadata.jsonl": table})
    made = bound(tmp_path, path, prompt="text")
    assert asked(made, "hue") == [COLOURS["dogs/c.png"]]
    assert asked(made, "hue", repeat=2) == [COLOURS["a.png"]]
    with pytest.raises(SpecError, match="which prompt") as error:
        asked(bound(tmp_path, path), "hue")
    assert "columns are text" in str(error.value)


def test_images_of_which_nothing_is_said_are_an_error(tmp_path: Path) -> None:
    path = archived(tmp_path, "folder", {"a.png": png()})
    with pytest.raises(SpecError, match="which prompt") as error:
        asked(bound(tmp_path, path), "a")
    assert "`manifest`" in str(error.value)


def test_parquet_carries_prompts_and_images(tmp_path: Path) -> None:
    cells = [{"bytes": data, "path": None} for data in FILES.values()]
    rows = {"image": [*cells, {"bytes": b"no", "path": "x.png"}], "text": ["x", "y", "x", "z"]}
    path = parquet(tmp_path / "a.parquet", rows)
    made = bound(tmp_path, path, prompt="text")
    assert asked(made, "x", "y") == [COLOURS["a.png"], COLOURS["dogs/b.png"]]
    assert asked(made, "x", repeat=1) == [COLOURS["dogs/c.png"]]
    assert "it is no PNG" in str(asked(made, "z"))
    with pytest.raises(SpecError, match="no one column 'prompt'"):
        asked(bound(tmp_path, path), "x")


def test_changed_images_or_another_manifest_are_another_generator(tmp_path: Path) -> None:
    path = archived(tmp_path, "folder")
    made = [bound(tmp_path, path, manifest=manifest(tmp_path, ("red", "a.png")))]
    assert bound(tmp_path, path, manifest="m.jsonl").fingerprint == made[0].fingerprint
    (path / "dogs" / "c.png").write_bytes(png((1, 1, 1)))
    made.append(bound(tmp_path, path, manifest="m.jsonl"))
    made.append(bound(tmp_path, path, manifest=manifest(tmp_path, ("blue", "a.png"))))
    assert len({each.fingerprint for each in made}) == 3
    assert "pillow" in made[0].identity["packages"]
    with pytest.raises(SpecError, match="no such file"):
        bound(tmp_path, path, manifest="gone.jsonl")


def test_an_error_on_the_way_in_leaves_nothing_open(tmp_path: Path) -> None:
    rows = manifest(tmp_path, ("red", "a.png"))
    made = bound(tmp_path, archived(tmp_path, ".tar"), prompt="text", manifest=rows)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(SpecError, match="a row has no 'text'"):
        asked(made, "red")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_run_counts_every_image_that_is_broken_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {**FILES, "dogs/b.png": FILES["dogs/b.png"][:-20]}
    archived(tmp_path, ".zip", files)
    manifest(tmp_path, ("red", "a.png"), ("green", "dogs/b.png"), ("blue", "gone.png"))
    (tmp_path / "seen.yaml").write_text(SUITE)
    run, folder = harness.run("seen.yaml", out="runs/one")
    reasons = {each.reason: each.count for each in run.shortfalls if each.stage == "generate"}
    assert sorted(reasons.values()) == [1, 1, 1]
    assert any("cut short" in reason for reason in reasons)
    assert len(list((folder / "media").rglob("*"))) == 2
