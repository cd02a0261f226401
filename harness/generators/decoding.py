"""Decode a batch of prompts: greedy, sampling and beam search, each case on its own noise.

transformers' `generate` draws from one shared random state, so a case's text
would depend on its neighbours. Here each case brings uniform numbers of its
own: a token is found where its uniform number falls in the cumulative
distribution (exact sampling), and beams are drawn without replacement by the
Gumbel-top-k trick (Kool, van Hoof and Welling 2019). Warpers and beam rules
are transformers' own; with sampling off the text equals `generate`'s.
Finished rows leave the batch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from harness.generators.shortlist import Shortlist

_NEVER = -1.0e9
_LEAVE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Request:
    """How to decode. `shortlist` gives the next tokens and their scores (beams: log-probs)."""

    shortlist: Shortlist
    max_new_tokens: int
    stop_ids: frozenset[int]
    do_sample: bool = False
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | str = False


@dataclass(slots=True)
class Decoded:
    """One row's new token ids, whether an end token closed it, and when (wall seconds)."""

    ids: list[int] = field(default_factory=list)
    stopped: bool = False
    first_token_seconds: float = 0.0
    seconds: float = 0.0


class _Rows:
    """The model's key-value cache and mask for the rows still running."""

    def __init__(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> None:
        from transformers import DynamicCache

        self.model, self.ids, self.mask = model, ids, mask
        self.cache = DynamicCache(config=model.config)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """Feed tokens [B, T], whose mask is in place; return float32 logits [B, vocabulary]."""
        width = tokens.shape[1]
        positions = (self.mask.cumsum(-1) - 1).clamp(min=0)[:, -width:]
        answer = self.model(
            input_ids=tokens,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = answer.logits[:, -1].float()
        return logits

    def extend(self, tokens: torch.Tensor) -> None:
        """Append chosen tokens [B] to the ids and the mask."""
        import torch

        self.ids = torch.cat([self.ids, tokens[:, None]], dim=1)
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], dim=1)

    def keep(self, rows: torch.Tensor) -> None:
        """Reorder, repeat or drop rows: `rows` are indices into the present ones."""
        self.ids, self.mask = self.ids[rows], self.mask[rows]
        self.cache.batch_select_indices(rows)


def decode(
    model: Any, ids: torch.Tensor, mask: torch.Tensor, seeds: Sequence[int], how: Request
) -> list[Decoded]:
    """Decode left-padded prompts.

    Args:
        model: A causal language model of transformers, in eval mode.
        ids: int64 [B, T] token ids, padded on the left.
        mask: int64 [B, T], 1 where `ids` is a token of the prompt.
        seeds: B seeds; the noise of a row depends on its own alone.
        how: The strategy.

    Returns:
        B decoded rows, in order.
    """
    import torch

    with torch.inference_mode():
        rows = _Rows(model, ids, mask)
        if how.num_beams > 1:
            return _Beams(rows, seeds, how).run()
        return _decode_rows(rows, seeds, how)


def _decode_rows(rows: _Rows, seeds: Sequence[int], how: Request) -> list[Decoded]:
    import torch

    started = time.perf_counter()
    done = [Decoded() for _ in seeds]
    noise = _uniform(seeds, how.max_new_tokens) if how.do_sample else None
    alive = torch.arange(len(seeds))
    stops = torch.tensor(sorted(how.stop_ids), dtype=torch.long, device=rows.ids.device)
    running = torch.ones(len(seeds), dtype=torch.bool)
    logits = rows.step(rows.ids)
    for step in range(how.max_new_tokens):
        scores, tokens = how.shortlist(rows.ids, logits)
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


class _Beams:
    """Beam search, with or without sampling, by the rules of transformers' `_beam_search`."""

    def __init__(self, rows: _Rows, seeds: Sequence[int], how: Request) -> None:
        import numpy as np
        import torch

        self.rows, self.how, self.width = rows, how, rows.ids.shape[1]
        self.noise = [np.random.Generator(np.random.Philox(seed)) for seed in seeds]
        self.alive = list(range(len(seeds)))
        count, beams = len(seeds), how.num_beams
        device = rows.ids.device
        self.running = torch.full((count, beams), _NEVER, device=device)
        self.running[:, 0] = 0.0
        self.scores = torch.full((count, beams), _NEVER, device=device)
        self.full = torch.zeros((count, beams), dtype=torch.bool, device=device)
        self.finished: list[list[list[int]]] = [[[] for _ in range(beams)] for _ in seeds]
        self.done = [Decoded() for _ in seeds]
        self.stops = torch.tensor(sorted(how.stop_ids), dtype=torch.long, device=device)
        self.keep_count = max(2, 1 + len(how.stop_ids)) * beams

    def run(self) -> list[Decoded]:
        """Prefill once a prompt, then widen to the beams and search."""
        import torch

        started = time.perf_counter()
        beams, first = self.how.num_beams, 0.0
        logits = self.rows.step(self.rows.ids)
        spread = torch.arange(len(self.alive), device=logits.device).repeat_interleave(beams)
        self.rows.keep(spread)
        logits = logits[spread]
        for step in range(self.how.max_new_tokens):
            last = step + 1 == self.how.max_new_tokens
            tokens, parents, over = self._advance(logits, step, last=last)
            now = time.perf_counter() - started
            first = first or now
            self._close(over, now, first)
            if bool(over.all()) or last:
                break
            logits = self._feed(tokens, parents, ~over)
        return self.done

    def _advance(
        self, logits: torch.Tensor, step: int, *, last: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Choose candidates, file finished ones, and return the beams that go on."""
        import torch

        prompts, beams = self.running.shape
        logp, tokens = self.how.shortlist(self.rows.ids, logits)
        total = (logp.view(prompts, beams, -1) + self.running[:, :, None]).flatten(1)
        score, index = self._candidates(total)
        parent = index // logp.shape[-1]
        token = tokens.reshape(prompts, -1).gather(1, index)
        stopped = torch.isin(token, self.stops)
        ended = torch.ones_like(stopped) if last else stopped
        self._file(score, parent, token, ended, step)
        going = score + ended.float() * _NEVER
        self.running, best = torch.topk(going, beams)
        reach = self.running[:, :1] / ((step + 1) ** self.how.length_penalty)
        if self.how.early_stopping == "never" and self.how.length_penalty > 0:
            reach = self.running[:, :1] / (self.how.max_new_tokens**self.how.length_penalty)
        worst = torch.where(self.full, self.scores.min(dim=1, keepdim=True)[0], _NEVER)
        over = ~(reach > worst).any(dim=1) | ended.all(dim=1)
        if self.how.early_stopping is True:
            over |= self.full.all(dim=1)
        return token.gather(1, best), parent.gather(1, best), over

    def _candidates(self, total: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The best continuations, or as many drawn without replacement: [P, keep] each."""
        import numpy as np
        import torch

        if not self.how.do_sample:
            score, index = torch.topk(total, self.keep_count)
            return score, index
        noise = np.stack([self.noise[row].gumbel(size=total.shape[1]) for row in self.alive])
        noisy = total.double() + torch.from_numpy(noise).to(total.device)
        picked = torch.topk(noisy, self.keep_count).indices
        return total.gather(1, picked), picked

    def _file(
        self,
        score: torch.Tensor,
        parent: torch.Tensor,
        token: torch.Tensor,
        ended: torch.Tensor,
        step: int,
    ) -> None:
        """Keep the best finished hypotheses of each prompt, scored by their length."""
        import torch

        beams = self.how.num_beams
        can = ended & (torch.arange(ended.shape[1], device=ended.device) < beams)[None]
        fresh = score / ((step + 1) ** self.how.length_penalty) + (~can) * _NEVER
        self.scores, order = torch.topk(torch.cat([self.scores, fresh], dim=1), beams)
        self.full = torch.cat([self.full, can], dim=1).gather(1, order)
        for place, row in enumerate(self.alive):
            if not bool(can[place].any()):
                continue
            texts = [
                self._text(place, int(p), int(t)) if c else []
                for p, t, c in zip(parent[place], token[place], can[place], strict=True)
            ]
            merged = self.finished[row] + texts
            self.finished[row] = [merged[i] for i in order[place].tolist()]

    def _text(self, place: int, beam: int, token: int) -> list[int]:
        told = self.rows.ids[place * self.how.num_beams + beam, self.width :]
        return [*told.tolist(), token]

    def _close(self, over: torch.Tensor, now: float, first: float) -> None:
        """Write down the best hypothesis of each prompt that is over."""
        for place, row in enumerate(self.alive):
            if bool(over[place]):
                ids = self.finished[row][0]
                self.done[row] = Decoded(
                    ids, bool(ids) and ids[-1] in self.how.stop_ids, first, now
                )

    def _feed(
        self, tokens: torch.Tensor, parents: torch.Tensor, going: torch.Tensor
    ) -> torch.Tensor:
        """Move the cache to the chosen beams, drop prompts that are over, and step."""
        places = going.nonzero().flatten()
        rows = (places[:, None] * self.how.num_beams + parents[places]).flatten()
        self.rows.keep(rows)
        self.rows.extend(tokens[places].flatten())
        self.running, self.scores = self.running[places], self.scores[places]
        self.full = self.full[places]
        self.alive = [self.alive[place] for place in places.tolist()]
        return self.rows.step(tokens[places].flatten()[:, None])
