"""What stands behind an alias, told and changed on a real MLflow database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import AlteredError, ConflictError, RefusedError
from harness.flow.gate import Target, gate
from harness.flow.promote import Asked, promote, rehearse
from harness.flow.record import record
from harness.flow.registry import (
    freeze,
    freezes,
    history,
    reconcile,
    rollback,
    status,
    unfreeze,
)
from harness.flow.run import Options, run
from harness.ledger import audit, keys
from harness.ledger.connection import connected
from harness.ledger.operations import standing
from harness.ledger.seal import seal, verify
from tests.flow.test_promote import POLICY, SUITE


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    for name in ("one", "two"):
        rows = [f'{{"prompt": "ask {i}", "output": "{name} {i}"}}\n' for i in range(9)]
        (tmp_path / f"{name}.jsonl").write_text("".join(rows))
        text = SUITE.replace("options: {file: out.jsonl}", f"options: {{file: {name}.jsonl}}")
        (tmp_path / f"{name}.yaml").write_text(text.replace("out.jsonl", "one.jsonl"))
    (tmp_path / "pass.yaml").write_text(POLICY.replace("OP", "'<='"))
    (tmp_path / "other.yaml").write_text(POLICY.replace("OP", "'<='").replace("0.5", "0.6"))
    return tmp_path


MEANT = Asked(changed=frozenset({"policy"}), reason="the limit was too tight")


def gated(name: str, policy: str = "pass.yaml") -> dict[str, Any]:
    how = Options(out=Path(name))
    _, _, done = gate(Path(f"{name}.yaml"), Path(policy), how, target=Target("m"))
    return dict(done["promotion"])


def test_history_tells_who_promoted_what_on_which_evidence_and_how_to_check_it() -> None:
    gated("one")
    gated("two")

    told = history("m")

    assert told["serves"] == "2"
    first, second = told["changes"]
    assert (first["version"], second["version"]) == ("1", "2")
    assert second["actor"] == keys.signer().public.name
    assert second["evidence"]["seal"] == verify(Path("two"))
    assert second["evidence"]["policy"] == "p"
    assert second["check"].startswith("harness verify RUN-FOLDER --decision ")
    assert second["evidence"]["run_id"].startswith("corpus-")
    assert [one["version"] for one in status("m")] == ["2", "1"]
    assert status("m")[0]["aliases"] == ["champion"]


def test_a_model_that_nobody_registered_has_no_history() -> None:
    gated("one")

    assert history("m", "other")["serves"] is None
    with pytest.raises(RefusedError, match="no registered model"):
        history("n")


def test_the_way_back_is_to_what_was_promoted_before() -> None:
    gated("one")
    gated("two")

    assert rollback("m", "1", reason="complaints")["version"] == "1"
    last = history("m")["changes"][-1]
    assert (last["op"], last["version"], last["reason"]) == ("rollback", "1", "complaints")
    with pytest.raises(RefusedError, match="never promoted"):
        rollback("m", "7")


def test_a_frozen_alias_is_moved_by_nobody() -> None:
    gated("one")
    done = freeze("m", reason="audit")
    assert (done["frozen"], done["already"]) == (True, False)
    assert "frozen already, entry 2" in freeze("m")["said"]
    assert status("m")[0]["frozen"] == ["champion"]
    assert freezes("m")["champion"].endswith(": audit")
    with pytest.raises(RefusedError, match="the alias is frozen: audit"):
        gated("two")
    with pytest.raises(RefusedError, match="frozen"):
        rollback("m", "1")
    assert not unfreeze("m")["frozen"]
    assert unfreeze("m")["said"].endswith("may be changed already")
    assert status("m")[0]["frozen"] == []
    assert gated("two")["moved"]


def test_an_alias_moved_by_hand_is_set_right() -> None:
    gated("one")
    gated("two")
    with connected() as server:
        server.client.set_registered_model_alias("m", "champion", "1")

    found = reconcile("m")

    assert (found["before"], found["after"]) == ("1", "2")
    assert reconcile("m")["said"].endswith("agreed already")


def test_another_policy_or_exam_has_to_be_meant() -> None:
    gated("one")
    view, folder = run("two.yaml", "other.yaml", out="two")
    record(view, folder)
    with pytest.raises(RefusedError, match="another policy than the last promotion") as caught:
        promote(view, folder, "m", "champion")
    assert caught.value.fix.endswith("--changed policy --reason WHY")
    with pytest.raises(RefusedError, match="need a reason"):
        promote(view, folder, "m", "champion", Asked(changed=frozenset({"policy"}), reason=" "))
    with pytest.raises(RefusedError, match="need a reason"):
        gate(
            Path("two.yaml"), Path("other.yaml"), Options(out=Path("three")),
            target=Target("m", changed=frozenset({"policy"})),
        )  # fmt: skip
    assert not Path("three").exists()
    assert promote(view, folder, "m", "champion", MEANT)["moved"]
    first, second = history("m")["changes"]
    assert (first["changed"], second["changed"]) == ([], ["policy"])
    assert second["reason"] == "the limit was too tight"
    assert first["evidence"]["policy_sha256"] != second["evidence"]["policy_sha256"]
    assert promote(view, folder, "m", "champion", MEANT)["said"].endswith(
        "is version 2 already"
    )
    assert len(history("m")["changes"]) == 2

    text = Path("two.yaml").read_text().replace("use: length", "use: diversity")
    Path("three.yaml").write_text(text)
    Path("free.yaml").write_text(
        Path("other.yaml").read_text().replace("length.empty_rate", "diversity.coverage")
        .replace("'<=', value: 0.6", "'>=', value: 0.1")
    )  # fmt: skip
    view, folder = run("three.yaml", "free.yaml", out="three")
    record(view, folder)
    with pytest.raises(RefusedError, match="another suite than the last promotion"):
        promote(view, folder, "m", "champion", MEANT)


def test_a_rehearsal_says_what_would_happen_and_writes_nothing() -> None:
    view, folder = run("one.yaml", "pass.yaml", out="one")
    record(view, folder)

    said = rehearse(view, folder, "m", "champion")

    assert (
        said["said"] == "would let 'champion' of m serve a new version; now it serves nothing"
    )
    assert said["next"][0].startswith("because corpus-")
    with connected() as server:
        assert server.client.search_registered_models() == []
    assert promote(view, folder, "m", "champion")["moved"]
    assert (
        "serve version 1; now it serves version 1"
        in rehearse(view, folder, "m", "champion")["said"]
    )


def test_a_rehearsal_refuses_what_a_promotion_would() -> None:
    view, folder = run("one.yaml", out="one")
    record(view, folder)
    with pytest.raises(RefusedError, match="only a pass moves an alias"):
        rehearse(view, folder, "m", "champion")


def test_a_run_changed_and_sealed_again_is_refused(here: Path) -> None:
    view, folder = run("one.yaml", "pass.yaml", out="one")
    (folder / "report.md").write_text("# better\n")
    seal(folder)
    record(view, folder)
    with pytest.raises(AlteredError, match="sealed again since its decision was signed"):
        promote(view, folder, "m", "champion")


def test_a_conflict_has_an_exit_code_of_its_own() -> None:
    assert ConflictError("x").exit_code == 4


def test_each_change_is_in_the_audit_log_and_names_its_place_there() -> None:
    gated("one")
    rollback_reason = "complaint 17"
    gated("two")
    rollback("m", "1", reason=rollback_reason)

    log = audit.verify(audit.place())
    state = standing("m", "champion", keys.trusted())
    actions = [entry["action"] for entry in log.entries[-3:]]
    assert actions == ["promote asked", "promote asked", "rollback asked"]
    for entry in state.applied:
        assert entry.audit is not None
        assert log.holds(audit.Checkpoint(**entry.audit))  # type: ignore[arg-type]
    assert rollback_reason not in audit.place().read_text()


@pytest.mark.parametrize("alias", ["latest", "v1", "a b"])
def test_an_alias_that_cannot_be_is_refused_before_anything_is_written(alias: str) -> None:
    view, folder = run("one.yaml", "pass.yaml", out="one")
    record(view, folder)
    before = audit.head()
    for ask in (
        lambda: promote(view, folder, "m", alias),
        lambda: rehearse(view, folder, "m", alias),
        lambda: rollback("m", "1", alias),
        lambda: freeze("m", alias),
        lambda: unfreeze("m", alias),
        lambda: gate(
            Path("two.yaml"), Path("pass.yaml"), Options(out=Path("two")),
            target=Target("m", alias),
        ),
    ):  # fmt: skip
        with pytest.raises(RefusedError, match="MLflow takes no such alias"):
            ask()
    with connected() as server:
        assert server.client.search_registered_models() == []
    assert audit.head() == before
    assert not Path("two").exists()


def test_the_audit_log_tells_what_was_asked_from_what_was_refused() -> None:
    gated("one")
    with pytest.raises(RefusedError, match="never promoted"):
        rollback("m", "7")
    with pytest.raises(RefusedError, match="no registered model"):
        freeze("n")

    entries = audit.verify(audit.place()).entries[-4:]
    assert [entry["action"] for entry in entries] == [
        "rollback asked", "rollback refused", "freeze asked", "freeze refused",
    ]  # fmt: skip
    asked, refused = entries[:2]
    assert refused["about"] == {
        "entry": str(asked["seq"]), "error": "RefusedError",
        "model": "m", "alias": "champion", "version": "7",
    }  # fmt: skip


def test_an_alias_frozen_before_it_serves_anything_is_told() -> None:
    view, folder = run("one.yaml", out="one")
    record(view, folder)
    assert not promote(view, folder, "m", "champion")["moved"]
    freeze("m", "next", reason="not yet")
    assert freezes("m").keys() == {"next"}
    assert freezes("m")["next"].endswith(": not yet")
