"""The ids of cases, outputs, scores and units of work: digests of what each is made from.

Each is the sha256 of a canonical JSON list. Ids are made for every case of a
plan, and names in hex need no escaping, so the lists are written here by hand:
the same bytes as `digests.canonical`, in a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import digests


def arm_prefix(generator: str, strategy: str, params: Mapping[str, Any]) -> str:
    """What the ids of all cases of one arm begin with; made once an arm."""
    return digests.canonical([generator, strategy, dict(params)]).decode()[:-1]


def case_id(prefix: str, prompt_id: str, repeat: int, seed: int) -> str:
    """Name a case by its arm, its prompt, its repeat and the suite's seed."""
    return digests.of_bytes(f'{prefix},"{prompt_id}",{repeat},{seed}]'.encode())


def case_seed(seed: int, prompt_id: str, repeat: int) -> int:
    """Draw a case's 63 bits of noise, the same for every generator and strategy."""
    noise = digests.of_bytes(f'[{seed},"{prompt_id}",{repeat}]'.encode())
    return int(noise[:16], 16) >> 1


def output_id(case: str, fingerprint: str) -> str:
    """Name an output by its case and its generator's fingerprint."""
    return _of_two(case, fingerprint)


def score_id(output: str, fingerprint: str) -> str:
    """Name a score by its output and its scorer's fingerprint."""
    return _of_two(output, fingerprint)


def unit_id(batch: str, fingerprint: str) -> str:
    """Name what is scored together: one batch, as one generator answered it.

    Case and batch ids hold a generator's name but not its fingerprint, so that
    arms can be paired; only with the fingerprint is a score tied to its output.
    """
    return _of_two(batch, fingerprint)


def _of_two(first: str, second: str) -> str:
    return digests.of_bytes(f'["{first}","{second}"]'.encode())
