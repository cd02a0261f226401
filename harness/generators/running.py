"""What decoding works on: the request, the rows still running, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from harness.generators.shortlist import Shortlist


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


class Rows:
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
        import torch

        if torch.equal(rows, torch.arange(len(self.ids), device=rows.device)):
            return
        self.ids, self.mask = self.ids[rows], self.mask[rows]
        self.cache.batch_select_indices(rows)
