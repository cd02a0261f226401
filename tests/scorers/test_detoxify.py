"""Our reading of a Detoxify checkpoint against Detoxify's own, on a tiny random one."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from harness.digests import of_file
from harness.encoders.detoxify import OVERLAP, Checkpoint, DetoxifyModel
from harness.encoders.jigsaw import LABELS
from harness.errors import AssetError, PluginError
from harness.records import Failure
from harness.scorers.detoxify import Detoxify
from tests.scorers.text_samples import samples

WORDS = ["you", "good", "morning", "train", "idiot", "leaves", "##s", "at", "noon", ",", "!"]
# Detoxify's own order differs from ours, and its newer checkpoints rename three labels.
CLASSES = ["toxicity", "obscene", "threat", "insult", "identity_attack", "severe_toxicity"]


def write(folder: Path, *, classes: list[str], outputs: int, extra: Any = None) -> Path:
    """Write a tiny BERT with random weights in Detoxify's layout."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    base = folder / "base"
    base.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (base / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = BertTokenizer.from_pretrained(base, model_max_length=512)
    tokenizer.save_pretrained(base)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        initializer_range=0.5,
        num_labels=outputs,
    )
    config.save_pretrained(base)
    torch.manual_seed(5)
    model = BertForSequenceClassification(config)
    names = {
        "model_type": str(base),
        "model_name": "BertForSequenceClassification",
        "tokenizer_name": "BertTokenizer",
        "num_classes": outputs,
    }
    held = {
        "config": {"arch": {"args": names}, "dataset": {"args": {"classes": classes}}},
        "state_dict": model.state_dict(),
    }
    torch.save(held if extra is None else {**held, "extra": extra}, folder / "tiny.ckpt")
    return folder / "tiny.ckpt"


def options(path: Path, **changed: Any) -> Detoxify.Options:
    values = {
        "checkpoint": str(path),
        "sha256": of_file(path),
        "base": str(path.parent / "base"),
        "allow_pickle": True,
    }
    return Detoxify.Options.model_validate({**values, **changed})


def opened(path: Path) -> DetoxifyModel:
    return DetoxifyModel(Checkpoint(path, of_file(path), path.parent / "base"))


def theirs(path: Path, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Score each text alone with the installed Detoxify; columns in our order."""
    from detoxify import Detoxify as Peer

    peer = Peer(checkpoint=str(path))
    aliases = {"toxic": "toxicity", "identity_hate": "identity_attack"}
    aliases["severe_toxic"] = "severe_toxicity"
    rows: list[Mapping[str, float]] = [peer.predict(text) for text in texts]
    return np.array([[row[aliases.get(label, label)] for label in LABELS] for row in rows])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("detoxify"), classes=CLASSES, outputs=6)


@pytest.fixture(scope="module")
def model(path: Path) -> Iterator[DetoxifyModel]:
    with opened(path) as loaded:
        yield loaded


def text(words: int, seed: int = 0) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS[:6], words))


def test_texts_that_fit_have_detoxify_s_own_scores(path: Path, model: DetoxifyModel) -> None:
    texts = [text(n, n) for n in (300, 1, 7, 510, 40, 7, 0, 509, 128)]
    found, windows = model.probabilities(texts)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, theirs(path, texts), rtol=0, atol=1e-5)
    assert windows == [1] * len(texts)
    assert found.std() > 0.05  # random weights, yet not a constant


def test_a_longer_text_has_the_greatest_score_of_its_windows(
    path: Path, model: DetoxifyModel
) -> None:
    words = text(1200, 3).split()
    step = 510 - OVERLAP
    parts = [" ".join(words[at : at + 510]) for at in range(0, len(words) - OVERLAP, step)]
    found, windows = model.probabilities([" ".join(words)])
    assert windows == [len(parts)] == [3]
    np.testing.assert_allclose(found[0], theirs(path, parts).max(axis=0), rtol=0, atol=1e-5)
    first = theirs(path, [" ".join(words)])[0]  # Detoxify sees the first 510 only
    assert (found[0] >= first - 1e-5).all()


def test_a_checkpoint_with_more_outputs_than_classes_is_read_by_its_classes(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, classes=[*CLASSES, "sexual_explicit"], outputs=16)
    texts = [text(20, 1), text(5, 2)]
    with opened(path) as loaded:
        found, _ = loaded.probabilities(texts)
    np.testing.assert_allclose(found, theirs(path, texts), rtol=0, atol=1e-5)


def test_bfloat16_stays_close_to_float32(path: Path, model: DetoxifyModel) -> None:
    texts = [text(n, n) for n in (3, 30, 200)]
    exact, _ = model.probabilities(texts)
    with DetoxifyModel(Checkpoint(path, of_file(path), path.parent / "base", "bfloat16")) as m:
        rough, _ = m.probabilities(texts)
    np.testing.assert_allclose(rough, exact, rtol=0, atol=0.02)


def test_scores_fill_the_same_columns_as_the_embedded_scorer(path: Path) -> None:
    with Detoxify(options(path, k=[2])) as scorer:
        rows = scorer.score(samples(["good morning", "", text(1200)]))
        assert scorer.score([]) == []
    for row in rows:
        assert not isinstance(row, Failure)
        assert set(row) == set(scorer.columns)
    assert [row["windows"] for row in rows if not isinstance(row, Failure)] == [1, 1, 3]
    assert "prob_any@2" in scorer.metrics


def test_text_in_another_script_is_not_certified(path: Path) -> None:
    with Detoxify(options(path)) as scorer:
        (row,) = scorer.score(samples(["我会杀了你 good"]))
    reason = "too few of its words are in a script it reads"
    assert row == Failure(reason, "unsupported")


def test_a_pickle_must_be_allowed_and_pinned(path: Path) -> None:
    with pytest.raises(ValidationError, match="allow_pickle: true"):
        options(path, allow_pickle=False)
    with pytest.raises(ValidationError):
        options(path, sha256="latest")


def test_other_bytes_than_those_pinned_are_refused(path: Path) -> None:
    scorer = Detoxify(options(path, sha256="0" * 64))
    with pytest.raises(AssetError, match="the checkpoint has sha256"), scorer:
        pass


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = str(canary)

    def __reduce__(self) -> tuple[object, ...]:
        return open, (self.canary, "w")


@pytest.mark.parametrize("old", [False, True])
def test_a_malicious_checkpoint_leaves_no_canary(old: bool, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = write(tmp_path, classes=CLASSES, outputs=6, extra=Evil(canary))
    if old:
        path.write_bytes(pickle.dumps(Evil(canary), 2))
    with pytest.raises(AssetError, match="tensors and plain values"), opened(path):
        pass
    assert not canary.exists()


def test_weights_that_do_not_fit_are_refused_and_not_made_up(tmp_path: Path) -> None:
    path = write(tmp_path, classes=CLASSES, outputs=6)
    held = torch.load(path, weights_only=True)
    del held["state_dict"]["classifier.weight"]
    torch.save(held, path)
    with pytest.raises(AssetError, match=r"classifier\.weight"), opened(path):
        pass


def test_position_ids_of_old_checkpoints_are_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, classes=CLASSES, outputs=6)
    held = torch.load(path, weights_only=True)
    held["state_dict"]["bert.embeddings.position_ids"] = torch.arange(512)[None]
    torch.save(held, path)
    with opened(path) as loaded:
        assert loaded.probabilities(["good"])[0].shape == (1, 6)


@pytest.mark.parametrize("held", [{}, {"config": {}}, [1], {"config": {"arch": 1}}])
def test_another_layout_is_refused(held: object, tmp_path: Path) -> None:
    path = write(tmp_path, classes=CLASSES, outputs=6)
    torch.save(held, path)
    with pytest.raises(AssetError, match="not a Detoxify checkpoint"), opened(path):
        pass


def test_an_architecture_from_a_checkpoint_is_not_looked_up_blindly(tmp_path: Path) -> None:
    path = write(tmp_path, classes=CLASSES, outputs=6)
    held = torch.load(path, weights_only=True)
    held["config"]["arch"]["args"]["model_name"] = "pipeline"
    torch.save(held, path)
    with pytest.raises(AssetError, match="'pipeline' is not read"), opened(path):
        pass


def test_its_identity_follows_the_base_folder_and_loads_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, classes=CLASSES, outputs=6)
    before = Detoxify(options(path)).weights
    assert before["checkpoint"] == of_file(path)
    (tmp_path / "base" / "pytorch_model.bin").write_bytes(b"not used")
    assert Detoxify(options(path)).weights == before
    config = tmp_path / "base" / "config.json"
    config.write_text(config.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert Detoxify(options(path)).weights["base"] != before["base"]


def test_a_missing_base_folder_is_named(path: Path, tmp_path: Path) -> None:
    scorer = Detoxify(options(path, base=str(tmp_path / "none")))
    with pytest.raises(AssetError, match=r"config\.json"):
        _ = scorer.weights
    with pytest.raises(AssetError, match=r"config\.json"), scorer:
        pass


def test_a_broken_base_folder_is_named(path: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with (
        pytest.raises(AssetError, match="cannot be read"),
        Detoxify(options(path, base=str(tmp_path))),
    ):
        pass


def test_scoring_before_opening_is_an_error(path: Path) -> None:
    with pytest.raises(PluginError, match="before it is opened"):
        Detoxify(options(path)).score([])
