"""How likely texts are under a causal language model: summed negative log-likelihoods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.encoders.language_model import LanguageModel

_TOKENS_AT_ONCE = 2048


def surprisal(
    reference: LanguageModel, texts: Sequence[str], contexts: Sequence[str] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum the negative log-likelihood of each text's tokens, every token scored once.

    A text longer than the model's window is read in windows that overlap by
    half; each token is scored in the first window that holds it. Log-softmax
    is taken in float32 and summed in float64.

    Args:
        reference: An entered model.
        texts: N texts. An empty one has no tokens.
        contexts: N texts that come before and are not scored, already in the
            form the model reads; without them the token that begins a text,
            or else ends one; of a model with neither, and after an empty
            context, the first token goes unscored.

    Returns:
        Nats, float64 [N], and the number of tokens scored, int64 [N].
    """
    import numpy as np

    nats, counts = np.zeros(len(texts)), np.zeros(len(texts), dtype=np.int64)
    pieces = [
        (row, ids, start)
        for row, text in enumerate(texts)
        for ids, start in _windows(reference, text, contexts[row] if contexts else None)
    ]
    pieces.sort(key=lambda piece: (-len(piece[1]), piece[0]))
    for group in _groups(pieces):
        sums = _sums(reference, [ids for _, ids, _ in group], [start for _, _, start in group])
        for (row, ids, start), total in zip(group, sums, strict=True):
            nats[row] += total
            counts[row] += len(ids) - start
    return nats, counts


def _windows(
    reference: LanguageModel, text: str, context: str | None
) -> list[tuple[list[int], int]]:
    """Token windows of one text, each with the place of its first token to score."""
    tokenizer, size = reference.tokenizer, reference.window
    body = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    if context is not None:
        before = tokenizer(context, add_special_tokens=False, verbose=False)["input_ids"]
    else:
        before = [reference.edge] if reference.edge is not None else []
    ids = [*before, *body]
    first = max(len(before), 1)
    windows, start = [], 0
    while first < len(ids):
        end = min(start + size, len(ids))
        if first < end:
            windows.append((ids[start:end], first - start))
            first = end
        start += size // 2
    return windows


def _groups(pieces: list[Any]) -> list[list[Any]]:
    """Cut length-sorted windows into forward passes of a bounded number of tokens."""
    groups: list[list[Any]] = []
    for piece in pieces:
        if groups and (len(groups[-1]) + 1) * len(groups[-1][0][1]) <= _TOKENS_AT_ONCE:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _sums(
    reference: LanguageModel, rows: Sequence[Sequence[int]], starts: Sequence[int]
) -> list[float]:
    import torch

    device = reference.model.device
    width = max(len(row) for row in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
        mask[place, : len(row)] = 1
    with torch.inference_mode():
        logits = reference.model(
            input_ids=ids.to(device), attention_mask=mask.to(device)
        ).logits
        return [
            _nats(logits[place], ids[place].to(device), (start, len(row)))
            for place, (row, start) in enumerate(zip(rows, starts, strict=True))
        ]


def _nats(logits: Any, ids: Any, scored: tuple[int, int]) -> float:
    import torch

    start, end = scored
    told = torch.log_softmax(logits[start - 1 : end - 1].float(), dim=-1)
    picked = told.gather(-1, ids[start:end, None]).double()
    return -float(picked.sum())
