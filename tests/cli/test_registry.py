"""`harness registry`: what a person reads of a freeze, and of rules that were changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import main
from tests.flow.test_promote import here

__all__ = ["here"]


def gate(out: str, *more: str) -> int:
    asked = ["gate", "suite.yaml", "--policy", "pass.yaml", "--model", "m", "--out", out]
    return main([*asked, *more])


def test_rules_of_one_name_are_told_apart_and_a_freeze_is_shown(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate("one") == 0
    policy = here / "pass.yaml"
    policy.write_text(policy.read_text().replace("0.5", "0.9"))
    assert gate("two", "--changed", "policy") == 3
    assert "need a reason" in capsys.readouterr().err
    assert gate("two", "--changed", "policy", "--reason", "too tight") == 0
    assert main(["registry", "freeze", "m", "--reason", "audit"]) == 0
    capsys.readouterr()

    assert main(["registry", "history", "m"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first, second = (line for line in lines if "rules     policy p " in line)
    assert first != second
    assert lines.count("      changed   another policy than before") == 1
    assert "      reason    too tight" in lines
    assert any("check     harness verify RUN-FOLDER --decision" in line for line in lines)

    assert main(["registry", "status", "m"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("frozen        champion")
    assert last.endswith(": audit")
