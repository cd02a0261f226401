"""Networks run without torch's shortcuts, and nobody's settings are left changed."""

from __future__ import annotations

import pytest
import torch

from harness.encoders.arithmetic import device, exact


def settings() -> tuple[bool, bool, bool]:
    backend = torch.backends.cudnn
    return backend.benchmark, backend.deterministic, backend.allow_tf32


def test_inside_convolutions_are_float32_and_outside_all_is_as_it_was() -> None:
    before = settings()
    with exact():
        assert settings() == (False, True, False)
        assert torch.is_inference_mode_enabled()
    assert settings() == before
    assert not torch.is_inference_mode_enabled()


def test_an_error_inside_leaves_no_setting_changed() -> None:
    before = settings()
    with pytest.raises(ZeroDivisionError), exact():
        raise ZeroDivisionError
    assert settings() == before


def test_a_device_that_is_named_is_taken_and_auto_is_one_that_is_there() -> None:
    assert device("cuda:1") == "cuda:1"
    assert device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
