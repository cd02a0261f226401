"""The diversity scorer: what it reads, and that its metrics hold on any subset."""

import pickle
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from harness import registry
from harness.metrics.ngrams import compression_ratio, distinct_n, distinct_n_within
from harness.metrics.self_bleu import self_bleu
from harness.metrics.tokens import SEGMENTER, token_ids, words
from harness.protocols import MetricDef, OfSet
from harness.records import Case, Output, Prompt, Sample
from harness.scorers.diversity import Diversity

TEXTS = [
    "The cat sat on the mat.", "The cat sat on the sofa.", "A dog slept!", "", "天安门上的猫",
]  # fmt: skip


def sample(text: str) -> Sample:
    prompt = Prompt(prompt_id="p", text="q")
    case = Case(
        case_id="c", generator="g", strategy="s", params={}, prompt=prompt, repeat=0, seed=1
    )
    output = Output(
        output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok", text=text
    )
    return Sample(case=case, output=output, media=text)


def read(texts: list[str]) -> dict[str, Any]:
    with Diversity(Diversity.Options()) as scorer:
        readings = scorer.score([sample(text) for text in texts])
    rows = [reading for reading in readings if isinstance(reading, Mapping)]
    return {name: [row[name] for row in rows] for name in Diversity.columns}


def value_of(metric: MetricDef, columns: dict[str, Any]) -> float | None:
    assert isinstance(metric.kind, OfSet)
    return metric.kind.function({name: columns[name] for name in metric.kind.columns})


def test_the_registered_scorer_reads_ids_text_and_tokens() -> None:
    assert registry.load("scorers", "diversity") is Diversity
    columns = read(TEXTS)
    assert columns["text"] == TEXTS
    assert columns["ids"] == [token_ids(words(text)) for text in TEXTS]
    assert columns["tokens"] == [7, 7, 4, 0, 4]


def test_each_metric_is_the_function_it_is_named_for() -> None:
    columns = read(TEXTS)
    metrics = Diversity(Diversity.Options(token_budget=12)).metrics
    ids = columns["ids"]
    values = {name: value_of(metric, columns) for name, metric in metrics.items()}
    for n in (1, 2, 3, 4):
        assert values[f"distinct_{n}"] == distinct_n(ids, n)
        assert values[f"distinct_{n}@12"] == distinct_n_within(ids, n, 12)
    assert values["self_bleu"] == self_bleu(ids, 4)
    assert values["self_bleu_2"] == self_bleu(ids, 2)
    assert values["self_bleu_3"] == self_bleu(ids, 3)
    assert values["compression_ratio"] == compression_ratio(TEXTS)
    assert values["self_repetition"] is not None
    assert values["self_repetition"] > 0


def test_less_diverse_outputs_move_every_metric_the_bad_way() -> None:
    rng = np.random.default_rng(5)
    varied = [" ".join(f"w{i}" for i in rng.integers(0, 900, 30)) for _ in range(40)]
    same = [varied[i % 2] for i in range(40)]
    before, after = read(varied), read(same)
    for metric in Diversity(Diversity.Options(token_budget=1000)).metrics.values():
        good, bad = value_of(metric, before), value_of(metric, after)
        assert good is not None
        assert bad is not None
        assert (bad < good) if metric.better == "higher" else (bad > good)


def test_metrics_of_the_stored_columns_do_not_depend_on_how_they_are_held() -> None:
    columns = read(TEXTS)
    arrays = {**columns, "ids": [np.array(ids, dtype=np.int64) for ids in columns["ids"]]}
    for metric in Diversity(Diversity.Options()).metrics.values():
        assert value_of(metric, arrays) == value_of(metric, columns)


def test_an_empty_set_has_no_value() -> None:
    empty: dict[str, Any] = {name: [] for name in Diversity.columns}
    for metric in Diversity(Diversity.Options(token_budget=5)).metrics.values():
        assert value_of(metric, empty) is None
        assert metric.n_min >= 1


def test_word_metrics_carry_the_segmenter_and_travel_between_processes() -> None:
    for name, metric in Diversity(Diversity.Options(token_budget=5)).metrics.items():
        assert (SEGMENTER in metric.version) == (name != "compression_ratio")
        assert pickle.loads(pickle.dumps(metric)).unit == metric.unit  # noqa: S301 - own bytes


def test_metrics_of_pairs_need_two_outputs() -> None:
    metrics = Diversity(Diversity.Options()).metrics
    for name in ("self_bleu", "self_bleu_2", "self_bleu_3", "self_repetition"):
        assert metrics[name].n_min == 2
        assert value_of(metrics[name], read(TEXTS[:1])) is None


def test_a_budget_must_be_a_positive_number_of_tokens() -> None:
    with pytest.raises(ValidationError):
        Diversity.Options(token_budget=0)


def test_importing_the_scorer_loads_no_dictionary() -> None:
    import subprocess

    code = "import sys, harness.scorers.diversity; print('jieba' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == "False"
