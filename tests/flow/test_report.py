"""What is written of a judged run: every format, the decision, and the metrics table."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness import digests, registry
from harness.engine.store import Store
from harness.flow.report import decision, masked, report
from harness.flow.run import run
from harness.records import RunView
from tests.reporters.complete import complete
from tests.reporters.hostile import hostile

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: small}
generators: [{use: echo}]
prompts: [{items: [one two, three four]}]
scorers: [{use: length}]
"""


def test_every_format_the_decision_and_the_metrics_are_written(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE)
    view, folder = run(tmp_path / "suite.yaml", out=tmp_path / "run")
    for name in ("report.html", "report.md", "report.json", "junit.xml"):
        assert (folder / name).stat().st_size > 0, name
    stored = pq.read_table(folder / "metrics.parquet").to_pylist()
    assert [row["name"] for row in stored] == [metric.name for metric in view.metrics]
    assert [row["value"] for row in stored] == [metric.value for metric in view.metrics]


def test_the_decision_holds_no_time_and_no_path(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE)
    _, folder = run(tmp_path / "suite.yaml", out=tmp_path / "run")
    told = json.loads((folder / "decision.json").read_bytes())
    assert told.keys() == {
        "schema", "run_id", "outcome", "digests", "verdicts", "shortfalls", "excuses",
        "attempts", "progressions", "notices", "judged_on",
    }  # fmt: skip
    assert str(tmp_path) not in json.dumps(told)


def test_the_decision_tells_all_that_it_rests_on() -> None:
    view = complete()
    told = decision(view)
    assert [one["id"] for one in told["excuses"]] == ["W-7", "W-9"]
    assert [one["outcome"] for one in told["attempts"]] == ["fail", "inconclusive"]
    assert told["progressions"] == [dataclasses.asdict(way) for way in view.progressions]
    assert told["notices"] == list(view.notices)
    assert told["judged_on"] == "2026-11-25"


@pytest.mark.parametrize("view", [complete(), hostile()], ids=["complete", "hostile"])
def test_the_same_run_is_the_same_decision_and_masking_twice_changes_nothing(
    view: RunView,
) -> None:
    assert digests.canonical(decision(view)) == digests.canonical(decision(view))
    assert masked(masked(view)) == masked(view)


LEAK = "call +49 170 1234567 or write to ana.lopez@example.com"


def _leaking() -> RunView:
    """A run in which people wrote personal data wherever they give a reason."""
    view = complete()
    policy = dict(view.policy or {})
    policy["not_applicable"] = {"marking.survives": LEAK}
    policy["rules"] = [{"id": "r", "compare": {"metric": "m", "if_absent": LEAK}}]
    verdicts = tuple(
        replace(
            verdict,
            findings=tuple(
                replace(f, message=f"{f.message}; {LEAK}")
                if f.outcome in ("waived", "not_applicable")
                else f
                for f in verdict.findings
            ),
        )
        for verdict in view.verdicts
    )
    return replace(
        view,
        policy=policy,
        verdicts=verdicts,
        notices=(LEAK,),
        excuses=tuple(replace(one, reason=LEAK, ticket=LEAK) for one in view.excuses),
    )


def test_no_report_holds_the_personal_data_of_a_reason(tmp_path: Path) -> None:
    with Store(tmp_path / "run") as store:
        report(_leaking(), store)
    written = [
        registry.load("reporters", name)().filename for name in registry.names("reporters")
    ]
    for name in (*written, "decision.json"):
        text = (tmp_path / "run" / name).read_text("utf-8")
        assert "ana.lopez" not in text, name
        assert "1234567" not in text, name
        assert "[EMAIL]" in text.replace("\\", ""), name
    assert "ana.lopez" in (tmp_path / "run" / "policy.json").read_text("utf-8")


def test_who_answers_for_a_waiver_is_named() -> None:
    excuse = replace(complete().excuses[0], approved_by="maria@example.com")
    told = decision(replace(complete(), excuses=(excuse,)))
    assert told["excuses"][0]["approved_by"] == "maria@example.com"


def test_a_message_of_ours_keeps_its_digits() -> None:
    said = "the same model failed before, in r (seed 4012888888881881)"
    view = complete()
    first = view.verdicts[0]
    found = replace(first.findings[0], outcome="inconclusive", message=said)
    verdict = replace(first, findings=(found,))
    assert masked(replace(view, verdicts=(verdict,))).verdicts[0].findings[0].message == said
