"""The plan: the same suite gives the same cases, and each change of it other ones."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import digests
from tests.flow.plugs import plan_of

PROMPTS = ["one", "two words", "three words here", "four"]


def ids(**changes: Any) -> set[str]:
    planned = plan_of(PROMPTS, **changes)
    return {case.case_id for arm in planned.arms for case in planned.cases(arm)}


def test_the_same_suite_gives_the_same_plan() -> None:
    one, two = plan_of(PROMPTS), plan_of(PROMPTS)
    assert one.digest == two.digest
    assert list(one.batches(one.arms[0])) == list(two.batches(two.arms[0]))


def test_the_order_of_prompts_in_the_suite_does_not_matter() -> None:
    assert plan_of(PROMPTS).digest == plan_of(PROMPTS[::-1]).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"strategies": [{"name": "other"}]},
        {"strategies": [{"name": "default", "params": {"top_p": 0.9}}]},
        {"generators": [{"use": "echo", "name": "again"}]},
    ],
)
def test_a_changed_seed_strategy_parameter_or_name_changes_every_id(
    changes: dict[str, Any],
) -> None:
    assert not ids() & ids(**changes)


def test_a_changed_option_changes_the_plan_but_not_the_cases_it_is_asked() -> None:
    changed: dict[str, Any] = {"generators": [{"use": "echo", "options": {"times": 2}}]}
    assert plan_of(PROMPTS, **changed).digest != plan_of(PROMPTS).digest
    assert ids(**changed) == ids()


def test_another_scorer_leaves_the_plan_as_it_is() -> None:
    assert plan_of(PROMPTS, scorers=[{"use": "diversity"}]).digest == plan_of(PROMPTS).digest


def test_strategies_and_generators_meet_the_same_noise() -> None:
    planned = plan_of(
        PROMPTS,
        strategies=[{"name": "a"}, {"name": "b", "params": {"top_p": 0.5}}],
        generators=[{"use": "echo"}, {"use": "echo", "name": "again"}],
        samples_per_prompt=3,
    )
    seeds = [[case.seed for case in planned.cases(arm)] for arm in planned.arms]
    assert len(seeds) == 4
    assert all(row == seeds[0] for row in seeds)
    assert len(set(seeds[0])) == planned.cases_per_arm == 12


def test_a_case_is_named_by_everything_it_is_made_of() -> None:
    planned = plan_of(['né "quoted" \\ \n'], strategies=[{"name": "a", "params": {"t": 0.1}}])
    (case,) = planned.cases(planned.arms[0])
    assert case.case_id == digests.of_json(
        ["echo", "a", {"t": 0.1}, case.prompt.prompt_id, 0, 0]
    )


@settings(deadline=None)
@given(size=st.integers(1, 40), batch=st.integers(1, 12), repeats=st.integers(1, 3))
def test_batches_hold_every_case_once_in_order(size: int, batch: int, repeats: int) -> None:
    planned = plan_of(
        [f"prompt {n}" for n in range(size)],
        generators=[{"use": "echo", "options": {"batch": batch}}],
        samples_per_prompt=repeats,
    )
    cut = list(planned.batches(planned.arms[0]))
    assert [c for b in cut for c in b.cases] == list(planned.cases(planned.arms[0]))
    assert all(len(b.cases) == batch for b in cut[:-1])
    assert len({b.batch_id for b in cut}) == len(cut)


def test_cases_are_made_one_at_a_time() -> None:
    planned = plan_of(PROMPTS, samples_per_prompt=10**9)
    batch = next(planned.batches(planned.arms[0]))
    assert len(batch.cases) == 1000
    assert batch.cases[0].prompt.text == "three words here"


def test_planning_loads_no_model_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from tests.flow.plugs import plan_of; plan_of(['a']);"
        "print([n for n in ('torch', 'transformers', 'mlflow') if n in sys.modules])"
    )
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
