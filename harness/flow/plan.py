"""Spec to plan: every case the suite asks for, with its identity, cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from harness import digests
from harness.engine import identity
from harness.flow.bind import bind
from harness.protocols import Bound
from harness.records import Case
from harness.spec.packed import Prompts
from harness.spec.prompts import read_prompts
from harness.spec.suite import StrategySpec, SuiteSpec


@dataclass(frozen=True, slots=True)
class Arm:
    """One generator under one strategy: what a verdict is about."""

    generator: Bound
    strategy: StrategySpec
    batch: int = 0
    """How many cases go together; 0 where none is to be generated."""

    @property
    def label(self) -> str:
        """Name for people: `generator/strategy`."""
        return f"{self.generator.name}/{self.strategy.name}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Cases that are generated, and committed, together."""

    batch_id: str
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Plan:
    """What a suite comes to. Cases are made on demand, so a long plan costs little memory.

    `looks` are the numbers of prompts at which a sequential gate looks; none
    where all prompts are asked.
    """

    suite: SuiteSpec
    base: Path
    prompts: Prompts
    arms: tuple[Arm, ...]
    scorers: tuple[Bound, ...]
    looks: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Number of cases."""
        return len(self.arms) * self.cases_per_arm

    @property
    def cases_per_arm(self) -> int:
        """Number of cases of each generator under each strategy."""
        return len(self.prompts) * self.suite.samples_per_prompt

    @cached_property
    def digest(self) -> str:
        """Digest of everything generation depends on; scorers are not among it."""
        return digests.of_json(
            [
                digests.of_list(self.prompts.ids()),
                [
                    [a.generator.fingerprint, a.strategy.model_dump(mode="json")]
                    for a in self.arms
                ],
                [a.label for a in self.arms],
                self.suite.samples_per_prompt,
                self.suite.seed,
                *([list(self.looks)] if self.looks else []),
            ]
        )

    @property
    def exam(self) -> str:
        """Digest of what is asked, whatever its order and whoever answers."""
        return digests.of_list(self.prompts.by_id().ids())

    def cases(self, arm: Arm) -> Iterator[Case]:
        """Every case of one arm, repeats of a prompt side by side."""
        seed, strategy = self.suite.seed, arm.strategy
        prefix = identity.arm_prefix(arm.generator.name, strategy.name, strategy.params)
        for prompt in self.prompts:
            for repeat in range(self.suite.samples_per_prompt):
                yield Case(
                    case_id=identity.case_id(prefix, prompt.prompt_id, repeat, seed),
                    generator=arm.generator.name,
                    strategy=strategy.name,
                    params=strategy.params,
                    prompt=prompt,
                    repeat=repeat,
                    seed=identity.case_seed(seed, prompt.prompt_id, repeat),
                )

    def batches(self, arm: Arm) -> Iterator[Batch]:
        """The cases of one arm, cut at its batch size."""
        cases = self.cases(arm)
        while batch := tuple(islice(cases, arm.batch)):
            yield Batch(digests.of_json([case.case_id for case in batch]), batch)


def plan(suite: SuiteSpec, base: Path) -> Plan:
    """Expand a suite. The same suite and prompt files give the same plan; nothing is loaded.

    Prompts are put longest first: neighbours in a batch are of one length,
    memory runs out at the start if it does, and the estimate of time left errs
    on the safe side.

    Raises:
        SpecError: Prompts, options or sampling parameters do not fit.
        PluginError: A plug-in is unknown.
    """
    generators = [bind("generators", spec, base) for spec in suite.generators]
    scorers = [bind("scorers", spec, base) for spec in suite.scorers]
    for generator in generators:
        for strategy in suite.strategies:
            generator.plugin.check(strategy.params)
    prompts = read_prompts(suite.prompts, base)
    return Plan(
        suite=suite,
        base=base,
        prompts=prompts.longest_first(),
        arms=tuple(Arm(g, s, g.plugin.batch) for g in generators for s in suite.strategies),
        scorers=tuple(scorers),
    )
