"""Every command and every piece of Python in the README works as it stands there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(
    r"^```(\w+)\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL
)
# CI runs these two itself; the second is what runs this test.
RUN_BY_CI = ("make demo", "make test")


def lines(kind: str) -> list[str]:
    text = "".join(body for name, body in BLOCKS if name == kind)
    return [line.partition("#")[0].strip() for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: outputs of their own, and the suite and policy that `init` writes."""
    folder = tmp_path_factory.mktemp("desk")
    rows = [{"prompt": f"Ask {i}", "output": f"We open at nine, {i}."} for i in range(70)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "outputs.jsonl").write_text(text)
    (folder / "prompts.jsonl").write_text(text)
    return folder


def call(command: str, desk: Path) -> subprocess.CompletedProcess[str]:
    words = command.split()
    target = None
    if ">" in words:
        target = desk / words[words.index(">") + 1]
        words = words[: words.index(">")]
    program = [sys.executable, "-m", "harness", *words[1:]]
    environ = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        program, cwd=desk, env=environ, capture_output=True, text=True, check=False
    )
    if target:
        target.write_text(done.stdout)
    return done


def test_every_command_of_the_readme_runs_in_the_order_written(desk: Path) -> None:
    for command in lines("sh"):
        if command in RUN_BY_CI:
            continue
        assert command.startswith("harness "), command
        done = call(command, desk)
        expected = {0, 2} if command.split()[1] in ("gate", "run", "judge", "promote") else {0}
        assert done.returncode in expected, f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
    assert json.loads((desk / "suite.schema.json").read_bytes())["title"]


def test_every_piece_of_python_in_the_readme_runs(desk: Path) -> None:
    for code in [body for name, body in BLOCKS if name == "python"]:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{code}\n{done.stderr}"
        assert done.stdout


@pytest.mark.parametrize("place", [i for i, (name, _) in enumerate(BLOCKS) if name == "yaml"])
def test_every_suite_and_policy_in_the_readme_is_valid(place: int, desk: Path) -> None:
    rows = [{"prompt": f"Ask {i}", "scenario": "s", "language": "en"} for i in range(3)]
    folder = desk / f"yaml{place}"
    folder.mkdir()
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "shown.yaml").write_text(BLOCKS[place][1])
    done = call(f"harness validate {folder / 'shown.yaml'}", desk)
    assert done.returncode == 0, done.stderr


def test_the_make_targets_that_the_readme_names_exist() -> None:
    makefile = (README.parent / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"`?make (\w+)", README.read_text("utf-8"))):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert shutil.which("make")
