"""Every command, file and program of the README and its two pages works as it stands there.

Each section is run in a folder of its own, command by command, with the files
that the README shows and the few that it takes for granted. What is not run
as written is listed here with the reason.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from harness import pictures
from harness.cli import app, main
from harness.flow.init import init
from harness.flow.validate import validate
from harness.records import Image
from harness.spec.library import resolve
from harness.spec.load import load
from harness.spec.policy import PolicySpec

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "suites/README.md", "policies/README.md")
}
README = "\n".join(PAGES.values())

_ON_S3 = "tests/flow/test_remote_run.py does, on a server of its own"
NOT_RUN = {
    "harness gate suite.yaml --policy policy.yaml --out s3://bucket/runs/candidate": _ON_S3,
    "harness judge s3://bucket/runs/candidate": _ON_S3,
    "make demo": "CI runs it after the tests: .ci/run",
    'export PATH="$PWD/.venv/bin:$PATH"': "the tests have the command on their path",
}
# What is run instead, where the command itself would take minutes or change this machine.
INSTEAD = {
    "harness --install-completion": "harness --show-completion bash",
    "harness gate starter/suite.yaml --policy starter/policy.yaml": (
        "sed -i 's/max_new_tokens: 40/max_new_tokens: 4/' starter/suite.yaml && "
        "harness gate starter/suite.yaml --policy starter/policy.yaml"
    ),
    "harness run quickstart --policy quickstart --out runs/release": (
        "harness run suite.yaml --policy policy.yaml --out runs/release"
    ),
    "harness run sampling_strategies --policy quickstart --out runs/sampling": (
        "sed 's/^prompts:/strategies: [{name: greedy}, {name: other}]\\nprompts:/' suite.yaml"
        " > two.yaml && harness run two.yaml --policy policy.yaml --out runs/sampling"
    ),
}
_IMAGES = ROOT / "suites"
INSTEAD[
    "harness gate image_quickstart --policy image_quickstart --no-mlflow --out runs/images"
] = (
    f"sed 's/steps: [0-9]*/steps: 2/; s/samples_per_prompt: 2/samples_per_prompt: 1/; "
    f"s|prompts/digits.jsonl|{_IMAGES}/prompts/digits.jsonl|' {_IMAGES}/image_quickstart.yaml "
    "> images.yaml && harness gate images.yaml --policy image_quickstart --no-mlflow "
    "--out runs/images"
)
WORKFLOW = ".github/workflows/gate.yml"
EXIT_CODES = {
    "harness gate starter/suite.yaml --policy starter/policy.yaml": 2,
    # Sixty prompts, where the policy of the README asks for 299.
    "harness judge runs/release --policy release.yaml": 2,
    # The run that stands in for the quickstart has no slice `language=en`.
    "harness judge runs/release --policy quickstart --json > decision.json": 2,
    # It speaks of English answers alone, and no prompt here is tagged so.
    # The document it asks for is not there.
    "harness judge runs/release --policy audit.yaml": 2,
    "harness judge runs/release --policy shop.yaml": 2,
    "harness judge runs/release --policy shop.yaml --waivers waivers.yaml": 5,
    "harness validate shop.yaml waivers.yaml": 5,
    "harness run suite.yaml --policy policy.yaml --sequential": 2,
    # Its pipeline and pictures are not here.
    "harness doctor ad_creative": 3,
    # Version 1 is what it serves: there was one promotion.
    'harness registry rollback support-assistant --to 1 --reason "complaints"': 3,
}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it is shown as, and its text."""

    language: str
    file: str
    text: str

    def commands(self) -> list[str]:
        """Its lines that are commands, each whole."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line and not line.startswith("#")]


def blocks(text: str) -> list[Block]:
    found = re.findall(r"(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)```", text, re.DOTALL)
    return [Block(language, file, body) for file, language, body in found]


SECTIONS = {
    part.partition("\n")[0]: blocks(part)
    for part in re.split(r"^## ", README, flags=re.MULTILINE)
}
FILES = {block.file: block.text for block in blocks(README) if block.file}
COMMANDS = [c for block in blocks(README) if block.language == "sh" for c in block.commands()]
RUN = {
    title: found
    for title, found in SECTIONS.items()
    if any(block.language in ("sh", "python") for block in found)
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Give a folder with the README's files, and those that it takes for granted."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    rows = [{"prompt": f"Ask {i}", "output": f"We open at nine, gate {i}."} for i in range(60)]
    questions = [{"question": f"Ask {i}", "language": "en"} for i in range(3)]
    for name, table in (("my.jsonl", rows), ("prompts.jsonl", questions)):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in table))
    _draw(tmp_path)
    for name in (
        "my-model/model.safetensors", "my-model/config.json",
        "models/toxic_original.ckpt", "models/bert-base-uncased/config.json",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    return tmp_path


def _draw(folder: Path) -> None:
    """Two pictures in an archive, and which prompts they answer."""
    with zipfile.ZipFile(folder / "pictures.zip", "w") as file:
        for name in ("a.png", "b.png"):
            pixels = np.full((32, 32, 3), ord(name[0]), dtype=np.uint8)
            file.writestr(name, pictures.encode(Image(pixels)))
    rows = [{"prompt": f"Draw {name}", "image": f"{name}.png"} for name in "ab"]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def script(title: str, here: Path) -> str:
    """The section as one shell script, which stops at the first wrong exit code."""
    lines = ["set -uo pipefail"]
    for number, block in enumerate(RUN[title]):
        if block.language == "sh":
            for command in block.commands():
                lines += _expecting(command)
        elif block.language == "python" and not _only_defines(block):
            lines += _expecting(f"{shlex.quote(sys.executable)} {block.file}")
        elif block.language == "toml":
            staged = here / f"entry_points.{number}"
            staged.write_text(_entry_points(block.text))
            lines += ["mkdir -p demo-1.0.dist-info", f"mv {staged.name} demo-1.0.dist-info/"]
            lines += [
                f"mv demo-1.0.dist-info/{staged.name} demo-1.0.dist-info/entry_points.txt"
            ]
            lines += [r"printf 'Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n' "
                      "> demo-1.0.dist-info/METADATA"]  # fmt: skip
    return "\n".join(lines)


def _expecting(command: str) -> list[str]:
    if command in NOT_RUN:
        return []
    wanted = EXIT_CODES.get(command, 0)
    told = shlex.quote(f"README: {command}: exit code")
    run = INSTEAD.get(command, command)
    return [run, f"code=$?; [ $code -eq {wanted} ] || {{ echo {told} $code >&2; exit 1; }}"]


def _only_defines(block: Block) -> bool:
    return "class " in block.text


def _entry_points(text: str) -> str:
    groups = tomllib.loads(text)["project"]["entry-points"]
    return "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in groups.items()
    )


@pytest.mark.parametrize("title", list(RUN))
def test_a_section_runs_as_it_is_written(
    here: Path, assets: Callable[[str], Path], title: str
) -> None:
    for name in ("toxblock", "smollm2-135m-instruct"):
        assets(name)
    if not any("harness init" in c for block in RUN[title] for c in block.commands()):
        init(here, here / "my.jsonl")
    if "runs/release" in str(RUN[title]) and "--out runs/release" not in str(RUN[title]):
        prepare = "harness run suite.yaml --policy policy.yaml --out runs/release\n"
    else:
        prepare = ""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(here)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    done = subprocess.run(
        ["bash", "-c", prepare + script(title, here)],
        cwd=here, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def test_what_is_not_run_as_written_is_in_the_readme() -> None:
    for command in [*NOT_RUN, *INSTEAD, *EXIT_CODES]:
        assert command in COMMANDS, command


def test_every_file_shown_fits(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)
    shown = [name for name in FILES if name.endswith(".yaml")]
    assert WORKFLOW not in shown
    assert len(shown) >= 4
    for name in shown:
        if name != "polite.yaml":  # its scorer is registered where it is run
            assert validate(here / name)


def test_the_workflow_shown_is_yaml_whose_commands_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    jobs = yaml.safe_load(FILES[WORKFLOW])["jobs"]
    steps = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    commands = [c.split() for run in steps for c in run.split(" && ") if "harness" in c]
    gated = [words[1:] for words in commands if words[0] == "harness"]
    assert ["gate", "suite.yaml"] in [words[:2] for words in gated]
    for words in gated:
        names = [word for word in words if not word.startswith("-")][:1]
        names += words[1:2] if words[0] == "assets" else []
        assert main([*names, "--help"]) == 0
        told = capsys.readouterr().out
        assert [word for word in words if word.startswith("--") and word not in told] == []


def test_every_command_there_is_is_shown() -> None:
    from typer.main import get_command

    commands = get_command(app).commands  # type: ignore[attr-defined]
    missing = [name for name in commands if f"harness {name}" not in README]
    assert missing == []


def test_links_lead_to_files_that_are_there() -> None:
    for name, text in PAGES.items():
        links = re.findall(r"\]\(([^)#]+)\)", text)
        assert links
        near = [link for link in links if "://" not in link]
        assert [link for link in near if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_the_verdict_shown_is_about_the_rules_of_the_quickstart() -> None:
    (shown,) = [block.text for block in blocks(README) if block.language == "text"]
    policy = load(resolve("policies", "quickstart"), PolicySpec)
    rules = set()
    for rule in policy.rules:
        only = rule.slices.only if rule.slices else None
        part = f" [{rule.slices.by}={only[0]}]" if rule.slices and only else ""
        asked = rule.require
        assert asked is not None
        rules.add(f"{asked.metric}{part} {asked.op} {asked.value:.4g}")
    squeezed = re.sub(r" +", " ", shown)
    assert [rule for rule in rules if rule not in squeezed] == []


def test_lines_fit_a_screen() -> None:
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    wide = [line for line in prose.splitlines() if len(line) > 96 and not line.startswith("|")]
    assert wide == []
