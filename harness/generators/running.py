"""What decoding works on: the request, the rows still running, and what came of each."""

from __future__ import annotations

import copy
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


class Prefills:
    """What a model made of prompts it has read, for other strategies of the same prompts.

    The first that fit are kept, and none is put out for a later one: strategies go through
    the same prompts in the same order, where the last ones kept would be of no use.
    """

    def __init__(self, limit: int) -> None:
        """Keep up to `limit` bytes."""
        self._room = limit
        self._kept: dict[object, tuple[Any, torch.Tensor]] = {}

    def get(self, key: object) -> tuple[Any, torch.Tensor] | None:
        """A cache of keys and values to go on with, and the logits that came with it."""
        return copy.deepcopy(self._kept.get(key))

    def put(self, key: object, cache: Any, logits: torch.Tensor) -> None:
        """Keep a copy of plain keys and values, if there is room; other caches are not kept."""
        if not self._room:
            return
        from transformers.cache_utils import DynamicLayer

        if not all(type(layer) is DynamicLayer for layer in cache.layers):
            return
        held = [logits, *(t for layer in cache.layers for t in (layer.keys, layer.values))]
        size = sum(tensor.nbytes for tensor in held)
        if size <= self._room:
            self._room -= size
            self._kept[key] = copy.deepcopy((cache, logits))


class Rows:
    """The model's key-value cache and mask for the rows still running."""

    def __init__(
        self, model: Any, ids: torch.Tensor, mask: torch.Tensor, known: Prefills | None = None
    ) -> None:
        from transformers import DynamicCache

        self.model, self.ids, self.mask = model, ids, mask
        self.cache = DynamicCache(config=model.config)
        self._known = known or Prefills(0)

    def read(self) -> torch.Tensor:
        """Feed the prompts, each distinct one once; return float32 logits [B, vocabulary].

        What other calls have read of just these prompts, in this order, is not read again.
        """
        import torch

        keys = [tuple(row) for row in torch.cat([self.ids, self.mask], dim=1).tolist()]
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        distinct = sorted(first.values())
        ids, mask, key = self.ids, self.mask, tuple(keys[place] for place in distinct)
        self.ids, self.mask = ids[distinct], mask[distinct]
        known = self._known.get(key)
        if known:
            self.cache, logits = known
        else:
            logits = self.step(self.ids)
            self._known.put(key, self.cache, logits)
        if len(distinct) < len(keys):
            back = torch.tensor([distinct.index(first[key]) for key in keys], device=ids.device)
            self.cache.batch_select_indices(back)
            self.ids, self.mask, logits = ids, mask, logits[back]
        return logits

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
