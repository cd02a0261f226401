"""What a run says that it planned, held against the cases that lie there.

The plan is made again from the stored suite and cases, so that a case that was left
out, a prompt that one arm was spared, or a model under another's name is found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import digests
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.flow.evidence import ArmName
from harness.flow.plan import Arm, Plan
from harness.flow.progression import NAME, in_order
from harness.protocols import Bound
from harness.records import Prompt
from harness.spec.load import digest
from harness.spec.packed import Prompts
from harness.spec.suite import PluginSpec, SuiteSpec

Asked = Mapping[ArmName, Sequence[tuple[str, int]]]
"""By arm, each case's prompt and repeat, in the order written."""


def check_plan(store: Store, manifest: Mapping[str, Any], asked: Asked) -> None:
    """Make the plan again, and hold the manifest and the cases against it.

    Of a sequential run the prompts that no arm came to are not stored, so that its plan
    has a digest to compare only where one arm was asked all.

    Raises:
        AlteredError: Something that was planned is not there, or is another.
    """
    suite = _suite(store, manifest)
    arms = _arms(manifest, suite)
    looks = tuple(manifest.get("looks") or ())
    named = {label: _prompts(asked.get(label, ()), suite, label) for label in arms}
    longest = max(named.values(), key=len)
    total = _in_sequence(store, named, suite.seed, looks) if looks else len(longest)
    _check_counts(manifest, total * len(arms) * suite.samples_per_prompt, asked, looks)
    if not looks:
        _check_alike(named, longest)
    if len(longest) < total:
        return
    whole = Plan(suite, Path(), _as_prompts(longest), tuple(arms.values()), (), looks)
    exam = digests.of_list(sorted(longest))
    for name, made in (("exam", exam), ("plan", whole.digest)):
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
    if said != (spec.use, digests.plain(spec.options)) or made != digests.of_json(
        ["generators", identity]
    ):
        raise AlteredError(
            "what the run records of a generator contradicts itself",
            where=f"manifest.json: generator {spec.name!r}",
        )
    return Bound(name=spec.name, use=spec.use, plugin=None, fingerprint=made)


def _prompts(
    asked: Sequence[tuple[str, int]], suite: SuiteSpec, arm: ArmName
) -> tuple[str, ...]:
    """The distinct prompts of an arm in their order, each asked as often as the suite says."""
    distinct = tuple(dict.fromkeys(prompt for prompt, _ in asked))
    wanted = [(p, repeat) for p in distinct for repeat in range(suite.samples_per_prompt)]
    if list(asked) != wanted:
        odd = next(
            (one for one in distinct if _repeats(asked, one) != suite.samples_per_prompt), ""
        )
        raise AlteredError(
            f"a prompt was not asked {suite.samples_per_prompt} times, side by side",
            where=f"{'/'.join(arm)}, prompt {odd or 'order'}",
        )
    return distinct


def _repeats(asked: Sequence[tuple[str, int]], prompt: str) -> int:
    return sum(one == prompt for one, _ in asked)


def _check_counts(
    manifest: Mapping[str, Any], planned: int, asked: Asked, looks: Sequence[int]
) -> None:
    there = sum(map(len, asked.values()))
    if manifest["cases"] != planned or (not looks and manifest["cases"] != there):
        told = ", ".join(f"{'/'.join(arm)}: {len(rows)}" for arm, rows in sorted(asked.items()))
        raise AlteredError(
            f"{manifest['cases']} cases were planned, and {there} are there", where=told
        )


def _check_alike(named: Mapping[ArmName, tuple[str, ...]], longest: tuple[str, ...]) -> None:
    for arm, prompts in named.items():
        if prompts != longest:
            odd = sorted(set(prompts) ^ set(longest))
            raise AlteredError(
                "two arms were not asked the same",
                where=f"{'/'.join(arm)}, prompt {odd[0] if odd else 'order'}",
            )


def _in_sequence(
    store: Store,
    named: Mapping[ArmName, tuple[str, ...]],
    seed: int,
    looks: tuple[int, ...],
) -> int:
    """Check how far each arm went, in the order that the seed fixes; count the prompts."""
    held = store.read_json(NAME)
    order = [one.prompt_id for one in in_order(_as_prompts(max(named.values(), key=len)), seed)]
    used = {(one["generator"], one["strategy"]): one["used"] for one in held["arms"]}
    for arm, prompts in named.items():
        far = used.get(arm)
        if far not in looks or far != len(prompts) or {*prompts} != {*order[:far]}:
            raise AlteredError(
                "an arm was asked other prompts than its turn were", where="/".join(arm)
            )
    if tuple(held["looks"]) != looks or not len(order) <= max(looks) <= held["prompts"]:
        raise AlteredError("the looks are not those of the plan", where=str(store.root / NAME))
    return int(held["prompts"])


def _as_prompts(names: Sequence[str]) -> Prompts:
    return Prompts(Prompt(prompt_id=name, text="") for name in names)
