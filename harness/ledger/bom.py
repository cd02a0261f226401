"""What the models of a run are made of, and what judged them: a CycloneDX ML-BOM.

It is made from what the run itself records, so whoever has the run can make it again.

Source: CycloneDX 1.6 (ECMA-424).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from harness.assets import cache, catalogue
from harness.ledger.decision import Decision

_SPDX = frozenset(("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "CC0-1.0", "MIT"))
"""Licences with an identifier of SPDX; another asset's is written by its name."""
_OURS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:harness:bom:v1")


def bom(
    decision: Decision, manifest: Mapping[str, Any], suite: Mapping[str, Any]
) -> dict[str, Any]:
    """List models with the sha256 of each file, data, scorers and packages.

    Args:
        decision: The signed decision: the models' digests, and the time.
        manifest: The run's `manifest.json`.
        suite: Its `suite.json`.

    Returns:
        A CycloneDX 1.6 document. The same run, signed once, gives the same.
    """
    identities = {arm["generator"]: arm["identity"] for arm in manifest["arms"]}
    models = [
        _model(name, identity, decision.subjects[name], suite)
        for name, identity in sorted(identities.items())
    ]
    scorers = [_scorer(n, s["identity"]) for n, s in sorted(manifest["scorers"].items())]
    data = [_data("prompts", *pair) for pair in sorted(manifest["prompts"].items())]
    for name, scorer in sorted(manifest["scorers"].items()):
        read = scorer["identity"].get("references", {})
        data += [_data(f"reference:{name}", *pair) for pair in sorted(read.items())]
    libraries = list(_libraries([*identities.values(), *_identities(manifest)]))
    this = {"type": "application", "bom-ref": "run", "name": decision.run_id}
    parts = [*models, *scorers, *data, *libraries]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_OURS, decision.digest)}",
        "version": 1,
        "metadata": {
            "timestamp": decision.time.isoformat(timespec="seconds"),
            "tools": {"components": [_tool(decision.tool)]},
            "component": this,
        },
        "components": parts,
        "dependencies": [
            {"ref": "run", "dependsOn": sorted(one["bom-ref"] for one in parts)},
            *(_needs(f"model:{name}", one) for name, one in sorted(identities.items())),
            *(
                _needs(f"scorer:{name}", one["identity"])
                for name, one in sorted(manifest["scorers"].items())
            ),
        ],
    }


def _model(
    name: str, identity: Mapping[str, Any], subject: str, suite: Mapping[str, Any]
) -> dict[str, Any]:
    strategies = {s["name"]: s.get("params") or {} for s in suite["strategies"]}
    said = {
        "harness:subject_sha256": subject,
        "harness:identity": str(identity.get("kind", "code")),
        "harness:plugin": str(identity["plugin"]),
        "harness:options": json.dumps(identity["options"], sort_keys=True),
        "harness:strategies": json.dumps(strategies, sort_keys=True),
    }
    model = identity["options"].get("model")
    return {
        "type": "data" if identity.get("kind") == "corpus" else "machine-learning-model",
        "bom-ref": f"model:{name}",
        "name": name,
        **_licence(model),
        "components": list(_files(f"model:{name}", identity["weights"])),
        "properties": _properties(said),
    }


def _scorer(name: str, identity: Mapping[str, Any]) -> dict[str, Any]:
    options = json.dumps(identity["options"], sort_keys=True)
    said = {"harness:plugin": str(identity["plugin"]), "harness:options": options}
    said |= {f"harness:encoder:{k}": v for k, v in identity.get("encoders", {}).items()}
    return {
        "type": "machine-learning-model" if identity["weights"] else "application",
        "bom-ref": f"scorer:{name}",
        "name": name,
        "version": str(identity["package"]),
        "components": list(_files(f"scorer:{name}", identity["weights"])),
        "properties": _properties(said),
    }


def _files(owner: str, weights: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Each file; an asset, which is known by what the catalogue says of it, by its files."""
    for name, digest in sorted(weights.items()):
        asset = catalogue.ASSETS.get(name)
        if asset is None or cache.fingerprint(name) != digest:
            yield _file(owner, name, digest)
            continue
        for file, sha256 in sorted(asset.files.items()):
            yield _file(owner, f"{name}/{file}", sha256) | _licence(name)


def _file(owner: str, path: str, digest: str) -> dict[str, Any]:
    """A file by its sha256; what is pinned by another digest keeps that as a property."""
    found: dict[str, Any] = {"type": "file", "bom-ref": f"{owner}/{path}", "name": path}
    if len(digest) == 64:
        return found | {"hashes": [{"alg": "SHA-256", "content": digest}]}
    return found | {"properties": _properties({"harness:pinned": digest})}


def _data(kind: str, name: str, digest: str) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": f"{kind}:{name}",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "data": [{"type": "dataset", "name": name}],
    }


def _identities(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [scorer["identity"] for scorer in manifest["scorers"].values()]


def _libraries(identities: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    found = {pair for identity in identities for pair in identity["packages"].items()}
    for name, version in sorted(found):
        purl = _purl(name, version)
        yield {
            "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
        }  # fmt: skip


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name.lower().replace('_', '-')}@{version.replace('+', '%2B')}"


def _needs(ref: str, identity: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ref": ref,
        "dependsOn": sorted(_purl(*pair) for pair in identity["packages"].items()),
    }


def _tool(tool: str) -> dict[str, str]:
    name, _, version = tool.partition(" ")
    return {"type": "application", "name": name, "version": version}


def _licence(model: object) -> dict[str, Any]:
    known = catalogue.ASSETS.get(model) if isinstance(model, str) else None
    if known is None:
        return {}
    key = "id" if known.licence in _SPDX else "name"
    return {"licenses": [{"license": {key: known.licence}}]}


def _properties(said: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in sorted(said.items())]


__all__ = ["bom"]
