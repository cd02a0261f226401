"""A name resolves to the files of a version that passed its gate, or to nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import AlteredError, RefusedError
from harness.ledger import keys
from harness.ledger.promotions import ENTRY
from harness.ledger.resolve import Resolved, resolve
from tests.ledger.ledgers import Passed, passed

URI = "models:/m@champion"


@pytest.fixture
def served(client: Any, tmp_path: Path) -> Passed:
    """Give the version of `m` that is served: its first."""
    one = passed(tmp_path / "one", b"one")
    one.promote()
    return one


@pytest.fixture
def within(tmp_path: Path) -> Path:
    (tmp_path / "fetched").mkdir()
    return tmp_path / "fetched"


def refused(within: Path, match: str, uri: str = URI) -> None:
    """See that nothing is resolved, and that no file of it is left."""
    with pytest.raises((AlteredError, RefusedError), match=match) as caught:
        resolve(uri, keys.trusted(), within=within)
    assert caught.value.exit_code == 3
    assert not list(within.iterdir())


def files(client: Any, one: Passed) -> Path:
    place = client.get_run(one.found.recorded.parent).info.artifact_uri
    return next(Path(place.removeprefix("file://")).rglob("model.safetensors")).parent


def test_the_served_version_is_fetched_and_proved(served: Passed, within: Path) -> None:
    found: Resolved = resolve(URI, keys.trusted(), within=within)

    assert (found.version, found.subject_digest) == ("1", served.found.subject.digest)
    assert (found.folder / "model.safetensors").read_bytes() == b"one"
    assert found.folder.is_relative_to(within)
    assert found.entry.change.evidence["seal"] == served.found.recorded.seal


def test_without_a_promotion_there_is_nothing(
    client: Any, tmp_path: Path, within: Path
) -> None:
    passed(tmp_path / "one", b"one")

    refused(within, "nothing was promoted")
    refused(within, "no registered model", "models:/n@champion")
    for uri in ("models:/m/1", "m@champion", "models:/m@champion/x"):
        refused(within, "not an alias of a model", uri)


def test_an_alias_moved_by_hand_is_refused(
    client: Any, served: Passed, within: Path, tmp_path: Path
) -> None:
    bad = passed(tmp_path / "bad", b"bad", "fail")
    client.set_registered_model_alias("m", "champion", bad.version)

    refused(within, "stands for version 2, and the ledger serves entry 1")


def test_a_copied_verdict_is_refused(client: Any, served: Passed, within: Path) -> None:
    client.copy_model_version("models:/m/1", "m")
    client.set_registered_model_alias("m", "champion", "2")

    refused(within, "which names version 2 nowhere")


def test_a_deleted_version_or_alias_is_refused(
    client: Any, served: Passed, within: Path
) -> None:
    client.delete_model_version("m", "1")

    refused(within, "stands for no version: it, or its version, was deleted")


@pytest.mark.parametrize("how", ["changed", "added", "removed", "description"])
def test_other_files_under_the_version_are_refused(
    client: Any, served: Passed, within: Path, how: str
) -> None:
    place = files(client, served)
    if how == "changed":
        (place / "model.safetensors").write_bytes(b"two")
    elif how == "added":
        (place / "more.bin").write_bytes(b"")
    elif how == "removed":
        (place / "config.json").unlink()
    else:
        text = (place / "subject.json").read_text().replace("5.0.0", "5.0.1")
        (place / "subject.json").write_text(text)

    refused(within, "no longer what was promoted")


def test_an_edited_ledger_is_refused(client: Any, served: Passed, within: Path) -> None:
    text = client.get_model_version("m.champion.promotions", "1").tags[ENTRY]
    client.set_model_version_tag("m.champion.promotions", "1", ENTRY, text[:-9] + '"}]}')

    refused(within, "not a signed envelope|not in the form")


def test_a_machine_that_trusts_nobody_resolves_nothing(served: Passed, within: Path) -> None:
    with pytest.raises(AlteredError, match="not trusted here"):
        resolve(URI, {}, within=within)
    assert not list(within.iterdir())
