"""Scorers are made again as a run recorded them, wherever their files may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness import digests, registry
from harness.engine.store import Store
from harness.errors import AlteredError, RefusedError
from harness.flow.bind import _source
from harness.flow.stored import recorded_scorers

OPTIONS: dict[str, Any] = {
    "reference": "nowhere/real",
    "encoder": {"use": "vision", "options": {"model": "nowhere/model"}},
    "classes": {"use": "inception", "options": {"layer": "probabilities"}},
}
SUITE: dict[str, Any] = {
    "apiVersion": "harness/v1",
    "kind": "Suite",
    "metadata": {"name": "s"},
    "generators": [{"use": "pixel"}],
    "prompts": [{"items": ["a dot"]}],
    "scorers": [{"use": "fidelity", "options": OPTIONS}],
}


def manifest(**changes: Any) -> dict[str, Any]:
    """What a run would have recorded of the scorer."""
    identity = {
        "plugin": "fidelity", "package": "harness 0.1.0", "options": OPTIONS, "weights": {},
        "source": _source(registry.load("scorers", "fidelity")), "packages": {}, "kind": "code",
        "encoders": {"classes": "aa" * 32, "image": "bb" * 32},
        "references": {"real": "cc" * 32},
    } | changes  # fmt: skip
    print_ = digests.of_json(["scorers", identity])
    return {"scorers": {"fidelity": {"identity": identity, "fingerprint": print_}}}


def tables(root: Path, *encoders: str) -> Store:
    for name in encoders:
        (root / "references" / f"{name * 8}-{'cc' * 8}").mkdir(parents=True)
    return Store(root)


@pytest.mark.parametrize("read", [(), ("aa",), ("bb",), ("aa", "bb")])
def test_a_dataset_is_of_the_first_of_the_scorers_encoders_that_read_it(
    tmp_path: Path, read: tuple[str, ...]
) -> None:
    """Another scorer may have had the same dataset read by the other encoder."""
    (scorer,) = recorded_scorers(SUITE, manifest(), tables(tmp_path, *read))
    found = scorer.references["real"]
    assert (found.encoder, found.digest) == (
        "classes" if read == ("aa",) else "image",
        "cc" * 32,
    )
    assert scorer.encoders["image"].fingerprint == "bb" * 32


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"plugin": "alignment"}, AlteredError),
        ({"options": {}}, AlteredError),
        ({"source": "0" * 64}, RefusedError),
    ],
)
def test_a_record_of_something_else_is_refused(
    tmp_path: Path, changes: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        recorded_scorers(SUITE, manifest(**changes), Store(tmp_path))


def test_a_record_whose_fingerprint_is_not_its_own_is_refused(tmp_path: Path) -> None:
    record = manifest()
    record["scorers"]["fidelity"]["identity"]["weights"] = {"more": "dd" * 32}
    with pytest.raises(AlteredError, match="contradicts itself"):
        recorded_scorers(SUITE, record, Store(tmp_path))
