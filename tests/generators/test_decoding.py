"""Greedy and beam search are transformers' own; sampling depends on a case's seed alone."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from harness.generators.decoding import decode
from harness.generators.running import Decoded, Prefills, Request, Rows
from harness.generators.shortlist import Best, Warp, likeliest
from tests.generators.tiny_model import PAD, padded, prompts, tiny

LENGTHS = (3, 17, 9, 1, 12, 5)
STOPS = [frozenset[int](), frozenset({1}), frozenset({1, 2, 3})]


def theirs(model: Any, rows: Sequence[Sequence[int]], how: Request) -> list[list[int]]:
    """What transformers' `generate` answers, each cut after its first end token."""
    ids, mask = padded(rows)
    beam: dict[str, Any] = {}
    if how.num_beams > 1:
        beam = {"length_penalty": how.length_penalty, "early_stopping": how.early_stopping}
    model.generation_config.eos_token_id = sorted(how.stop_ids) or None
    model.config.eos_token_id = None
    told = model.generate(
        ids,
        attention_mask=mask,
        do_sample=False,
        num_beams=how.num_beams,
        max_new_tokens=how.max_new_tokens,
        pad_token_id=PAD,
        **beam,
    )
    return [cut(row, how.stop_ids) for row in told[:, ids.shape[1] :].tolist()]


def cut(row: list[int], stops: frozenset[int]) -> list[int]:
    ends = [place for place, token in enumerate(row) if token in stops]
    return row[: ends[0] + 1] if ends else row


def ours(
    model: Any, rows: Sequence[Sequence[int]], how: Request, seeds: Sequence[int] | None = None
) -> list[Decoded]:
    ids, mask = padded(rows)
    return decode(model, ids, mask, seeds or range(len(rows)), how)


def ids_of(rows: Sequence[Decoded]) -> list[list[int]]:
    return [row.ids for row in rows]


@pytest.mark.parametrize("stops", STOPS, ids=len)
def test_greedy_search_answers_what_transformers_answers(stops: frozenset[int]) -> None:
    how = Request(likeliest, max_new_tokens=24, stop_ids=stops)
    for seed in range(6):
        model, rows = tiny(seed), prompts(seed, LENGTHS)
        assert ids_of(ours(model, rows, how)) == theirs(model, rows, how)


@pytest.mark.parametrize("early", [False, True, "never"])
@pytest.mark.parametrize("penalty", [-1.0, 0.0, 1.0, 2.0])
@pytest.mark.parametrize("beams", [3, 4])
def test_beam_search_answers_what_transformers_answers(
    beams: int, penalty: float, early: bool | str
) -> None:
    ended = 0
    for seed, stops in itertools.product(range(2), STOPS):
        model, rows = tiny(100 + seed, vocabulary=16), prompts(seed, LENGTHS, vocabulary=16)
        how = Request(
            Best(max(2, 1 + len(stops)) * beams),
            max_new_tokens=14,
            stop_ids=stops,
            num_beams=beams,
            length_penalty=penalty,
            early_stopping=early,
        )
        answers = ours(model, rows, how)
        assert ids_of(answers) == theirs(model, rows, how)
        ended += sum(answer.stopped for answer in answers)
    assert ended > 0


def sampler(stops: frozenset[int] = frozenset({1, 2, 3}), beams: int = 1) -> Request:
    warp = Warp(temperature=1.3, top_p=0.95, normalise=beams > 1, fewest=4 if beams > 1 else 1)
    return Request(warp, max_new_tokens=16, stop_ids=stops, do_sample=True, num_beams=beams)


@pytest.mark.parametrize("beams", [1, 3])
def test_a_case_draws_the_same_tokens_in_any_batch_and_place(beams: int) -> None:
    model, how = tiny(7), sampler(beams=beams)
    rows, seeds = prompts(7, (4, 11, 2, 8, 6, 19, 3, 5)), list(range(40, 48))
    alone = [ours(model, [row], how, [seed])[0] for row, seed in zip(rows, seeds, strict=True)]
    assert len({tuple(row.ids) for row in alone}) > 4
    for order in ([*range(8)], [*range(7, -1, -1)], [5, 2], [1, 1, 6]):
        told = ours(model, [rows[i] for i in order], how, [seeds[i] for i in order])
        assert ids_of(told) == [alone[i].ids for i in order]


@pytest.mark.parametrize("beams", [1, 3])
def test_rows_that_leave_the_batch_change_nothing(beams: int) -> None:
    model, how = tiny(8), sampler(frozenset(range(1, 6)), beams)
    rows = prompts(8, [4 + i % 9 for i in range(24)])
    together = ours(model, rows, how)
    lengths = {len(row.ids) for row in together}
    assert len(lengths) > 5, "rows should leave at many different steps"
    for place, row in enumerate(together):
        assert row.ids == ours(model, [rows[place]], how, [place])[0].ids


def test_the_same_batch_twice_gives_the_same_tokens() -> None:
    model, rows = tiny(9), prompts(9, LENGTHS)
    for how in (sampler(), sampler(beams=4)):
        assert ids_of(ours(model, rows, how)) == ids_of(ours(model, rows, how))


def test_another_seed_draws_other_tokens() -> None:
    model, rows = tiny(10), prompts(10, [5] * 6)
    first = ours(model, rows, sampler(), range(6))
    assert all(
        a.ids != b.ids
        for a, b in zip(first, ours(model, rows, sampler(), range(6, 12)), strict=True)
    )


@dataclass(frozen=True)
class Widened:
    """A shortlist that a neighbour made wider: the same tokens, then ones already cut."""

    inner: Callable[..., tuple[torch.Tensor, torch.Tensor]]
    by: int

    def __call__(
        self, ids: torch.Tensor, mask: torch.Tensor, logits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        scores, tokens = self.inner(ids, mask, logits)
        never = torch.full((len(scores), self.by), float("-inf"))
        return torch.cat([scores, never], 1), torch.cat(
            [tokens, tokens[:, :1].expand(-1, self.by)], 1
        )


@pytest.mark.parametrize("beams", [1, 3])
def test_a_shortlist_made_wider_by_a_neighbour_changes_no_draw(beams: int) -> None:
    model, rows, how = tiny(11), prompts(11, LENGTHS), sampler(beams=beams)
    wide = Request(
        Widened(how.shortlist, 33),
        how.max_new_tokens,
        how.stop_ids,
        do_sample=True,
        num_beams=beams,
    )
    assert ids_of(ours(model, rows, wide)) == ids_of(ours(model, rows, how))


HEAT = 3.0


def warm(model: Any, row: list[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    with torch.inference_mode():
        logits = model(torch.tensor([row])).logits[0, -1]
    return (torch.log_softmax(logits.double(), dim=-1) / HEAT).numpy()


def pairs(
    scores: np.ndarray[Any, np.dtype[np.float64]],
) -> list[tuple[float, int, int]]:
    """Every ordered pair drawn without replacement, with its probability."""
    p = np.exp(scores - np.logaddexp.reduce(scores))
    return [
        (p[a] * p[b] / (1 - p[a]), a, b) for a, b in itertools.permutations(range(len(p)), 2)
    ]


def enumerated(model: Any, row: list[int], size: int) -> dict[tuple[int, ...], float]:
    """Two beams, two steps, nothing ends: the chance of each answer, by brute force.

    Each step draws four candidates without replacement, one after the other. Of
    the first step's four the likelier two go on; of the last step's the
    likelier of the first two is the answer.
    """
    first = warm(model, row)
    p = np.exp(first - np.logaddexp.reduce(first))
    goes_on: dict[tuple[int, int], float] = defaultdict(float)
    for four in itertools.permutations(range(size), 4):
        left, chance = 1.0, 1.0
        for token in four:
            chance, left = chance * p[token] / left, left - p[token]
        best = sorted(four, key=lambda token: -first[token])[:2]
        goes_on[best[0], best[1]] += chance
    answers: dict[tuple[int, ...], float] = defaultdict(float)
    for (a, b), share in goes_on.items():
        total = np.concatenate(
            [first[a] + warm(model, [*row, a]), first[b] + warm(model, [*row, b])]
        )
        for chance, i, j in pairs(total):
            won = i if total[i] >= total[j] else j
            answers[(a, b)[won // size], won % size] += share * chance
    return dict(answers)


def test_beams_are_drawn_without_replacement_at_their_own_odds() -> None:
    size, draws = 6, 4000
    model, row = tiny(3, vocabulary=size), [4, 5, 2]
    how = Request(
        Warp(temperature=HEAT, normalise=True, fewest=2),
        max_new_tokens=2,
        stop_ids=frozenset(),
        do_sample=True,
        num_beams=2,
    )
    seen = Counter(tuple(r.ids) for r in ours(model, [row] * draws, how, range(draws)))
    expected = enumerated(model, row, size)
    assert sum(expected.values()) == pytest.approx(1.0)
    common = [key for key, share in expected.items() if share * draws >= 5]
    rest = draws * (1 - sum(expected[key] for key in common))
    counts = [seen[key] for key in common] + [draws - sum(seen[key] for key in common)]
    wanted = [expected[key] * draws for key in common] + [rest]
    assert len(common) > 12
    assert chisquare(counts, wanted).pvalue > 1e-3


def test_one_new_token_is_one_token() -> None:
    model, rows = tiny(12), prompts(12, LENGTHS)
    for beams, shortlist in ((1, likeliest), (3, Best(12))):
        how = Request(shortlist, max_new_tokens=1, stop_ids=frozenset({1}), num_beams=beams)
        assert ids_of(ours(model, rows, how)) == theirs(model, rows, how)
        assert all(len(row.ids) == 1 for row in ours(model, rows, how))


def test_times_are_in_order_and_an_end_token_is_told_from_a_cut() -> None:
    for beams in (1, 3):
        how = sampler(frozenset(range(1, 9)), beams)
        answers = ours(tiny(13), prompts(13, [5] * 12), how)
        assert {answer.stopped for answer in answers} == {True, False}
        for answer in answers:
            assert 0 < answer.first_token_seconds <= answer.seconds
            assert answer.stopped == (answer.ids[-1] in how.stop_ids)
            assert answer.stopped or len(answer.ids) == how.max_new_tokens


def test_keeping_rows_moves_ids_mask_and_cache_together() -> None:
    model = tiny(14)
    rows = Rows(model, *padded(prompts(14, LENGTHS)))
    with torch.inference_mode():
        rows.step(rows.ids)
        keys = rows.cache.layers[0].keys
        rows.keep(torch.arange(6))
        assert rows.cache.layers[0].keys is keys, "keeping all in place copies nothing"
        rows.keep(torch.tensor([4, 4, 1]))
    assert torch.equal(rows.cache.layers[0].keys, keys[[4, 4, 1]])
    assert rows.ids.shape == rows.mask.shape == (3, 17)


class Heard:
    """How many rows, and of what width, a model is fed."""

    def __init__(self, model: Any) -> None:
        self.fed: list[tuple[int, int]] = []
        model.register_forward_pre_hook(self._hear, with_kwargs=True)

    def _hear(self, _: object, __: object, told: dict[str, Any]) -> None:
        self.fed.append(tuple(told["input_ids"].shape))

    def prefills(self) -> list[tuple[int, int]]:
        found = [shape for shape in self.fed if shape[1] > 1]
        self.fed.clear()
        return found


@pytest.mark.parametrize("beams", [1, 3])
def test_repeats_of_a_prompt_are_read_once_and_drawn_apart(beams: int) -> None:
    model = tiny(15)
    one, two = prompts(15, (6, 4))
    rows, seeds = [one, one, two, one, two], [1, 2, 3, 4, 5]
    how = sampler(frozenset(), beams)
    alone = [ours(model, [row], how, [seed])[0] for row, seed in zip(rows, seeds, strict=True)]
    heard = Heard(model)
    together = ours(model, rows, how, seeds)
    assert heard.prefills() == [(2, 6)]
    assert ids_of(together) == ids_of(alone)
    assert len({tuple(ids) for ids in ids_of(together)}) == 5


def test_another_strategy_reads_no_prompt_again_and_answers_the_same() -> None:
    model, known = tiny(16), Prefills(2**20)
    rows = prompts(16, (6, 4, 6))
    hows = [sampler(frozenset({1}), beams) for beams in (1, 3)] + [
        Request(likeliest, max_new_tokens=9, stop_ids=frozenset())
    ]
    apart = [ids_of(ours(model, rows, how)) for how in hows]
    heard = Heard(model)
    seeds = range(len(rows))
    shared = [ids_of(decode(model, *padded(rows), seeds, how, known)) for how in hows]
    assert heard.prefills() == [(3, 6)]
    assert shared == apart
    decode(model, *padded(rows[::-1]), seeds, hows[0], known)
    assert heard.prefills() == [(3, 6)], "another order is another batch"


def test_no_more_is_kept_of_prompts_than_there_is_room_for() -> None:
    model = tiny(17)
    rows, how = prompts(17, (6, 4)), Request(likeliest, max_new_tokens=2, stop_ids=frozenset())
    size = 2 * 50 * 4 + 2 * 2 * (
        2 * 2 * 6 * 8 * 4
    )  # logits, then two layers of keys and values
    for room, again in ((0, 1), (size - 1, 1), (size, 0), (2 * size - 1, 0)):
        heard, known = Heard(model), Prefills(room)
        decode(model, *padded(rows), (0, 1), how, known)
        decode(model, *padded(rows[::-1]), (0, 1), how, known)
        assert len(heard.prefills()) == 2
        decode(model, *padded(rows), (0, 1), how, known)
        assert len(heard.prefills()) == again
