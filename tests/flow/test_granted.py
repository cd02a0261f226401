"""Waivers that no judge would take are refused when they are checked, all at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.errors import WaiverError
from harness.flow.granted import check_waivers
from harness.spec.extend import load_policy
from harness.spec.policy import PolicySpec
from tests.flow.suites import LEAKS, write_policy

TODAY = date(2026, 11, 25)
HEAD = "apiVersion: harness/v1\nkind: Waivers\nmetadata: {name: w}\nwaivers:\n"


def written(tmp_path: Path, *rules: str, last: str = "2026-12-01") -> Path:
    path = tmp_path / "waivers.yaml"
    lines = [
        f"  - {{id: w{n}, rule: {rule}, subject_digest: {'ab' * 32}, covers: fail, reason: r, "
        f"requested_by: a, approved_by: b, created: 2026-11-01, expires: {last}, ticket: t}}\n"
        for n, rule in enumerate(rules)
    ]
    path.write_text(HEAD + "".join(lines))
    return path


def policy(tmp_path: Path) -> PolicySpec:
    law = '  - {id: law, severity: legal, require: {metric: a.b, op: "<=", value: 1}}'
    return load_policy(write_policy(tmp_path, LEAKS, law))


def refused(path: Path, *policies: PolicySpec, today: date = TODAY) -> WaiverError:
    with pytest.raises(WaiverError) as caught:
        check_waivers(path, today, policies)
    assert caught.value.exit_code == 5
    return caught.value


def test_a_waiver_in_force_is_taken_on_its_first_and_last_day(tmp_path: Path) -> None:
    path = written(tmp_path, "leaks")
    for day in (date(2026, 11, 1), date(2026, 12, 1)):
        check_waivers(path, day, [policy(tmp_path)])
        check_waivers(path, day)


@pytest.mark.parametrize("day", [date(2026, 10, 31), date(2026, 12, 2)])
def test_one_that_is_not_in_force_is_refused_with_its_line(tmp_path: Path, day: date) -> None:
    path = written(tmp_path, "leaks")
    error = refused(path, today=day)
    assert f"holds from 2026-11-01 to 2026-12-01; today is {day}" in str(error)
    assert error.where == f"{path}:5"


def test_rules_are_looked_up_where_a_policy_is_given(tmp_path: Path) -> None:
    path = written(tmp_path, "leeks", "law")
    check_waivers(path, TODAY)
    said = str(refused(path, policy(tmp_path)))
    assert "waivers.yaml:5: waiver 'w0': the policy has no rule 'leeks'" in said
    assert "did you mean 'leaks'?" in said
    assert "waivers.yaml:6: waiver 'w1': 'law' is a legal rule" in said
