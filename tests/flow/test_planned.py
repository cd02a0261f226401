"""What a run says that it planned is made again from its cases; what differs is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import digests
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.reconcile import reconcile
from harness.flow.run import Options, run
from tests.flow.suites import planted, write_policy, write_suite

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: echoes}
generators: [{use: echo}]
strategies: [{name: a}, {name: b}]
prompts: [{items: [one, two, three, four]}]
samples_per_prompt: 2
scorers: [{use: length}]
"""
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "s.yaml").write_text(SUITE)
    return run(folder / "s.yaml", out=folder / "run")[1]


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def edit(folder: Path, name: str, change: Edit) -> None:
    path = folder / name
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value))


def kept(folder: Path, keep: Callable[[dict[str, Any]], bool]) -> list[str]:
    """Keep some cases, with the answers and scores that are theirs; give their prompts."""
    cases: set[str] = set()
    prompts: list[str] = []
    for table in ("cases", "outputs", "scores/length"):
        for path in (folder / table).glob("*.parquet"):
            rows = pq.read_table(path)
            found = rows.to_pylist()
            if table == "cases":
                found = [row for row in found if keep(row)]
                cases = {row["case_id"] for row in found}
                prompts = [row["prompt_id"] for row in found]
            else:
                found = [row for row in found if row["case_id"] in cases]
            pq.write_table(pa.Table.from_pylist(found, schema=rows.schema), path)
    return prompts


def refused(folder: Path, match: str) -> None:
    with pytest.raises(AlteredError, match=match) as caught:
        reconcile(Store(folder))
    assert caught.value.where


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("manifest.json", lambda m: m.update(cases=15), "15 cases were planned, and 16"),
        ("manifest.json", lambda m: m.update(exam="0" * 64), "not the exam that"),
        ("manifest.json", lambda m: m.update(plan="0" * 64), "not the plan that"),
        ("manifest.json", lambda m: m["arms"].reverse(), "the arms are not those"),
        ("manifest.json", lambda m: m["arms"].pop(), "of no arm of the suite"),
        ("manifest.json", lambda m: m["arms"][0].update(fingerprint="0" * 64), "generator"),
        (
            "manifest.json",
            lambda m: m["arms"][0]["identity"].update(source="0" * 64),
            "records of a generator contradicts itself",
        ),
        ("manifest.json", lambda m: m["scorers"].update(more={}), "not the one that"),
        ("suite.json", lambda s: s["metadata"].update(name="other"), "not the one that"),
        ("suite.json", lambda s: s["generators"][0].update(use="files"), "not the one that"),
    ],
)
def test_records_that_contradict_each_other_are_named(
    folder: Path, name: str, change: Edit, match: str
) -> None:
    edit(folder, name, change)
    refused(folder, match)


def test_a_prompt_that_one_arm_was_spared_is_named(folder: Path) -> None:
    kept(folder, lambda row: (row["strategy"], row["prompt"]) != ("b", "two"))
    edit(folder, "manifest.json", lambda m: m.update(cases=14))
    refused(folder, "14 cases were planned|two arms were not asked the same")


def test_one_prompt_in_place_of_another_is_named(folder: Path) -> None:
    kept(
        folder,
        lambda row: (row["strategy"], row["prompt"]) not in {("a", "one"), ("b", "two")},
    )
    edit(folder, "manifest.json", lambda m: m.update(cases=12))
    refused(folder, "two arms were not asked the same")


def test_a_question_dropped_with_its_answers_does_not_fit_the_plan(folder: Path) -> None:
    """Even with the counts made to fit: the digests of plan and exam name every prompt."""
    prompts = kept(folder, lambda row: row["prompt"] != "two")
    edit(folder, "manifest.json", lambda m: m.update(cases=12))
    refused(folder, "not the exam that the manifest names")
    exam = digests.of_json(sorted(set(prompts)))
    edit(folder, "manifest.json", lambda m: m.update(exam=exam))
    refused(folder, "not the plan that the manifest names")


@pytest.fixture(scope="module")
def sequential(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of at most 120 prompts, which stopped long before."""
    folder = tmp_path_factory.mktemp("sequential")
    suite = write_suite(folder, "many", planted(120, 60))
    how = Options(out=folder / "run", sequential=True)
    return run(suite, write_policy(folder), how)[1]


def test_a_run_that_stopped_early_is_counted(sequential: Path) -> None:
    found = reconcile(Store(sequential))
    assert 0 < found.cases < 120
    assert found.scores == 2 * found.cases


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda held: held["arms"][0].update(used=63), "other prompts than its turn"),
        (lambda held: held.update(looks=[50]), "the looks are not those of the plan"),
        (lambda held: held.update(prompts=60), "cases were planned|the looks are not"),
    ],
)
def test_a_look_that_was_not_planned_is_named(
    sequential: Path, tmp_path: Path, change: Edit, match: str
) -> None:
    folder = Path(shutil.copytree(sequential, tmp_path / "run"))
    edit(folder, "sequence.json", change)
    refused(folder, match)


def test_a_prompt_out_of_turn_is_named(sequential: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sequential, tmp_path / "run"))
    first = pq.read_table(folder / "cases")["prompt_id"][0].as_py()
    shutil.rmtree(folder / "scores" / "privacy")
    kept(folder, lambda row: row["prompt_id"] != first)
    refused(folder, "other prompts than its turn")
