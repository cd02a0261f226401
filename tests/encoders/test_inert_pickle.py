"""Nothing a pickle names is imported or run."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections import OrderedDict, defaultdict
from pathlib import Path

import joblib  # type: ignore[import-untyped]  # it has no stubs
import numpy as np
import pytest

from harness.encoders.inert_pickle import Inert, read_inert
from harness.errors import AssetError


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.canary}",)


class Script:
    """Runs code when it is unpickled, and sets a state on what came of it."""

    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("open('canary', 'w').close()",), {"x": 1}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_malicious_pickle_leaves_no_canary(
    protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, canary = tmp_path / "evil.pkl", tmp_path / "canary"
    path.write_bytes(pickle.dumps([Evil(canary), Script()], protocol))
    found = read_inert(path)
    assert isinstance(found, list)
    assert all(isinstance(item, Inert) for item in found)
    assert not canary.exists()
    # S301: to show that the very bytes do run elsewhere.
    with contextlib.suppress(AttributeError):
        pickle.loads(path.read_bytes())  # noqa: S301
    assert canary.exists()


def test_nothing_a_pickle_names_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "names.pkl"
    path.write_bytes(b"cantigravity\nfly\n(tR.")
    code = (
        "import sys; from pathlib import Path; "
        "from harness.encoders.inert_pickle import read_inert; "
        f"read_inert(Path({str(path)!r})); sys.exit('antigravity' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_plain_data_and_states_come_through(tmp_path: Path) -> None:
    path = tmp_path / "data.pkl"
    data = {"a": [1, 2.5, "x"], "o": OrderedDict(b=1), "d": defaultdict(int, c=2), "s": {1}}
    path.write_bytes(pickle.dumps(data, 4))
    assert read_inert(path) == {"a": [1, 2.5, "x"], "o": {"b": 1}, "d": {"c": 2}, "s": {1}}


def test_one_object_cannot_change_the_class_of_another(tmp_path: Path) -> None:
    path = tmp_path / "state.pkl"
    # BUILD on a class rather than an object.
    path.write_bytes(b"cx\nY\n}(Vtokenizer\nI1\nsb.")
    with pytest.raises(AssetError):
        read_inert(path)
    assert not hasattr(Inert, "tokenizer")


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_joblib_s_arrays_end_in_an_error_or_in_nothing(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "array.pkl"
    payload = f"cos\nsystem\n(Vtouch {tmp_path / 'canary'}\ntR.".encode()
    array = np.frombuffer(payload, np.uint8)
    joblib.dump({"x": array, "y": 1}, path, protocol=protocol)
    with contextlib.suppress(AssetError):
        read_inert(path)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x80\x04", b"\x80\x04\x95\xff\xff\xff\xff", b"R."]
)
def test_a_broken_pickle_is_an_asset_error(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.pkl"
    path.write_bytes(data)
    with pytest.raises(AssetError, match="not a pickle"):
        read_inert(path)
