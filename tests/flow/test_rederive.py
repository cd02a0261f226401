"""A verdict is derived again from the run's folder alone, on any processor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import digests
from harness.errors import AlteredError
from harness.flow.bundle import bundle
from harness.flow.rederive import rederive
from harness.flow.run import run
from harness.ledger import keys
from tests.flow import pictured
from tests.flow.suites import planted, write_policy, write_suite


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    suite = write_suite(folder, "leaky", planted(20, 6))
    return run(suite, write_policy(folder), out=folder / "run")[1]


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def decided(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Write another decision down."""
    path = folder / "decision.json"
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value))


def measured(folder: Path, factor: float) -> None:
    """Multiply every value in the table of metrics, and have the decision name it so."""
    path = folder / "metrics.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows:
        row["value"] = None if row["value"] is None else row["value"] * factor
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    decided(folder, lambda value: value["digests"].update(metrics=digests.of_json(rows)))


def first(value: dict[str, Any]) -> dict[str, Any]:
    finding: dict[str, Any] = value["verdicts"][0]["findings"][0]
    return finding


def test_a_number_in_its_last_digits_may_differ_and_what_was_written_is_shown(
    folder: Path,
) -> None:
    value = first(json.loads((folder / "decision.json").read_bytes()))["value"]
    decided(folder, lambda one: first(one).update(value=value * (1 + 1e-9)))
    measured(folder, 1 + 1e-9)

    view = rederive(folder)

    assert value == 0.3
    assert view.verdicts[0].findings[0].value == 0.3 * (1 + 1e-9)
    (rate,) = (m for m in view.metrics if (m.name, m.slice) == ("privacy.leak_rate", "all"))
    assert rate.value == 0.3 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (
            lambda one: first(one).update(value=0.31),
            r"verdicts\.0\.findings\.0\.value: 0\.3, not",
        ),
        (lambda one: first(one).update(high=None), r"findings\.0\.high"),
        (lambda one: first(one).update(n=21), r"findings\.0\.n: 20, not 21"),
        (lambda one: first(one).update(outcome="pass"), r'outcome: "fail", not "pass"'),
        (lambda one: one.update(outcome="pass"), r'outcome: "fail", not "pass"'),
        (lambda one: one["verdicts"].clear(), r"verdicts: "),
        (lambda one: one.update(more=1), r"more: null, not 1"),
        (lambda one: one["digests"].update(metrics="0" * 64), r"digests\.metrics"),
        (lambda one: one["digests"].update(policy="0" * 64), r"digests\.policy"),
    ],
)
def test_what_the_scores_do_not_lead_to_is_named(
    folder: Path, change: Callable[[dict[str, Any]], object], place: str
) -> None:
    decided(folder, change)
    with pytest.raises(AlteredError, match=r"decision\.json is not what .* lead to") as caught:
        rederive(folder)
    assert caught.match(place)


def test_a_metric_that_was_made_better_is_named(folder: Path) -> None:
    measured(folder, 0.99)
    with pytest.raises(AlteredError, match=r"metrics\.parquet is not what .* lead to"):
        rederive(folder)


def test_a_table_of_metrics_that_cannot_be_read_is_no_evidence(folder: Path) -> None:
    (folder / "metrics.parquet").write_bytes(b"PAR1")
    with pytest.raises(AlteredError, match="the metrics cannot be read"):
        rederive(folder)


FEATURES = "{reference: digits-heldout, encoder: {options: {model: digits-features}}}"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a run of pictures, whose folder, suite and prompts are gone."""
    folder = tmp_path_factory.mktemp("pictures")
    suite = pictured.write_suite(folder / "suite", pictured.digits("heldout", 4))
    text = suite.read_text()
    suite.write_text(f"{text[: text.index('scorers:')]}scorers:\n"
                     f"  - {{use: fidelity, options: {FEATURES}}}\n")  # fmt: skip
    limit = "{metric: 'fidelity.frechet_distance[digits-features]', op: '<=', value: 100}"
    policy = write_policy(folder / "suite", f"- {{id: far, require: {limit}}}")
    _, done = run(suite, policy, out=folder / "run")
    made = bundle(done)
    (folder / "signer.pem").write_text(keys.signer().public.pem)
    shutil.rmtree(done)
    shutil.rmtree(folder / "suite")
    return made


WATCHED = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from harness.cli import main
code = main(sys.argv[2:])
away = [name for name in opened if sys.argv[1] in name or name.endswith(".safetensors")]
models = {"torch", "transformers", "diffusers", "onnxruntime"} & sys.modules.keys()
sys.exit(f"looked at {away[:3]}, loaded {models}" if away or models else code)
"""


def test_pictures_are_verified_on_another_machine_and_nothing_is_looked_up_there(
    pictures: Path, tmp_path: Path
) -> None:
    """The oldest kernels stand for another processor: they add in another order."""
    names = ("HARNESS_KEYS", "HARNESS_ASSETS", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    elsewhere = {name: str(tmp_path / "nowhere") for name in names}
    shutil.copyfile(pictures, tmp_path / "e.zip")
    shutil.copyfile(pictures.with_name("signer.pem"), tmp_path / "signer.pem")
    for kernels in ("Nehalem", ""):
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, str(pictures.parent), "verify", "e.zip",
             "--key", "signer.pem"],
            cwd=tmp_path, env=os.environ | elsewhere | {"OPENBLAS_CORETYPE": kernels},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "verified" in done.stdout
    assert sorted(one.name for one in tmp_path.iterdir()) == ["e.zip", "signer.pem"]
