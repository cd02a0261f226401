"""Surprisal is transformers' own loss, whatever the batch, the padding or the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.encoders import likelihood
from harness.encoders.language_model import LanguageModel, find
from harness.encoders.likelihood import surprisal
from tests.generators.tiny_model import prompts, save, tiny, words

TEXTS = (
    "The parcel is two days late, and we are sorry.",
    "No.",
    "Rabbits of the orchard orbit a purple invoice; seventeen of them disagree.",
    "退款需要五到七个工作日。",
)


@pytest.fixture(scope="module")
def real(assets: Callable[[str], Path]) -> Iterator[LanguageModel]:
    assets("smollm2-135m-instruct")
    source = find("smollm2-135m-instruct", None)
    with LanguageModel(source, "float32", "cpu") as model:
        yield model


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageModel]:
    folder = save(tmp_path_factory.mktemp("tiny"), tiny(2, vocabulary=40, window=256))
    with LanguageModel(find(str(folder), None), "float32", "cpu") as model:
        yield model


def by_loss(model: Any, before: list[int], body: list[int]) -> float:
    """Transformers' mean loss with labels, times the tokens it is over."""
    ids = torch.tensor([[*before, *body]])
    labels = ids.clone()
    labels[:, : len(before)] = -100
    with torch.inference_mode():
        return float(model(ids, labels=labels).loss.double()) * len(body)


def by_hand(model: Any, before: list[int], body: list[int], window: int) -> list[float]:
    """Each token from a forward pass of its own, over what its window shows of the past."""
    ids, nats, start = [*before, *body], [], 0
    for place in range(max(len(before), 1), len(ids)):
        while place >= start + window:
            start += window // 2
        with torch.inference_mode():
            logits = model(torch.tensor([ids[start:place]])).logits[0, -1].double()
        nats.append(-float(torch.log_softmax(logits, -1)[ids[place]]))
    return nats


def test_it_is_transformers_loss_on_the_real_model(real: LanguageModel) -> None:
    nats, counts = surprisal(real, TEXTS)
    for place, text in enumerate(TEXTS):
        body = real.tokenizer(text, add_special_tokens=False)["input_ids"]
        assert counts[place] == len(body)
        wanted = by_loss(real.model, [real.tokenizer.bos_token_id], body)
        assert nats[place] == pytest.approx(wanted, rel=1e-5)


def test_a_context_is_read_and_not_scored(real: LanguageModel) -> None:
    context = "<|im_start|>user\nIs my parcel late?<|im_end|>\n<|im_start|>assistant\n"
    (nats,), (count,) = surprisal(real, TEXTS[:1], [context])
    before = real.tokenizer(context, add_special_tokens=False)["input_ids"]
    body = real.tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]
    assert count == len(body)
    assert nats == pytest.approx(by_loss(real.model, before, body), rel=1e-5)
    assert nats < surprisal(real, TEXTS[:1])[0][0]


def test_it_is_the_hand_loop_token_by_token(small: LanguageModel) -> None:
    for body in prompts(1, (1, 2, 7, 30), 40):
        (nats,), (count,) = surprisal(small, [words(body)])
        told = by_hand(small.model, [small.edge or 0], body, small.window)
        assert (count, len(told)) == (len(body), len(body))
        assert nats == pytest.approx(sum(told), rel=1e-5)


@pytest.mark.parametrize("window", [2, 3, 8, 9])
@pytest.mark.parametrize("length", [1, 7, 8, 9, 31])
@pytest.mark.parametrize("before", [0, 1, 6, 20])
def test_rolling_windows_score_every_token_once(
    small: LanguageModel,
    monkeypatch: pytest.MonkeyPatch,
    window: int,
    length: int,
    before: int,
) -> None:
    monkeypatch.setattr(small.model.config, "max_position_embeddings", window)
    context, body = prompts(2, (max(before, 1), length), 40)
    context = context[:before]
    (nats,), (count,) = surprisal(small, [words(body)], [words(context)])
    told = by_hand(small.model, context, body, window)
    assert count == len(told) == length - (before == 0)
    assert nats == pytest.approx(sum(told), rel=1e-5, abs=1e-9)


def test_batching_and_padding_change_nothing(
    small: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [words(row) for row in prompts(3, (1, 40, 3, 3, 17, 90, 2, 40), 40)]
    together, counts = surprisal(small, texts)
    alone = [surprisal(small, [text])[0][0] for text in texts]
    assert together == pytest.approx(alone, rel=1e-5)
    assert surprisal(small, texts[::-1])[0][::-1] == pytest.approx(together, rel=1e-5)
    monkeypatch.setattr(likelihood, "_TOKENS_AT_ONCE", 50)
    cut, again = surprisal(small, texts)
    assert cut == pytest.approx(together, rel=1e-5)
    assert again.tolist() == counts.tolist()


def test_an_empty_text_has_no_tokens_and_no_nats(small: LanguageModel) -> None:
    nats, counts = surprisal(small, ["", "w5 w6", ""])
    assert (nats[0], nats[2], counts[0], counts[2]) == (0, 0, 0, 0)
    assert counts[1] == 2
    assert surprisal(small, [])[0].shape == (0,)


def test_a_model_without_begin_token_starts_from_its_end_token(small: LanguageModel) -> None:
    assert small.tokenizer.bos_token_id is None
    (nats,), (count,) = surprisal(small, ["w7"])
    wanted = by_loss(small.model, [small.tokenizer.eos_token_id], [7])
    assert (count, nats) == (1, pytest.approx(wanted, rel=1e-5))


def test_with_neither_token_the_first_goes_unscored(
    small: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LanguageModel, "edge", None)
    nats, counts = surprisal(small, ["w7", "w7 w8 w9"])
    assert counts.tolist() == [0, 2]
    assert nats[0] == 0
    assert nats[1] == pytest.approx(by_loss(small.model, [7], [8, 9]), rel=1e-5)


def test_nats_are_summed_in_float64(small: LanguageModel) -> None:
    nats, counts = surprisal(small, ["w5"])
    assert nats.dtype == np.float64
    assert counts.dtype == np.int64
