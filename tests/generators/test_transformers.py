"""A local model answers exactly as transformers would, and each case on its own noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from transformers import AutoModelForCausalLM
from transformers.generation import logits_process as theirs

from harness.errors import SpecError
from harness.generators.transformers import Transformers
from harness.records import Case, Failure, Generated
from tests.generators.tiny_model import case, opened, prompts, save, texts, tiny, words

SIZE = 24
DRAWS = 4000
PROMPT = [5, 9, 5, 12, 9, 7, 5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("tiny"), tiny(21, vocabulary=SIZE, window=64))


@pytest.fixture(scope="module")
def small(folder: Path) -> Iterator[Transformers]:
    with opened(folder, max_new_tokens=12) as generator:
        yield generator


@pytest.fixture(scope="module")
def real(assets: Callable[[str], Path]) -> Iterator[Transformers]:
    assets("smollm2-135m-instruct")
    with opened("smollm2-135m-instruct", max_new_tokens=8) as generator:
        yield generator


WARPS: list[tuple[dict[str, Any], list[Any]]] = [
    ({}, []),
    ({"temperature": 1.7}, [theirs.TemperatureLogitsWarper(1.7)]),
    ({"top_k": 4}, [theirs.TopKLogitsWarper(4)]),
    ({"top_p": 0.8}, [theirs.TopPLogitsWarper(0.8)]),
    (
        {"temperature": 2.0, "top_k": 9, "top_p": 0.9},
        [
            theirs.TemperatureLogitsWarper(2.0),
            theirs.TopKLogitsWarper(9),
            theirs.TopPLogitsWarper(0.9),
        ],
    ),
    ({"min_p": 0.1}, [theirs.MinPLogitsWarper(0.1)]),
    ({"typical_p": 0.6}, [theirs.TypicalLogitsWarper(0.6)]),
    ({"epsilon_cutoff": 0.03}, [theirs.EpsilonLogitsWarper(0.03)]),
    ({"eta_cutoff": 0.1}, [theirs.EtaLogitsWarper(0.1)]),
    ({"repetition_penalty": 1.8}, [theirs.RepetitionPenaltyLogitsProcessor(1.8)]),
    ({"no_repeat_ngram_size": 2}, [theirs.NoRepeatNGramLogitsProcessor(2)]),
    (
        {"no_repeat_ngram_size": 1, "temperature": 3.0, "top_p": 0.7},
        [
            theirs.NoRepeatNGramLogitsProcessor(1),
            theirs.TemperatureLogitsWarper(3.0),
            theirs.TopPLogitsWarper(0.7),
        ],
    ),
]


# Named by their parameters: the address of a processor would be another in each process.
@pytest.mark.parametrize(
    ("params", "processors"), WARPS, ids=[str(params) for params, _ in WARPS]
)
def test_sampling_is_exact(
    folder: Path, small: Transformers, params: dict[str, Any], processors: list[Any]
) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.tensor([PROMPT])
    with torch.inference_mode():
        scores = model(ids).logits[:, -1]
    scores = theirs.LogitsProcessorList(processors)(ids, scores)
    odds = torch.softmax(scores.double(), dim=-1)[0].numpy()
    drawn = small.generate(
        [
            case(words(PROMPT), seed, do_sample=True, max_new_tokens=1, **params)
            for seed in range(DRAWS)
        ]
    )
    seen = Counter(texts(drawn))
    names = ["", "", *(f"w{i}" for i in range(2, SIZE))]
    counts = np.array([0, seen[""], *(seen[name] for name in names[2:])], dtype=float)
    wanted = np.array([0, odds[0] + odds[1], *odds[2:]]) * DRAWS
    assert counts.sum() == DRAWS
    assert not counts[wanted == 0].any(), "a token that was cut came up"
    big = wanted >= 5
    assert big.sum() >= 2
    tail = [
        [values[~big].sum()] if wanted[~big].sum() >= 1 else [] for values in (counts, wanted)
    ]
    told, due = (
        np.concatenate([v[big], t]) for v, t in zip((counts, wanted), tail, strict=True)
    )
    assert chisquare(told, due * told.sum() / due.sum()).pvalue > 1e-3


@pytest.mark.parametrize(
    "params",
    [
        {"repetition_penalty": 1.8},
        {"no_repeat_ngram_size": 1},
        {"do_sample": True, "top_p": 0.8},
        {"do_sample": True, "typical_p": 0.7, "repetition_penalty": 1.3},
        {"num_beams": 3, "do_sample": True, "temperature": 1.5},
        {"num_beams": 3, "repetition_penalty": 1.4},
    ],
    ids=str,
)
def test_neighbours_change_nothing(small: Transformers, params: dict[str, Any]) -> None:
    asked = [
        case(words(row), seed, **params)
        for seed, row in enumerate(prompts(5, (2, 31, 9, 14), SIZE))
    ]
    together = texts(small.generate(asked))
    assert together == [texts(small.generate([one]))[0] for one in asked]
    assert together[::-1] == texts(small.generate(asked[::-1]))


def test_several_end_tokens_end_an_answer(tmp_path: Path) -> None:
    model = tiny(22, vocabulary=SIZE)
    model.generation_config.eos_token_id = [1, 6, 7, 8]
    asked = [case(words(row)) for row in prompts(6, [6] * 20, SIZE)]
    with opened(save(tmp_path, model), max_new_tokens=30) as generator:
        answers = [a for a in generator.generate(asked) if isinstance(a, Generated)]
    ended = [str(a.media).split()[-1:] for a in answers if a.finish == "stop"]
    assert {word for last in ended for word in last} & {"w6", "w7", "w8"}
    for answer in answers:
        said = str(answer.media).split()
        assert not {"w6", "w7", "w8"} & set(said[:-1])
        assert answer.finish == "stop" or answer.tokens == 30


def test_an_empty_prompt_is_answered(small: Transformers) -> None:
    told = small.generate([case(""), case(words(PROMPT)), case("", 1, do_sample=True)][:2])
    assert all(isinstance(answer, Generated) for answer in told)
    assert texts(told)[1] == texts(small.generate([case(words(PROMPT))]))[0]


def test_a_prompt_longer_than_the_window_fails_alone(small: Transformers) -> None:
    long = case(words([3] * 60), max_new_tokens=5)
    short = case(words(PROMPT), max_new_tokens=5)
    told = small.generate([short, long, short])
    assert isinstance(told[1], Failure)
    assert "60 prompt tokens and 5 new ones exceed the model's window of 64" in told[1].reason
    assert texts([told[0], told[2]]) == texts(small.generate([short])) * 2
    full = small.generate([case(words([3] * 59), max_new_tokens=5)])
    assert isinstance(full[0], Generated), "just the window is not too long"
    assert all(isinstance(answer, Failure) for answer in small.generate([long, long]))


def test_one_new_token(small: Transformers) -> None:
    for params in ({}, {"do_sample": True}, {"num_beams": 2}):
        (told,) = small.generate([case(words(PROMPT), max_new_tokens=1, **params)])
        assert isinstance(told, Generated)
        assert told.tokens == 1


def test_alike_cases_are_decoded_once_and_samples_are_not(small: Transformers) -> None:
    greedy = small.generate([case(words(PROMPT), seed) for seed in range(3)])
    assert greedy[0] is greedy[1] is greedy[2]
    drawn = texts(small.generate([case(words(PROMPT), s, do_sample=True) for s in range(9)]))
    assert len(set(drawn)) > 1


def test_strategies_share_what_was_read_of_their_prompts(small: Transformers) -> None:
    asked = [case(words([7, 8, 9, 10]), seed) for seed in range(3)]
    drawn = [case(words([7, 8, 9, 10]), seed, do_sample=True) for seed in range(3)]
    fed: list[int] = []
    hook = small._open.model.register_forward_pre_hook(
        lambda _, __, told: fed.append(told["input_ids"].shape[1]), with_kwargs=True
    )
    small.generate(asked)
    small.generate(drawn)
    hook.remove()
    assert [width for width in fed if width > 1] == [4]


def test_a_system_prompt_comes_first(folder: Path, small: Transformers) -> None:
    joined = texts(small.generate([case("w4 w5 w6 w7")]))
    assert texts(small.generate([case("w6 w7", system="w4 w5")])) == joined
    with opened(folder, max_new_tokens=12, system="w4 w5") as told:
        assert texts(told.generate([case("w6 w7")])) == joined


def test_parameters_are_refused_when_planning() -> None:
    generator = opened("smollm2-135m-instruct")
    with pytest.raises(SpecError, match="did you mean 'top_p'"):
        generator.check({"do_sample": True, "topp": 0.9})
    with pytest.raises(SpecError, match="top_p: "):
        generator.check({"do_sample": True, "top_p": 1.5})
    generator.check({"num_beams": 4, "do_sample": True, "top_p": 0.9, "temperature": 0.7})


ASKED = (
    "Write a short reply to a customer whose parcel is two days late.",
    "Why?",
    "Tell a customer that a refund takes five to seven working days. Be friendly, and brief.",
)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"num_beams": 3, "early_stopping": True},
        {"repetition_penalty": 1.2},
    ],
    ids=str,
)
def test_the_real_model_answers_what_transformers_answers(
    real: Transformers, params: dict[str, Any]
) -> None:
    from transformers import AutoTokenizer

    place = real._open.model.name_or_path
    tokenizer = AutoTokenizer.from_pretrained(place, padding_side="left")
    model = real._open.model
    answers = real.generate([case(text, **params) for text in ASKED])
    for text, answer in zip(ASKED, texts(answers), strict=True):
        turn = [{"role": "user", "content": text}]
        ids = tokenizer.apply_chat_template(
            turn, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        told = model.generate(**ids, do_sample=False, max_new_tokens=8, **params)
        said = tokenizer.decode(told[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
        assert answer == said.strip()


def test_the_real_model_draws_alike_in_any_batch(real: Transformers) -> None:
    def sample(text: str, seed: int) -> Case:
        return case(text, seed, do_sample=True, top_p=0.9, temperature=0.7, max_new_tokens=6)

    asked = [sample(text, seed) for seed in range(2) for text in ASKED]
    together = texts(real.generate(asked))
    assert len(set(together)) > 3
    assert texts(real.generate(asked)) == together
    assert texts(real.generate(asked[:2])) == together[:2]
