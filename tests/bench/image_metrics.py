"""Time KID, precision and recall, and the Inception score against torchmetrics or textbook."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torchmetrics.image.kid import poly_mmd

from harness.metrics.inception_score import inception_score
from harness.metrics.kernel_distance import kid
from harness.metrics.manifold import manifold

T = TypeVar("T")
WIDTH, CLASSES, K = 2048, 1008, 3
SIZES = (500, 1000, 5000)


def seconds_of(function: Callable[..., T], *args: object) -> tuple[float, T]:
    """Least wall seconds of three calls, and what the last returned."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        value = function(*args)
        taken.append(time.perf_counter() - start)
    return min(taken), value


def peer_kid(generated: torch.Tensor, reference: torch.Tensor) -> float:
    """Torchmetrics' estimate of all rows at once."""
    return float(poly_mmd(reference, generated))


def peer_precision_and_recall(
    generated: torch.Tensor, reference: torch.Tensor
) -> tuple[float, float]:
    """The definition with whole distance matrices, as torch-fidelity's full form has it."""
    own = torch.cdist(reference, reference).kthvalue(K + 1, dim=1).values
    other = torch.cdist(generated, generated).kthvalue(K + 1, dim=1).values
    across = torch.cdist(reference, generated)
    precision = (across <= own[:, None]).any(dim=0).double().mean()
    recall = (across <= other[None]).any(dim=1).double().mean()
    return float(precision), float(recall)


def peer_inception_score(logits: torch.Tensor) -> float:
    """What torchmetrics' InceptionScore.compute does with one split."""
    probabilities, logs = logits.softmax(dim=1), logits.log_softmax(dim=1)
    mean = probabilities.mean(dim=0, keepdim=True).log()
    return float((probabilities * (logs - mean)).sum(dim=1).mean().exp())


def line(name: str, count: int, ours: float, peer: float, apart: float) -> str:
    """One result as JSON."""
    found = {
        "bench": name,
        "rows": count,
        "seconds": ours,
        "peer_seconds": peer,
        "ratio": peer / ours,
        "largest_difference": apart,
    }
    return json.dumps(found)


def compare(count: int) -> None:
    """Time all three at one size; both sides compute in float64."""
    rng = np.random.default_rng(0)
    generated = np.maximum(rng.standard_normal((count, WIDTH)), 0.0)
    reference = np.maximum(1.1 * rng.standard_normal((count, WIDTH)), 0.0)
    tensors = torch.from_numpy(generated), torch.from_numpy(reference)
    ours, found = seconds_of(kid, generated, reference)
    peer, expected = seconds_of(peer_kid, *tensors)
    apart = abs(found.value - expected) if found else float("inf")
    print(line("kid", count, ours, peer, apart), flush=True)
    ours, shares = seconds_of(manifold, generated, reference)
    peer, both = seconds_of(peer_precision_and_recall, *tensors)
    seen = (shares.precision, shares.recall) if shares else (float("inf"),) * 2
    apart = float(np.abs(np.subtract(seen, both)).max())
    print(line("precision_recall_density_coverage", count, ours, peer, apart), flush=True)
    logits = torch.from_numpy(3.0 * rng.standard_normal((count, CLASSES)))
    ours, score = seconds_of(inception_score, logits.softmax(dim=1).numpy())
    peer, expected = seconds_of(peer_inception_score, logits)
    apart = abs((score or 0.0) - expected)
    print(line("inception_score", count, ours, peer, apart), flush=True)


def main() -> None:
    """Print one line of JSON a metric and size."""
    for count in SIZES:
        compare(count)


if __name__ == "__main__":
    main()
