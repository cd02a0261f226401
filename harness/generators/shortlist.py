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

    Shortlist = Callable[
        [torch.Tensor, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]
    ]
    """(ids [B, T], mask [B, T], logits [B, V]) -> (scores [B, C], tokens int64 [B, C])."""

_WIDE = 1024


@dataclass(frozen=True, slots=True)
class Warp:
    """Temperature, then top-k, then top-p. `normalise`: start from log-probabilities.

    At least `fewest` tokens stay, so that a beam can go on where others end.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    normalise: bool = False
    fewest: int = 1

    def __call__(
        self, ids: torch.Tensor, mask: torch.Tensor, logits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Shortlist the tokens of each row, most likely first where any are cut (as -inf)."""
        import torch

        scores = logits / self.temperature
        values, tokens = self._nucleus(scores)
        if self.normalise:
            values = values - torch.logsumexp(logits, dim=-1, keepdim=True) / self.temperature
        return values, tokens

    def _nucleus(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        if self.top_k:
            kept = min(max(self.top_k, self.fewest), scores.shape[1])
            values, tokens = torch.topk(scores, kept)
            mass = torch.logsumexp(values, dim=-1, keepdim=True)
        elif self.top_p < 1:
            values, tokens = torch.topk(scores, min(_WIDE, scores.shape[1]))
            mass = torch.logsumexp(scores, dim=-1, keepdim=True)
            if float((values - mass).exp().sum(-1).min()) < self.top_p:
                values, tokens = torch.sort(scores, dim=-1, descending=True)
        else:
            return scores, _every(scores)
        if self.top_p == 1:
            return values, tokens
        share = (values - mass).exp()
        cut = share.cumsum(-1) - share >= self.top_p
        cut[:, : self.fewest] = False
        width = int((~cut).sum(-1).max())
        return values[:, :width].masked_fill(cut[:, :width], float("-inf")), tokens[:, :width]


@dataclass(frozen=True, slots=True)
class Best:
    """The `count` most likely tokens of each row, as log-probabilities: for beam search."""

    count: int

    def __call__(
        self, ids: torch.Tensor, mask: torch.Tensor, logits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Shortlist the tokens of each row."""
        import torch

        # Rounded as transformers rounds it: in bfloat16 equal scores are common.
        told = torch.log_softmax(logits, dim=-1)
        values, tokens = torch.topk(told, min(self.count, told.shape[1]))
        return values, tokens


def likeliest(
    ids: torch.Tensor, mask: torch.Tensor, logits: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Shortlist the one most likely token of each row: greedy search."""
    tokens = logits.argmax(dim=-1, keepdim=True)
    return logits.gather(1, tokens), tokens


@dataclass(frozen=True, slots=True)
class Processed:
    """Every token, scored by transformers' own processors. `normalise` as in `Warp`.

    Rows of one length go through together, without their padding: processors
    that look back (repetition penalty, n-grams) would take it for text.
    """

    process: Any
    normalise: bool = False

    def __call__(
        self, ids: torch.Tensor, mask: torch.Tensor, logits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Score all tokens of each row."""
        import torch

        scores = torch.log_softmax(logits, dim=-1) if self.normalise else logits.clone()
        padding = (mask == 0).sum(dim=-1)
        for width in torch.unique(padding).tolist():
            rows = (padding == width).nonzero().flatten()
            scores[rows] = self.process(ids[rows, width:], scores[rows])
        return scores, _every(scores)


def _every(scores: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.arange(scores.shape[1], device=scores.device).expand_as(scores)
