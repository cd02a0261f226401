"""A generator in somebody's package: installed by pip, listed, run, and never privileged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine.store import Store

EXAMPLE = Path(__file__).resolve().parents[1] / "example_package"
SUITE = """
apiVersion: harness/v1
kind: Suite
metadata: {name: backwards}
generators: [{use: reversed, options: {letters: true}}]
prompts:
  - {items: [Hello there, Good day]}
scorers: [{use: length}]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example into a folder, as anyone would."""
    source = tmp_path_factory.mktemp("source") / "package"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    pip += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*pip, str(source)], check=True, capture_output=True)
    return target


def command(site: Path, *args: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    code = "import sys; from harness.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_its_generator_is_listed_with_the_package_it_comes_from(site: Path) -> None:
    done = command(site, "list", "generators")
    assert done.returncode == 0, done.stderr
    assert "reversed" in done.stdout
    assert "harness-reversed 1.0.0" in done.stdout


def test_a_suite_runs_on_it(site: Path, tmp_path: Path) -> None:
    suite, folder = tmp_path / "suite.yaml", tmp_path / "run"
    suite.write_text(SUITE)
    done = command(site, "run", str(suite), "--out", str(folder))
    assert done.returncode == 0, done.stderr
    with Store(folder) as store:
        rows = store.columns("outputs", ("text",)).to_pylist()
    assert {row["text"] for row in rows} == {"ereht olleH", "yad dooG"}


def test_a_misspelt_option_of_it_is_told_as_of_our_own(site: Path, tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(SUITE.replace("letters", "leters"))
    done = command(site, "validate", str(suite))
    assert done.returncode == 64
    assert "did you mean 'letters'?" in done.stderr + done.stdout
