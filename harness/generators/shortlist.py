"""Which tokens may come next and how likely each is: transformers' warpers, made fast.

A sort of the whole vocabulary for every row and step, as transformers' top-p
does, costs more than a small model's own arithmetic. Temperature, top-k and
top-p are therefore worked out on the most likely tokens alone, exactly: where
those do not hold the nucleus, all tokens are sorted. Other parameters go
through transformers' own processors. Among tokens of equal score at the edge
of top-k, transformers keeps all and this keeps k.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    Shortlist = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    """(ids [B, T], logits [B, V]) -> (scores float32 [B, C], tokens int64 [B, C])."""

_WIDE = 1024


@dataclass(frozen=True, slots=True)
class Warp:
    """Temperature, then top-k, then top-p. `normalise`: start from log-probabilities."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    normalise: bool = False

    def __call__(
        self, ids: torch.Tensor, logits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Shortlist the tokens of each row, most likely first; cut ones are -inf."""
        import torch

        scores = logits / self.temperature
        mass = torch.logsumexp(scores, dim=-1, keepdim=True)
        if self.top_k:
            values, tokens = torch.topk(scores, min(self.top_k, scores.shape[1]))
            mass = torch.logsumexp(values, dim=-1, keepdim=True)
        else:
            values, tokens = torch.topk(scores, min(_WIDE, scores.shape[1]))
            if float((values - mass).exp().sum(-1).min()) < self.top_p:
                values, tokens = torch.sort(scores, dim=-1, descending=True)
        share = (values - mass).exp()
        cut = share.cumsum(-1) - share >= self.top_p
        cut[:, 0] = False
        if self.normalise:
            values = values - torch.logsumexp(logits, dim=-1, keepdim=True) / self.temperature
        return values.masked_fill(cut, float("-inf")), tokens


@dataclass(frozen=True, slots=True)
class Best:
    """The `count` most likely tokens of each row, as log-probabilities: for beam search."""

    count: int

    def __call__(
        self, ids: torch.Tensor, logits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Shortlist the tokens of each row."""
        import torch

        # Rounded as transformers rounds it: in bfloat16 equal scores are common.
        told = torch.log_softmax(logits, dim=-1)
        values, tokens = torch.topk(told, min(self.count, told.shape[1]))
        return values, tokens


@dataclass(frozen=True, slots=True)
class Processed:
    """Every token, scored by transformers' own processors. `normalise` as in `Warp`."""

    process: Any
    normalise: bool = False

    def __call__(
        self, ids: torch.Tensor, logits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Score all tokens of each row."""
        import torch

        scores = torch.log_softmax(logits, dim=-1) if self.normalise else logits
        every = torch.arange(logits.shape[1], device=logits.device).expand_as(logits)
        return self.process(ids, scores), every
