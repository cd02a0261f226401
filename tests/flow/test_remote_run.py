"""A run kept on object storage: the same bytes as in a folder, whoever is killed or cut off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq
import pytest

import harness
from harness.cli import main
from harness.engine import objects
from harness.errors import AlteredError, BusyError, StorageError
from harness.flow.run import run
from tests.engine.s3_server import BUCKET, SECRET, Server, serving
from tests.flow.suites import planted, write_policy, write_suite

URL = f"s3://{BUCKET}/runs/x"
TIMED = {"decision.dsse.json", "outputs/part-000000.parquet", "seal.json"}
"""What holds a time, or the digest of what does."""
PICTURES = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: pictures}
generators: [{use: pixel, options: {batch: 2}}]
prompts: [{items: [red, green, blue, grey, white, black]}]
scorers: [{use: latency}]
"""
KILLED = """\
import os, signal, sys
from harness.flow.run import run
from harness.flow.progress import Silent
class Deadly(Silent):
    def advance(self, count, failed):
        os.kill(os.getpid(), signal.SIGKILL)
run(sys.argv[1], out=sys.argv[2], progress=Deadly())
"""

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


@pytest.fixture(autouse=True)
def bucket(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(objects, "PAUSES_SECONDS", (0.01,))
    monkeypatch.setattr("harness.engine.remote._PATIENCE_SECONDS", 0.0)
    fs = fsspec.filesystem("s3")
    yield fs
    fs.invalidate_cache()
    if found := fs.find(BUCKET):
        fs.rm(found)


def there(fs: Any, under: str = "runs/x") -> dict[str, bytes]:
    fs.invalidate_cache()
    root = f"{BUCKET}/{under}/"
    return {path.removeprefix(root): fs.cat_file(path) for path in fs.find(root)}


def files(folder: Path) -> dict[str, bytes]:
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != ".lock"}


def asked(folder: Path) -> tuple[str, str]:
    suite = write_suite(folder, "plain", planted(80, 0))
    return str(suite), str(write_policy(folder))


def test_a_run_at_a_url_has_the_bytes_of_one_in_a_folder(bucket: Any, tmp_path: Path) -> None:
    suite, policy = asked(tmp_path)
    view, folder = harness.run(suite, policy, out=tmp_path / "runs" / "x")
    other, copy = harness.run(suite, policy, out=URL)
    assert view.outcome == other.outcome is not None
    here, kept = files(folder), there(bucket)
    assert here.keys() == kept.keys() == files(copy).keys()
    assert {name for name in here if here[name] != kept[name]} <= TIMED
    columns = ["output_id", "case_id", "text", "status"]
    one, two = (pq.read_table(at / "outputs", columns=columns) for at in (folder, copy))
    assert one.equals(two)
    assert there(bucket, "runs")["attempts.jsonl"] == files(tmp_path / "runs")["attempts.jsonl"]
    assert not any(SECRET.encode() in data for data in kept.values())


def test_every_command_takes_the_url_and_another_machine_goes_on_with_it(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    suite, policy = asked(tmp_path)
    strict = str(write_policy(
        tmp_path, '  - {id: empty, require: {metric: length.empty_rate, op: ">=", value: 0.5}}',
        name="strict",
    ))  # fmt: skip
    ask = ["--policy", policy, "--out", URL, "--model", "bot", "--json"]
    code = main(["gate", suite, *ask])
    caught = capsys.readouterr()
    told = json.loads(caught.out)
    assert (code, told["url"], told["outcome"]) == (0, URL, "pass"), caught.err
    assert {"record.json", "decision.dsse.json", "seal.json"} <= there(bucket).keys()

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "other"))
    assert main(["verify", URL]) == 0
    assert main(["report", URL]) == 0
    assert main(["policy", "explain", URL]) == 0
    assert main(["judge", URL, "--policy", strict, "--out", f"s3://{BUCKET}/runs/y"]) == 1
    assert json.loads(there(bucket)["decision.json"])["outcome"] == "pass"
    assert json.loads(there(bucket, "runs/y")["decision.json"])["outcome"] == "fail"
    assert main(["judge", URL, "--policy", strict]) == 1
    assert json.loads(there(bucket)["decision.json"])["outcome"] == "fail"
    assert main(["judge", URL, "--policy", policy]) == 0
    assert main(["bundle", URL]) == 0
    assert (tmp_path / "x.evidence.zip").is_file()
    assert main(["record", URL]) == 0
    assert main(["promote", URL, "--model", "bot"]) == 0
    second = write_suite(tmp_path / "b", "other", planted(80, 20))
    assert main(["run", str(second), "--out", f"s3://{BUCKET}/runs/z"]) == 0
    capsys.readouterr()
    assert main(["compare", URL, f"s3://{BUCKET}/runs/z"]) == 0
    assert SECRET not in "".join(capsys.readouterr())


def test_a_run_killed_in_the_middle_goes_on_from_the_url_on_another_machine(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = tmp_path / "pictures.yaml"
    suite.write_text(PICTURES)
    code = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, str(suite), URL], check=False
    ).returncode
    assert code == -signal.SIGKILL
    (lease,) = [name for name in there(bucket) if name.startswith(".lease/")]
    before = {n: data for n, data in there(bucket).items() if n.startswith(("out", "media"))}
    assert len([name for name in before if name.startswith("outputs/")]) == 1

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "other"))
    with pytest.raises(BusyError, match=os.uname().nodename):
        harness.run(suite, out=URL)
    said = json.loads(there(bucket)[lease]) | {"seconds": 0}  # as if its time had run out
    bucket.pipe_file(f"{BUCKET}/runs/x/{lease}", json.dumps(said).encode())
    _, copy = harness.run(suite, out=URL)

    kept = there(bucket)
    assert kept == files(copy)
    assert before.items() <= kept.items()
    rows = pq.read_table(copy / "outputs").to_pylist()
    assert len({row["case_id"] for row in rows}) == len(rows) == 6
    _, whole = harness.run(suite, out="whole")
    assert {n: d for n, d in kept.items() if n.startswith("media/")} == {
        n: d for n, d in files(whole).items() if n.startswith("media/")
    }
    assert [n for n in kept if n.startswith("outputs/")] == [
        n for n in sorted(files(whole)) if n.startswith("outputs/")
    ]


def test_a_server_that_goes_deaf_stops_the_run_and_nothing_stored_is_lost(
    server: Server, bucket: Any, tmp_path: Path
) -> None:
    suite = tmp_path / "pictures.yaml"
    suite.write_text(PICTURES)

    class Cutting:
        def begin(self, stage: str, total: int, done: int) -> None:
            seen.append((stage.split()[0], done))

        def advance(self, count: int, failed: int) -> None:
            if not cut:
                cut.append(count)
                server.say("stop")

    seen: list[tuple[str, int]] = []
    cut: list[int] = []
    try:
        with pytest.raises(StorageError, match="cannot write") as told:
            run(suite, out=URL, progress=Cutting())
    finally:
        server.say("start")
    assert "the same command goes on" in told.value.fix
    assert told.value.exit_code == 3
    before = {n: d for n, d in there(bucket).items() if n.startswith("outputs/")}
    assert len(before) == 1
    seen.clear()
    _, copy = run(suite, out=URL, progress=Cutting())
    assert ("generate", 2) in seen
    assert before.items() <= there(bucket).items()
    assert there(bucket) == files(copy)


@pytest.mark.parametrize("name", ["outputs/part-000000.parquet", "metrics.parquet"])
def test_a_byte_flipped_at_the_url_is_refused(name: str, bucket: Any, tmp_path: Path) -> None:
    suite, policy = asked(tmp_path)
    harness.run(suite, policy, out=URL)
    data = bytearray(there(bucket)[name])
    data[len(data) // 2] ^= 1
    bucket.pipe_file(f"{BUCKET}/runs/x/{name}", bytes(data))
    assert main(["report", URL]) == 3
    assert main(["verify", URL]) == 3
    with pytest.raises(AlteredError, match=name):
        harness.record(URL)


def test_a_seal_is_never_at_the_url_without_the_files_it_names(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[set[str]] = []
    plain = objects.Objects.put

    def put(self: objects.Objects, sources: dict[str, Path]) -> None:
        plain(self, sources)
        kept = there(bucket)
        if "seal.json" in sources:
            sealed = json.loads(kept["seal.json"])["files"]
            looked.append(sealed.keys() - kept.keys())

    monkeypatch.setattr(objects.Objects, "put", put)
    harness.run(*asked(tmp_path), out=URL)
    assert looked == [set(), set()]
