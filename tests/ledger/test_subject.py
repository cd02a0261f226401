"""A subject's digest covers bytes and settings, and no path."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import AlteredError, RefusedError
from harness.ledger.subject import subject_of
from tests.ledger.sealed_runs import STRATEGIES, identity_of, subject, write_model


def test_the_same_model_elsewhere_is_the_same_subject(tmp_path: Path) -> None:
    first = write_model(tmp_path / "a" / "model")
    shutil.copytree(first, tmp_path / "b" / "other")

    assert subject(first).digest == subject(tmp_path / "b" / "other").digest


def test_one_byte_makes_another_subject(tmp_path: Path) -> None:
    first, second = write_model(tmp_path / "a"), write_model(tmp_path / "b", b"weightz")

    assert subject(first).digest != subject(second).digest


def test_an_added_file_makes_another_subject(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    before = subject(model).digest
    (model / "adapter").mkdir()
    (model / "adapter" / "adapter.safetensors").touch()

    assert subject(model).digest != before


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"max_new_tokens": 33}},
        {"packages": {"transformers": "5.0.1"}},
        {"strategies": {"greedy": {"top_k": 1}}},
        {"kind": "code"},
    ],
)
def test_a_setting_makes_another_subject(tmp_path: Path, change: dict[str, object]) -> None:
    model = write_model(tmp_path / "model")
    identity = identity_of(model) | {"folder": str(model), "strategies": STRATEGIES}

    assert subject_of("c", identity).digest != subject_of("c", identity | change).digest


def test_the_generators_name_is_not_part_of_the_digest(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    identity = identity_of(model) | {"folder": str(model)}

    assert subject_of("a", identity).digest == subject_of("b", identity).digest


def test_a_relative_option_that_names_the_folder_is_left_out(tmp_path: Path) -> None:
    model = write_model(tmp_path / "models" / "mine")
    identity = identity_of(model) | {"folder": str(model)}
    relative = identity | {"options": {"model": "../models/mine", "max_new_tokens": 32}}

    assert subject_of("a", relative).digest == subject_of("a", identity).digest


def test_weights_other_than_the_evaluated_ones_are_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    identity = identity_of(model) | {"folder": str(model)}
    (model / "model.safetensors").write_bytes(b"swapped")

    with pytest.raises(AlteredError, match=r"not the ones that were evaluated"):
        subject_of("candidate", identity)


def test_weights_without_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="not on this machine"):
        subject_of("candidate", identity_of(write_model(tmp_path / "model")))


@pytest.mark.parametrize("target", ["model.safetensors", "/etc/hostname"])
def test_a_link_in_the_model_is_refused(tmp_path: Path, target: str) -> None:
    model = write_model(tmp_path / "model")
    (model / "link.safetensors").symlink_to(target)

    with pytest.raises(AlteredError, match="link"):
        subject(model)


def test_an_endpoint_is_known_by_what_it_declares() -> None:
    identity = {"kind": "declared", "weights": {}, "options": {"url": "https://a"}}

    found = subject_of("api", identity)

    assert found.identity == "declared"
    assert not found.stored
    other = identity | {"options": {"url": "https://b"}}
    assert found.digest != subject_of("api", other).digest


def test_an_unknown_identity_is_refused() -> None:
    with pytest.raises(RefusedError, match="no identity"):
        subject_of("a", {"kind": "trusted"})
