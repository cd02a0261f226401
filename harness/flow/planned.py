"""What a run says that it planned, held against the cases that lie there.

The plan is made again from the stored suite and cases, so that a case that was left
out, a prompt that one arm was spared, or a model under another's name is found.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import digests, ids
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.bind import material
from harness.flow.evidence import ArmName
from harness.flow.plan import Arm, Plan
from harness.flow.progression import NAME, in_order
from harness.protocols import Bound
from harness.records import Prompt
from harness.spec.load import digest
from harness.spec.packed import Prompts
from harness.spec.suite import PluginSpec, SuiteSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _Ids = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Asked:
    """One arm's cases, in the order written: the packed id of each's prompt, and its repeat."""

    prompts: bytearray = field(default_factory=bytearray)
    repeats: array[int] = field(default_factory=lambda: array("q"))


def check_plan(
    store: Store, manifest: Mapping[str, Any], asked: Mapping[ArmName, Asked]
) -> None:
    """Make the plan again, and hold the manifest and the cases against it.

    Of a sequential run the prompts that no arm came to are not stored, so that its plan
    has a digest to compare only where one arm was asked all.

    Raises:
        AlteredError: Something that was planned is not there, or is another.
    """
    suite = _suite(store, manifest)
    arms = _arms(manifest, suite)
    looks = tuple(manifest.get("looks") or ())
    samples = suite.samples_per_prompt
    named = {label: _prompts(asked.get(label, Asked()), samples, label) for label in arms}
    longest = max(named.values(), key=len)
    total = _in_sequence(store, named, suite.seed, looks) if looks else len(longest)
    _check_counts(manifest, total * len(arms) * samples, asked, looks)
    if not looks:
        _check_alike(named, longest)
    if len(longest) < total:
        return
    prompts = _as_prompts(_texts(longest))
    whole = Plan(suite, Path(), prompts, tuple(arms.values()), (), looks)
    for name, made in (("exam", whole.exam), ("plan", whole.digest)):
        if manifest[name] != made:
            raise AlteredError(
                f"the cases are not the {name} that the manifest names",
                where=f"manifest.json: {name} {manifest[name][:12]}, they are {made[:12]}",
            )


def _suite(store: Store, manifest: Mapping[str, Any]) -> SuiteSpec:
    suite = SuiteSpec.model_validate_json((store.root / "suite.json").read_bytes())
    names = {spec.name for spec in suite.scorers}
    if digest(suite) != manifest["suite"] or names != manifest["scorers"].keys():
        raise AlteredError(
            "the suite is not the one that the manifest names",
            where=str(store.root / "suite.json"),
        )
    return suite


def _arms(manifest: Mapping[str, Any], suite: SuiteSpec) -> dict[ArmName, Arm]:
    """Each generator under each strategy, with the fingerprint that its identity has."""
    wanted = [(spec, strategy) for spec in suite.generators for strategy in suite.strategies]
    names = [(spec.name, strategy.name) for spec, strategy in wanted]
    if names != [(arm["generator"], arm["strategy"]) for arm in manifest["arms"]]:
        raise AlteredError("the arms are not those of the suite", where="manifest.json: arms")
    bound = [_bound(spec, arm) for (spec, _), arm in zip(wanted, manifest["arms"], strict=True)]
    return {
        name: Arm(generator, strategy)
        for name, generator, (_, strategy) in zip(names, bound, wanted, strict=True)
    }


def _bound(spec: PluginSpec, arm: Mapping[str, Any]) -> Bound:
    identity, made = arm["identity"], arm["fingerprint"]
    said = (identity["plugin"], identity["options"])
    asked = digests.plain(material(spec.options, identity.get("immaterial", ())))
    if said != (spec.use, asked) or made != digests.of_json(["generators", identity]):
        raise AlteredError(
            "what the run records of a generator contradicts itself",
            where=f"manifest.json: generator {spec.name!r}",
        )
    return Bound(name=spec.name, use=spec.use, plugin=None, fingerprint=made)


def _prompts(asked: Asked, samples: int, arm: ArmName) -> _Ids:
    """The distinct prompts of an arm in their order, each asked as often as the suite says."""
    import numpy as np

    names: _Ids = np.frombuffer(asked.prompts, dtype=">u8").reshape(-1, ids.BYTES // 8)
    distinct = names[::samples]
    wanted = np.tile(np.arange(samples), len(distinct))
    whole = len(names) % samples == 0 and np.array_equal(asked.repeats, wanted)
    side_by_side = whole and np.array_equal(names, distinct.repeat(samples, axis=0))
    if side_by_side and ids.in_order(distinct)[1].all():
        return distinct
    counts = Counter(_texts(names))
    odd = next((name for name, count in counts.items() if count != samples), "order")
    raise AlteredError(
        f"a prompt was not asked {samples} times, side by side",
        where=f"{'/'.join(arm)}, prompt {odd}",
    )


def _check_counts(
    manifest: Mapping[str, Any],
    planned: int,
    asked: Mapping[ArmName, Asked],
    looks: Sequence[int],
) -> None:
    counts = {arm: len(cases.repeats) for arm, cases in sorted(asked.items())}
    there = sum(counts.values())
    if manifest["cases"] != planned or (not looks and manifest["cases"] != there):
        told = ", ".join(f"{'/'.join(arm)}: {count}" for arm, count in counts.items())
        raise AlteredError(
            f"{manifest['cases']} cases were planned, and {there} are there", where=told
        )


def _check_alike(named: Mapping[ArmName, _Ids], longest: _Ids) -> None:
    for arm, prompts in named.items():
        if prompts.tobytes() != longest.tobytes():
            odd = sorted({*_texts(prompts)} ^ {*_texts(longest)})
            raise AlteredError(
                "two arms were not asked the same",
                where=f"{'/'.join(arm)}, prompt {odd[0] if odd else 'order'}",
            )


def _in_sequence(
    store: Store,
    named: Mapping[ArmName, _Ids],
    seed: int,
    looks: tuple[int, ...],
) -> int:
    """Check how far each arm went, in the order that the seed fixes; count the prompts."""
    held = store.read_json(NAME)
    longest = _as_prompts(_texts(max(named.values(), key=len)))
    order = [one.prompt_id for one in in_order(longest, seed)]
    used = {(one["generator"], one["strategy"]): one["used"] for one in held["arms"]}
    for arm, prompts in named.items():
        far = used.get(arm)
        if far not in looks or far != len(prompts) or {*_texts(prompts)} != {*order[:far]}:
            raise AlteredError(
                "an arm was asked other prompts than its turn were", where="/".join(arm)
            )
    if tuple(held["looks"]) != looks or not len(order) <= max(looks) <= held["prompts"]:
        raise AlteredError("the looks are not those of the plan", where=str(store.root / NAME))
    return int(held["prompts"])


def _texts(names: _Ids) -> Iterator[str]:
    return (name.tobytes().hex() for name in names)


def _as_prompts(names: Iterable[str]) -> Prompts:
    return Prompts(Prompt(prompt_id=name, text="") for name in names)
