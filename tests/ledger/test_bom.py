"""The bill of materials is CycloneDX, and names every file by its sha256."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from harness.assets.cache import fingerprint
from harness.assets.catalogue import ASSETS
from harness.ledger.bom import bom
from harness.ledger.decision import Decision

DECISION = Decision(
    run_id="demo-1", seal="5e" * 32, outcome="pass", subjects={"candidate": "ab" * 32},
    policy={"name": "p", "version": None, "sha256": "cd" * 32}, suite={"name": "s"},
    time=datetime(2026, 1, 2, tzinfo=UTC), tool="harness 0.1.0", author="ann", signer="ann",
    key_id="ef" * 32, digest="01" * 32,
)  # fmt: skip
IDENTITY: dict[str, Any] = {
    "kind": "weights", "plugin": "transformers", "package": "harness 0.1.0",
    "options": {"model": "smollm2-135m-instruct"}, "packages": {"torch": "2.13.0+cpu"},
    "weights": {"model.safetensors": "12" * 32, "pinned": "0123456789abcdef"},
}  # fmt: skip
MANIFEST = {
    "arms": [{"generator": "candidate", "strategy": "greedy", "identity": IDENTITY}],
    "scorers": {
        "toxicity": {
            "identity": {
                "plugin": "toxicity", "package": "harness 0.1.0", "options": {},
                "weights": {"toxblock": "34" * 32}, "packages": {"h5py": "3.16.0"},
                "encoders": {"image": "56" * 32}, "references": {"real": "78" * 32},
            }
        }
    },
    "prompts": {"out.jsonl": "9a" * 32},
}  # fmt: skip
SUITE = {"strategies": [{"name": "greedy", "params": {"do_sample": False}}]}


def test_it_fits_the_schema_of_cyclonedx() -> None:
    text = json.dumps(bom(DECISION, MANIFEST, SUITE))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_validator_refuses_what_does_not_fit() -> None:
    wrong = bom(DECISION, MANIFEST, SUITE) | {"version": "one"}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(wrong)) is not None


def test_it_names_models_files_data_scorers_and_packages() -> None:
    parts = {one["bom-ref"]: one for one in bom(DECISION, MANIFEST, SUITE)["components"]}

    model = parts["model:candidate"]
    assert model["type"] == "machine-learning-model"
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    hashes = {one["name"]: one.get("hashes") for one in model["components"]}
    assert hashes["model.safetensors"] == [{"alg": "SHA-256", "content": "12" * 32}]
    assert hashes["pinned"] is None
    said = {one["name"]: one["value"] for one in model["properties"]}
    assert said["harness:subject_sha256"] == "ab" * 32
    assert parts["prompts:out.jsonl"]["hashes"][0]["content"] == "9a" * 32
    assert parts["scorer:toxicity"]["components"][0]["name"] == "toxblock"
    assert parts["pkg:pypi/torch@2.13.0%2Bcpu"]["version"] == "2.13.0+cpu"


def test_the_same_decision_gives_the_same_bytes() -> None:
    first, second = (json.dumps(bom(DECISION, MANIFEST, SUITE)) for _ in range(2))
    assert first == second


def test_an_asset_is_listed_by_its_files_and_licence_and_a_dataset_as_data() -> None:
    manifest = json.loads(json.dumps(MANIFEST))
    scorer = manifest["scorers"]["toxicity"]["identity"]
    scorer["weights"] = {"toxblock": fingerprint("toxblock")}
    made = bom(DECISION, manifest, SUITE)

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None
    parts = {one["bom-ref"]: one for one in made["components"]}
    files = {one["name"]: one for one in parts["scorer:toxicity"]["components"]}
    table = ASSETS["toxblock"].files
    assert set(files) == {f"toxblock/{name}" for name in table}
    model = files["toxblock/lstm_model_0.1.2.h5"]
    assert model["hashes"][0]["content"] == table["lstm_model_0.1.2.h5"]
    assert model["licenses"] == [{"license": {"id": "MIT"}}]
    assert parts["reference:toxicity:real"]["hashes"][0]["content"] == "78" * 32
    needs = {one["ref"]: one["dependsOn"] for one in made["dependencies"]}
    assert needs["scorer:toxicity"] == ["pkg:pypi/h5py@3.16.0"]
    assert set(needs["run"]) == set(parts)


def test_outputs_that_existed_already_are_data_and_no_model() -> None:
    manifest = json.loads(json.dumps(MANIFEST))
    manifest["arms"][0]["identity"]["kind"] = "corpus"
    parts = {one["bom-ref"]: one for one in bom(DECISION, manifest, SUITE)["components"]}
    assert parts["model:candidate"]["type"] == "data"
