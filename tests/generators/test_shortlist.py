"""A shortlist holds the same tokens, at the same odds, as transformers' own warpers keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.generation.logits_process import (
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from harness.generators.shortlist import Best, Processed, Warp, likeliest

NOTHING = torch.zeros((1, 1), dtype=torch.long)


def distinct(seed: int, rows: int, size: int, spread: float) -> torch.Tensor:
    """Logits of which no two in a row are equal, nor nearly."""
    rng = np.random.default_rng(seed)
    steps = np.sort(rng.exponential(spread, (rows, size)), axis=1) + np.arange(size) * 1e-3
    return torch.from_numpy(rng.permuted(steps, axis=1)).float()


def dense(shortlisted: tuple[torch.Tensor, torch.Tensor], size: int) -> torch.Tensor:
    """Scores by token; tokens that are not listed are as good as cut."""
    scores, tokens = shortlisted
    empty = torch.full((len(scores), size), float("-inf"))
    return empty.scatter(1, tokens, scores)


def by_transformers(logits: torch.Tensor, warp: Warp) -> torch.Tensor:
    scores = torch.log_softmax(logits, dim=-1) if warp.normalise else logits
    told: torch.Tensor = TemperatureLogitsWarper(warp.temperature)(NOTHING, scores)
    if warp.top_k:
        told = TopKLogitsWarper(warp.top_k, min_tokens_to_keep=warp.fewest)(NOTHING, told)
    if warp.top_p < 1:
        told = TopPLogitsWarper(warp.top_p, min_tokens_to_keep=warp.fewest)(NOTHING, told)
    return told


def edge(logits: torch.Tensor, warp: Warp) -> bool:
    """Whether float rounding could put a token on either side of the nucleus."""
    scores = logits.double() / warp.temperature
    if warp.top_k:
        scores = torch.topk(scores, min(max(warp.top_k, warp.fewest), scores.shape[1]))[0]
    mass = torch.softmax(torch.sort(scores, descending=True)[0], -1).cumsum(-1)
    return bool(((mass - warp.top_p).abs() < 1e-5).any())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    size=st.sampled_from([3, 40, 3000]),
    spread=st.floats(0.05, 3.0),
    temperature=st.floats(0.2, 3.0),
    top_k=st.sampled_from([0, 1, 5, 50, 2500]),
    top_p=st.floats(0.05, 1.0),
    normalise=st.booleans(),
    fewest=st.integers(1, 4),
)
def test_warping_equals_transformers(
    seed: int,
    size: int,
    spread: float,
    temperature: float,
    top_k: int,
    top_p: float,
    normalise: bool,
    fewest: int,
) -> None:
    logits = distinct(seed, 3, size, spread)
    warp = Warp(temperature, top_k, top_p, normalise=normalise, fewest=fewest)
    if top_p < 1 and edge(logits, warp):
        return
    told = dense(warp(NOTHING, NOTHING, logits), size)
    wanted = by_transformers(logits, warp)
    assert torch.equal(told.isfinite(), wanted.isfinite())
    kept = wanted.isfinite()
    assert torch.allclose(told[kept], wanted[kept], atol=1e-5, rtol=1e-5)


def test_a_nucleus_wider_than_the_shortlist_is_whole() -> None:
    logits, warp = distinct(1, 2, 5000, 1e-3), Warp(temperature=4.0, top_p=0.9)
    assert not edge(logits, warp)
    told = dense(warp(NOTHING, NOTHING, logits), 5000)
    assert (told.isfinite().sum(-1) > 1024).all()
    assert torch.equal(told.isfinite(), by_transformers(logits, warp).isfinite())


def test_a_flat_neighbour_leaves_a_sharp_row_as_it_was() -> None:
    sharp, flat = distinct(2, 1, 5000, 3.0), distinct(3, 1, 5000, 1e-3) / 4
    warp = Warp(top_p=0.9)
    alone, _ = warp(NOTHING, NOTHING, sharp)
    beside, _ = warp(NOTHING, NOTHING, torch.cat([sharp, flat]))
    assert alone.shape[1] < 1024 < beside.shape[1]
    assert torch.equal(beside[0, : alone.shape[1]], alone[0])
    assert not beside[0, alone.shape[1] :].isfinite().any()


def test_plain_sampling_keeps_every_token_as_it_is() -> None:
    logits = distinct(4, 2, 3000, 1.0)
    scores, tokens = Warp()(NOTHING, NOTHING, logits)
    assert torch.equal(scores.gather(1, tokens.argsort(-1)), logits)


def test_at_the_edge_of_top_k_equal_scores_are_cut_to_k() -> None:
    scores, _ = Warp(top_k=2)(NOTHING, NOTHING, torch.tensor([[1.0, 1.0, 1.0, 0.0]]))
    assert scores.tolist() == [[1.0, 1.0]]


def test_the_best_are_the_likeliest_log_probabilities() -> None:
    logits = distinct(5, 3, 40, 1.0)
    scores, tokens = Best(7)(NOTHING, NOTHING, logits)
    told = torch.log_softmax(logits, -1)
    assert torch.equal(tokens, told.argsort(-1, descending=True)[:, :7])
    assert torch.equal(scores, told.gather(1, tokens))
    assert Best(99)(NOTHING, NOTHING, logits)[1].shape == (3, 40)


def test_of_equal_logits_the_first_is_likeliest_as_in_transformers() -> None:
    logits = torch.tensor([[0.0, 2.0, 2.0, 1.0]])
    assert likeliest(NOTHING, NOTHING, logits)[1].tolist() == [[1]]


class Watched:
    """Transformers' processors, remembering what they were shown."""

    def __init__(self, *inner: Any) -> None:
        self.inner, self.shown = LogitsProcessorList(list(inner)), set[tuple[int, ...]]()

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self.shown |= {tuple(row) for row in ids.tolist()}
        told: torch.Tensor = self.inner(ids, scores)
        return told


@pytest.mark.parametrize("normalise", [False, True])
def test_processors_are_never_shown_padding(normalise: bool) -> None:
    ids = torch.tensor([[0, 0, 4, 5], [6, 7, 8, 9], [0, 0, 4, 4]])
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 1, 1]])
    logits = distinct(6, 3, 12, 1.0)
    before = logits.clone()
    watched = Watched(RepetitionPenaltyLogitsProcessor(1.7), NoRepeatNGramLogitsProcessor(1))
    scores, tokens = Processed(watched, normalise=normalise)(ids, mask, logits)
    assert watched.shown == {(4, 5), (6, 7, 8, 9), (4, 4)}
    assert torch.equal(logits, before)
    assert tokens.tolist() == [list(range(12))] * 3
    start = torch.log_softmax(logits, -1) if normalise else logits
    assert scores[0, 0] == start[0, 0], "the padding token was never said"
    assert [row.isneginf().nonzero().flatten().tolist() for row in scores] == [
        [4, 5], [6, 7, 8, 9], [4],
    ]  # fmt: skip
