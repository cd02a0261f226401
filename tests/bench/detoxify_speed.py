"""Time our reading of a Detoxify checkpoint against `Detoxify.predict`, one text at a time.

Run `python tests/bench/detoxify_speed.py [texts] [float32|bfloat16]`. The model is
of bert-base's size with random weights; text lengths are log-normal with a
median of 24 words, cut at 480, so that both see the whole of each text. Times
are CPU seconds on one thread, which a busy machine disturbs least.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import numpy as np

from harness.digests import of_file
from harness.encoders.detoxify import Checkpoint, DetoxifyModel
from harness.encoders.jigsaw import LABELS

CHUNK = 32


def write(folder: Path, words: Sequence[str]) -> Path:
    """Write a checkpoint in Detoxify's layout."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer.from_pretrained(folder, model_max_length=512).save_pretrained(folder)
    config = BertConfig(vocab_size=len(vocabulary), num_labels=len(LABELS))
    config.save_pretrained(folder)
    torch.manual_seed(1)
    names = {
        "model_type": str(folder),
        "model_name": "BertForSequenceClassification",
        "tokenizer_name": "BertTokenizer",
        "num_classes": len(LABELS),
    }
    held = {
        "config": {"arch": {"args": names}, "dataset": {"args": {"classes": list(LABELS)}}},
        "state_dict": BertForSequenceClassification(config).state_dict(),
    }
    torch.save(held, folder / "bench.ckpt")
    return folder / "bench.ckpt"


def texts(count: int, words: Sequence[str]) -> list[str]:
    """Draw texts of mixed length."""
    rng = np.random.default_rng(11)
    lengths = np.clip(rng.lognormal(np.log(24), 1.0, count), 1, 480).astype(int)
    return [" ".join(rng.choice(words, n)) for n in lengths]


def main(count: int, dtype: Literal["float32", "bfloat16"]) -> None:
    """Print one line of JSON."""
    import torch
    from detoxify import Detoxify

    torch.set_num_threads(1)
    words = [f"word{i}" for i in range(5000)]
    corpus = texts(count, words)
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), words)
        peer = Detoxify(checkpoint=str(path))
        with DetoxifyModel(Checkpoint(path, of_file(path), path.parent, dtype)) as model:
            peer.predict(corpus[0])
            model.probabilities(corpus[:8])
            start = time.process_time()
            ours, _ = model.probabilities(corpus)
            our_seconds = time.process_time() - start
        start = time.process_time()
        rows = [peer.predict(text) for text in corpus]
        peer_seconds = time.process_time() - start
        start = time.process_time()
        for at in range(0, count, CHUNK):
            peer.predict(corpus[at : at + CHUNK])
        chunk_seconds = time.process_time() - start
    theirs = np.array([[row[f] for f in peer.class_names] for row in rows])
    report = {
        "job": "Detoxify's BERT-base, texts of mixed length",
        "texts": count,
        "dtype": dtype,
        "ours_cpu_s": round(our_seconds, 2),
        "predict_each_cpu_s": round(peer_seconds, 2),
        "predict_32_cpu_s": round(chunk_seconds, 2),
        "ratio_each": round(peer_seconds / our_seconds, 2),
        "ratio_32": round(chunk_seconds / our_seconds, 2),
        "largest_difference": float(np.abs(ours - theirs).max()),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    chosen = sys.argv[2] if len(sys.argv) > 2 else "float32"
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 200,
        cast("Literal['float32', 'bfloat16']", chosen),
    )
