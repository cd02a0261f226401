"""Two small pipelines of diffusers, made once for all tests of generators."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generators.tiny_pipelines import noise_pipeline, text_pipeline


@pytest.fixture(scope="session")
def of_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a text-to-image pipeline; copy it before changing it."""
    return text_pipeline(tmp_path_factory.mktemp("of_text") / "pipeline")


@pytest.fixture(scope="session")
def of_noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of an unconditional pipeline; copy it before changing it."""
    return noise_pipeline(tmp_path_factory.mktemp("of_noise") / "pipeline")
