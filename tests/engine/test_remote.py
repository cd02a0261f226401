"""A folder at a URL: equal copies, one writer, and errors that say what to do."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from harness import durable
from harness.engine import lease, objects
from harness.engine.objects import Objects
from harness.engine.remote import reading, working
from harness.errors import AlteredError, BusyError, PluginError, SpecError, StorageError
from harness.ledger.journal import Journal
from tests.engine.s3_server import BUCKET, SECRET, Server, serving

URL = f"s3://{BUCKET}/runs/x"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


@pytest.fixture(autouse=True)
def bucket(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(objects, "PAUSES_SECONDS", (0.01,))
    fs = fsspec.filesystem("s3")
    yield fs
    fs.invalidate_cache()
    if found := fs.find(BUCKET):
        fs.rm(found)


def there(fs: Any, url: str = URL) -> dict[str, bytes]:
    fs.invalidate_cache()
    root = url.removeprefix("s3://")
    return {path.removeprefix(f"{root}/"): fs.cat_file(path) for path in fs.find(root)}


def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str = "other") -> None:
    """Be another machine: one with an empty cache."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / name))


def test_a_file_is_there_once_it_is_written_and_media_before_what_speaks_of_them(
    bucket: Any,
) -> None:
    with working(URL) as copy:
        durable.write(copy / "media" / "ab" / "abc", b"picture")
        assert "media/ab/abc" not in there(bucket)
        durable.write(copy / "outputs" / "part-000000.parquet", b"names abc")
        assert there(bucket)["media/ab/abc"] == b"picture"
        assert there(bucket)["outputs/part-000000.parquet"] == b"names abc"
        durable.remove(copy / "outputs")
        assert "outputs/part-000000.parquet" not in there(bucket)
    assert there(bucket) == {"media/ab/abc": b"picture"}


def test_a_seal_goes_up_after_every_file_though_nobody_told_of_it(bucket: Any) -> None:
    with working(URL) as copy:
        durable.write(copy / "gone.json", b"1")
        (copy / "gone.json").unlink()
        (copy / "untold.json").write_bytes(b"{}")
        durable.write(copy / "seal.json", b"sealed")
        assert there(bucket).keys() - {n for n in there(bucket) if n.startswith(".lease/")} == {
            "untold.json", "seal.json",
        }  # fmt: skip


def test_a_copy_is_made_equal_to_the_url_and_only_what_differs_is_fetched(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with working(URL) as copy:
        for name in ("a", "b", "c"):
            durable.write(copy / name, name.encode())
    (copy / "a").write_bytes(b"A")
    (copy / "b").unlink()
    (copy / "extra").write_bytes(b"made here, never put there")
    fetched: list[str] = []
    plain = Objects.fetch

    def fetch(self: Objects, targets: dict[str, Path]) -> None:
        fetched.extend(targets)
        plain(self, targets)

    monkeypatch.setattr(Objects, "fetch", fetch)
    with reading(URL) as again:
        assert {p.name: p.read_bytes() for p in again.iterdir()} == {
            "a": b"a", "b": b"b", "c": b"c",
        }  # fmt: skip
    assert fetched == ["a", "b"]
    elsewhere(tmp_path, monkeypatch)
    with reading(URL) as other:
        assert other != again
        assert {path.name for path in other.iterdir()} == {"a", "b", "c"}
        assert other.parent.stat().st_mode & 0o777 == 0o700
    bucket.pipe_file(f"{BUCKET}/runs/x/c", b"C")
    with reading(URL) as other:
        assert (other / "c").read_bytes() == b"C"


def test_a_second_writer_is_told_who_writes_and_readers_are_not_kept_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engine.remote._PATIENCE_SECONDS", 0.0)
    with working(URL) as copy:
        durable.write(copy / "a", b"a")
        with pytest.raises(BusyError, match="copy of this run"), working(URL):
            pass
        elsewhere(tmp_path, monkeypatch)
        with pytest.raises(BusyError, match="is writing this run: ") as told, working(URL):
            pass
        assert "lease ends in" in told.value.fix
        with reading(URL) as seen:
            assert (seen / "a").read_bytes() == b"a"
        durable.write(copy / "b", b"b")  # whoever was refused took nothing away
    with working(URL) as other:
        assert {path.name for path in other.iterdir()} == {"a", "b"}


def dead(bucket: Any, seconds: float, **about: str) -> None:
    said = {"host": "gone", "pid": 1, "writer": "w", "since": "then", "seconds": seconds}
    bucket.pipe_file(f"{BUCKET}/runs/x/.lease/0.json", json.dumps(said | about).encode())


def test_a_dead_writers_lease_is_taken_over_once_it_ran_out_and_that_is_said(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engine.remote._PATIENCE_SECONDS", 0.0)
    dead(bucket, 60)
    with pytest.raises(BusyError, match="gone, process 1, since then"), working(URL):
        pass
    dead(bucket, 0)
    told: list[str] = []
    with working(URL, told.append):
        pass
    assert told == ["a dead writer's lease was taken over: gone, process 1, since then"]
    assert there(bucket) == {}


def test_the_same_machine_need_not_wait_for_its_own_dead(bucket: Any) -> None:
    with working(URL) as copy:
        writer = (copy.parents[1] / "writer").read_text()
    dead(bucket, 60, writer=writer, host=socket.gethostname())
    told: list[str] = []
    with working(URL, told.append):
        pass
    assert len(told) == 1


def test_a_writer_whose_lease_was_not_renewed_in_time_writes_nothing_more(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BusyError, match="was lost"), working(URL) as copy:
        durable.write(copy / "a", b"a")
        monkeypatch.setattr(lease, "SECONDS", -1.0)
        durable.write(copy / "b", b"b")
    assert there(bucket) == {"a": b"a"}


def test_a_lease_is_renewed_while_it_is_held_and_lost_once_it_is_taken(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = lease._Clock()
    one = lease.Lease(Objects(URL), ".lease", "w", print)
    one._renew(".lease/a.json", clock)
    clock.renewed -= 59
    ticks = iter([False, False, False])

    class Stop:
        def wait(self, _: float) -> bool:
            ages.append(clock.age())
            if len(ages) == 2:
                bucket.rm_file(f"{BUCKET}/runs/x/.lease/a.json")
            return next(ticks)

    ages: list[float] = []
    one._keep(".lease/a.json", clock, Stop())  # type: ignore[arg-type]
    assert ages[0] >= 59
    assert ages[1] < 30
    with pytest.raises(BusyError, match="was lost"):
        one._check(clock)
    assert there(bucket) == {}


def test_the_runs_beside_each_other_share_one_journal_from_any_machine(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with working(URL) as copy:
        Journal(copy.parent / "attempts.jsonl").add([{"n": 1}])
        mine = Journal(copy.parent / "attempts.jsonl")
        elsewhere(tmp_path, monkeypatch)
        with working(f"s3://{BUCKET}/runs/y") as other:
            Journal(other.parent / "attempts.jsonl").add([{"n": 2}])
        assert [entry["n"] for entry in mine.read()] == [1, 2]
        assert [entry["n"] for entry in mine.add([{"n": 3}])] == [3]
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(there(bucket, f"s3://{BUCKET}/runs")["attempts.jsonl"])
    assert [entry["n"] for entry in Journal(kept).read()] == [1, 2, 3]


def test_a_name_that_leads_out_of_the_copy_is_refused(bucket: Any, tmp_path: Path) -> None:
    bucket.pipe_file(f"{BUCKET}/runs/x/../../../evil", b"evil")
    with pytest.raises(AlteredError, match="leads out"), reading(URL):
        pass
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("ftp://host/runs/x", SpecError, "s3://bucket/runs/name"),
        (f"s3://key:{SECRET}@bucket/x", SpecError, "credentials"),
        ("s3://bucket", SpecError, "a folder in a bucket"),
        ("s3://bucket/runs/../x", SpecError, "a folder in a bucket"),
        (Path("s3://bucket/runs/x"), SpecError, "as text"),
        ("gs://bucket/runs/x", PluginError, "pip install gcsfs"),
        ("s3://nowhere/runs/x", StorageError, "make the bucket"),
    ],
)
def test_what_is_no_place_for_a_run_is_refused_with_what_to_do(
    url: str | Path, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as told, working(url):
        pass
    assert said in str(told.value)
    assert SECRET not in str(told.value)


def test_without_credentials_or_a_server_the_error_says_what_to_set(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(StorageError, match="AWS_ACCESS_KEY_ID"), working(URL):
        pass
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.say("stop")
    try:
        with pytest.raises(StorageError, match="AWS_ENDPOINT_URL") as told, working(URL):
            pass
    finally:
        server.say("start")
    assert SECRET not in str(told.value)


def test_there_is_nothing_to_read_where_no_run_is() -> None:
    with pytest.raises(AlteredError, match="there is no run"), reading(URL):
        pass


def test_a_folder_is_given_as_it_is(tmp_path: Path) -> None:
    with working(tmp_path / "run") as folder, reading(str(folder)) as same:
        assert folder == same == tmp_path / "run"
    assert list(tmp_path.iterdir()) == []
    code = (
        "import sys\nfrom harness.engine.remote import working, reading\n"
        "with working('here') as a, reading('here') as b: pass\n"
        "print([m for m in ('fsspec', 's3fs') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
