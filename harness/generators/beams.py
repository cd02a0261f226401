"""Beam search, with or without sampling, by the rules of transformers' `_beam_search`.

Beams are drawn without replacement by the Gumbel-top-k trick (Kool, van Hoof
and Welling 2019): the best of log-probability plus Gumbel noise.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.generators.running import Decoded, Request, Rows

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_NEVER = -1.0e9


class Beams:
    """One search over a batch of prompts, each with its own beams and its own noise."""

    def __init__(self, rows: Rows, seeds: Sequence[int], how: Request) -> None:
        import torch

        self.rows, self.how, self.width = rows, how, rows.ids.shape[1]
        self.seeds = seeds
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
        logits = self.rows.read()
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
        logp, tokens = self.how.shortlist(self.rows.ids, self.rows.mask, logits)
        total = (logp.view(prompts, beams, -1) + self.running[:, :, None]).flatten(1)
        score, index = self._candidates(total, step)
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

    def _candidates(self, total: torch.Tensor, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The best continuations, or as many drawn without replacement: [P, keep] each."""
        import numpy as np
        import torch

        if not self.how.do_sample:
            score, index = torch.topk(total, self.keep_count)
            return score, index
        beams = self.how.num_beams
        width = total.shape[1] // beams
        noise = np.stack([_gumbel(self.seeds[row], step, (width, beams)) for row in self.alive])
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


def _gumbel(seed: int, step: int, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Gumbel noise [beams * width] for shape (width, beams).

    Drawn token by token across the beams, so that a shortlist that a neighbour
    in the batch made wider begins with the same noise.
    """
    import numpy as np

    key = np.array([seed, step], dtype=np.uint64)
    drawn = np.random.Generator(np.random.Philox(key=key)).gumbel(size=shape)
    return drawn.T.reshape(-1)
