"""Where a suite runs changes nothing of what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import PluginError, SpecError
from harness.flow.executors import executor_of
from harness.flow.run import run
from harness.spec.load import digest, load
from harness.spec.suite import PluginSpec, SuiteSpec

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: where}
generators: [{use: echo}]
strategies: [{name: a}, {name: b}]
prompts: [{items: [%s]}]
samples_per_prompt: 30
scorers: [{use: length}, {use: diversity}]
"""
RAY = "executor: {use: ray, options: {workers: 2}}\n"


@pytest.fixture
def suites(tmp_path: Path) -> tuple[Path, Path]:
    text = SUITE % ", ".join(f"word {i}" for i in range(100))
    (tmp_path / "here.yaml").write_text(text)
    (tmp_path / "ray.yaml").write_text(text + RAY)
    return tmp_path / "here.yaml", tmp_path / "ray.yaml"


def table(folder: Path, name: str) -> pa.Table:
    """A table without the seconds that its rows took, part by part as it was written."""
    parts = [pq.read_table(path) for path in sorted((folder / name).glob("*.parquet"))]
    found = pa.concat_tables(parts)
    return found.drop_columns([c for c in found.column_names if c.endswith("seconds")])


@pytest.mark.filterwarnings("default")  # Ray leaves sockets to the collector
def test_a_run_on_ray_holds_the_same_rows_in_the_same_parts(
    suites: tuple[Path, Path], tmp_path: Path
) -> None:
    folders = [run(suite, out=tmp_path / suite.stem)[1] for suite in suites]

    names = [sorted(p.relative_to(f) for p in f.rglob("*.parquet")) for f in folders]
    assert names[0] == names[1]
    for name in ("cases", "outputs", "scores/length", "scores/diversity"):
        here, there = (table(folder, name) for folder in folders)
        assert here.num_rows == 6000
        assert here.equals(there)


def test_where_it_runs_is_no_part_of_what_was_asked(suites: tuple[Path, Path]) -> None:
    here, there = (load(path, SuiteSpec) for path in suites)
    assert there.executor.options == {"workers": 2}
    assert digest(here) == digest(there)


@pytest.mark.parametrize(
    ("spec", "error", "match"),
    [
        ({"use": "rey"}, PluginError, "no executor is named 'rey'"),
        ({"use": "ray", "options": {"worker": 2}}, SpecError, "do not fit 'ray'"),
        ({"use": "ray", "options": {"workers": 0}}, SpecError, "do not fit 'ray'"),
    ],
)
def test_an_executor_that_does_not_fit_is_said(
    spec: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        executor_of(PluginSpec.model_validate(spec))


def test_a_name_alone_will_do(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SUITE % "a" + "executor: ray\n")
    assert load(tmp_path / "s.yaml", SuiteSpec).executor.use == "ray"
