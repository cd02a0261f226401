"""What is written of a judged run: every format, the decision, and the metrics table."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from harness.flow.run import run

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
    assert told.keys() == {"schema", "run_id", "outcome", "digests", "verdicts", "shortfalls"}
    assert str(tmp_path) not in json.dumps(told)
