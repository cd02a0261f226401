"""Decode a batch of prompts: greedy, sampling and beam search, each case on its own noise.

transformers' `generate` draws from one shared random state, so a case's text
would depend on its neighbours. Here each case brings uniform numbers of its
own: a token is found where its uniform number falls in the cumulative
distribution (exact sampling), and beams are drawn without replacement by the
Gumbel-top-k trick (Kool, van Hoof and Welling 2019). Warpers and beam rules
are transformers' own; with sampling off the text equals `generate`'s.
Finished rows leave the batch; equal prompts are read once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.generators.beams import Beams
from harness.generators.running import Decoded, Prefills, Request, Rows

if TYPE_CHECKING:
    import torch

_LEAVE_SHARE = 0.25


def decode(
    model: Any,
    ids: torch.Tensor,
    mask: torch.Tensor,
    seeds: Sequence[int],
    how: Request,
    known: Prefills | None = None,
) -> list[Decoded]:
    """Decode left-padded prompts.

    Args:
        model: A causal language model of transformers, in eval mode.
        ids: int64 [B, T] token ids, padded on the left.
        mask: int64 [B, T], 1 where `ids` is a token of the prompt.
        seeds: B seeds; the noise of a row depends on its own alone.
        how: The strategy.
        known: What the model has read before.

    Returns:
        B decoded rows, in order.
    """
    import torch

    with torch.inference_mode():
        rows = Rows(model, ids, mask, known)
        if how.num_beams > 1:
            return Beams(rows, seeds, how).run()
        return _decode_rows(rows, seeds, how)


def _decode_rows(rows: Rows, seeds: Sequence[int], how: Request) -> list[Decoded]:
    import torch

    started = time.perf_counter()
    done = [Decoded() for _ in seeds]
    noise = _uniform(seeds, how.max_new_tokens) if how.do_sample else None
    alive = torch.arange(len(seeds))
    stops = torch.tensor(sorted(how.stop_ids), dtype=torch.long, device=rows.ids.device)
    running = torch.ones(len(seeds), dtype=torch.bool)
    logits = rows.read()
    for step in range(how.max_new_tokens):
        scores, tokens = how.shortlist(rows.ids, rows.mask, logits)
        place = scores.argmax(-1) if noise is None else _draw(scores, noise[alive, step])
        chosen = tokens.gather(1, place[:, None]).flatten()
        now = time.perf_counter() - started
        ended = torch.isin(chosen, stops).cpu()
        for row, token, stopped, going in zip(
            alive.tolist(), chosen.tolist(), ended.tolist(), running.tolist(), strict=True
        ):
            if going:
                _take(done[row], token, stopped, now)
        running &= ~ended
        if not bool(running.any()) or step + 1 == how.max_new_tokens:
            break
        rows.extend(chosen)
        if float((~running).float().mean()) >= _LEAVE_SHARE:
            staying = running.nonzero().flatten()
            rows.keep(staying.to(rows.ids.device))
            chosen, alive, running = chosen[staying], alive[staying], running[staying]
        logits = rows.step(chosen[:, None])
    return done


def _take(row: Decoded, token: int, stopped: bool, now: float) -> None:  # noqa: FBT001 - a row's own state
    if not row.ids:
        row.first_token_seconds = now
    row.ids.append(token)
    row.stopped, row.seconds = stopped, now


def _uniform(seeds: Sequence[int], count: int) -> torch.Tensor:
    """Uniform numbers in [0, 1), float64 [B, count]; row i depends on seed i alone."""
    import numpy as np
    import torch

    draws = [np.random.Generator(np.random.Philox(seed)).random(count) for seed in seeds]
    return torch.from_numpy(np.stack(draws))


def _draw(scores: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Sample one token a row by inverting its cumulative distribution, in float64."""
    import torch

    mass = torch.softmax(scores.double(), dim=-1).cumsum(dim=-1)
    target = uniform.to(mass.device)[:, None] * mass[:, -1:]
    return torch.searchsorted(mass, target, right=True).flatten().clamp(max=mass.shape[1] - 1)
