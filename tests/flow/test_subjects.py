"""What each generator is, by digest: files and settings, not places."""

import shutil
from pathlib import Path

from harness.flow.plan import plan
from harness.flow.subjects import subjects
from harness.spec.load import load_text
from harness.spec.suite import SuiteSpec

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: s}
generators: [{name: mine, use: files, options: {file: out.jsonl}}]
prompts: [{items: [a]}]
scorers: [{use: length}]
"""


def digest(folder: Path, suite: str = SUITE) -> str:
    return subjects(plan(load_text(suite, SuiteSpec), folder))["mine"].digest


def test_a_moved_folder_is_the_same_subject_and_changed_content_another(tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir()
    (here / "out.jsonl").write_text('{"prompt": "a", "output": "b"}\n')
    shutil.copytree(here, there)
    assert digest(here) == digest(there)
    (there / "out.jsonl").write_text('{"prompt": "a", "output": "c"}\n')
    assert digest(here) != digest(there)


def test_another_strategy_is_another_subject(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text('{"prompt": "a", "output": "b"}\n')
    renamed = SUITE.replace("prompts:", "strategies: [{name: other}]\nprompts:")
    assert digest(tmp_path) != digest(tmp_path, renamed)
