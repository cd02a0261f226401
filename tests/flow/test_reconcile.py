"""Each planned case once, each answer once, each score once; what is not is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.engine import identity
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.reconcile import Reconciled, reconcile
from harness.flow.run import run

SUITE = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: echoes}
generators: [{use: echo}]
strategies: [{name: a}, {name: b}]
prompts: [{items: [one, two, three]}]
samples_per_prompt: 2
scorers: [{use: length}]
"""
Change = Callable[[pa.Table], pa.Table]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "s.yaml").write_text(SUITE)
    return run(folder / "s.yaml", out=folder / "run")[1]


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def change(folder: Path, table: str, how: Change) -> None:
    path = sorted((folder / table).glob("*.parquet"))[0]
    pq.write_table(how(pq.read_table(path)), path)


def setting(name: str, value: Any, row: int = 0) -> Change:
    def how(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        values[row] = value
        place = table.column_names.index(name)
        return table.set_column(
            place, table.field(name), pa.array(values, table.field(name).type)
        )

    return how


def doubled(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


def without_first(table: pa.Table) -> pa.Table:
    return table.slice(1)


def test_a_whole_run_is_counted(made: Path) -> None:
    assert reconcile(Store(made)) == Reconciled(12, 0, 12, 0)


@pytest.mark.parametrize(
    ("table", "how", "match"),
    [
        ("cases", doubled, "planned twice"),
        ("cases", without_first, "a prompt was not asked 2 times"),
        ("cases", setting("prompt", "four"), "a case is not what its id says"),
        ("cases", setting("seed", 5), "a case is not what its id says"),
        ("cases", setting("repeat", 9), "a case is not what its id says"),
        ("cases", setting("strategy", "c"), "of no arm of the suite"),
        ("cases", setting("params", '{"x":1}'), "of no arm of the suite"),
        ("outputs", doubled, "a case was answered twice"),
        ("outputs", without_first, "1 cases have no answer"),
        ("outputs", setting("output_id", "0" * 64), "an output is not what its id says"),
        ("outputs", setting("batch_id", "0" * 64), "a batch is not what its id says"),
        ("scores/length", doubled, "an output was scored twice"),
        ("scores/length", without_first, "1 outputs have no score of length"),
        ("scores/length", setting("score_id", "0" * 64), "a score is not what its id says"),
        ("scores/length", setting("batch_id", "0" * 64), "a score is not what its id says"),
        ("outputs", setting("status", "error"), "a score is of an answer that failed"),
    ],
)
def test_a_row_that_is_not_what_was_planned_is_named(
    folder: Path, table: str, how: Change, match: str
) -> None:
    change(folder, table, how)
    with pytest.raises(AlteredError, match=match) as caught:
        reconcile(Store(folder))
    assert caught.value.where


def test_an_answer_after_a_failure_counts(folder: Path) -> None:
    def failed_first(table: pa.Table) -> pa.Table:
        return pa.concat_tables([setting("status", "error")(table).slice(0, 1), table])

    change(folder, "outputs", failed_first)
    assert reconcile(Store(folder)) == Reconciled(12, 0, 12, 0)


def other(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A row of an output with other values, and the id that these give it."""
    changed = {**row, **changes}
    name = identity.output_id(changed["case_id"], changed["fingerprint"])
    return {**changed, "output_id": name}


def added(make: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    def how(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        return pa.Table.from_pylist([*rows, make(rows[0])], schema=table.schema)

    return how


def test_an_answer_to_a_case_that_was_taken_out_betrays_it(folder: Path) -> None:
    """Whoever drops a question he dislikes has its answer left."""
    change(folder, "outputs", added(lambda row: other(row, case_id="9" * 64)))
    with pytest.raises(AlteredError, match="a case that is not planned") as caught:
        reconcile(Store(folder))
    assert "case 999" in caught.value.where


def test_an_id_written_another_way_is_another_id(folder: Path) -> None:
    def upper(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        rows[0] = other(rows[0], case_id=rows[0]["case_id"].upper())
        return pa.Table.from_pylist(rows, schema=table.schema)

    change(folder, "outputs", upper)
    with pytest.raises(AlteredError, match="a case that is not planned"):
        reconcile(Store(folder))


def test_rows_of_an_earlier_model_and_scorer_are_counted_and_rest_nothing(folder: Path) -> None:
    earlier = "8" * 64
    change(folder, "outputs", added(lambda row: other(row, fingerprint=earlier)))
    change(folder, "scores/length", added(lambda row: {**row, "fingerprint": earlier}))
    change(
        folder,
        "scores/length",
        added(lambda row: {**row, "output_id": identity.output_id(row["case_id"], earlier)}),
    )
    assert reconcile(Store(folder)) == Reconciled(12, 0, 12, 0, unused=3)


def test_a_score_of_no_output_is_named(folder: Path) -> None:
    change(folder, "scores/length", added(lambda row: {**row, "output_id": "7" * 64}))
    with pytest.raises(AlteredError, match="a score is of no output"):
        reconcile(Store(folder))


def test_a_scorer_whose_every_score_was_deleted_is_named(folder: Path) -> None:
    shutil.rmtree(folder / "scores" / "length")
    with pytest.raises(AlteredError, match="12 outputs have no score of length"):
        reconcile(Store(folder))
