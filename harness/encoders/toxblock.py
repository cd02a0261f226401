"""ToxBlock 0.1.2, a small English toxicity classifier, rebuilt in torch.

A word embedding, a bidirectional LSTM, a maximum over time and two dense
layers, trained by P. Bliem on the Jigsaw Toxic Comment data (2018). The
package needs TensorFlow and unpickles its vocabulary; this needs neither.

Text goes in as the package's own predictor takes it: lowercased, split by the
Keras tokenizer, words outside the vocabulary dropped, padded on the left with
id 0. That predictor removes no links, addresses or stop words, and to remove
`http://...` to the end of its line would hide what follows a link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from harness.encoders.function_words import FOREIGN
from harness.encoders.inert_pickle import read_inert
from harness.encoders.jigsaw import LABELS
from harness.encoders.script import least_share, script_share, sentences, words
from harness.errors import AssetError, PluginError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

WIDTH = 100
STRIDE = 50

_VOCABULARY = 20_000
_BATCH = 256
_FILTERED = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))
_GAP, _CODE = re.compile("[ \t\n]+"), re.compile(r"@|://|\d")
_SCRIPTS = ("LATIN",)
# tox_block/config/config.py, RESCALE_PROBA: least and greatest probability seen per label.
_LEAST = (0.002116, 0.000011, 0.000347, 0.000040, 0.000373, 0.000074)
_GREATEST = (0.999858, 0.648682, 0.997533, 0.918887, 0.986303, 0.901117)
_SIDES = ("forward", "backward")
_LSTM = [
    f"bidirectional/bidirectional/{{}}_lstm/{n}" for n in ("kernel", "bias", "recurrent_kernel")
]
_DENSE = ("dense", "dense_1")


class ToxBlock:
    """Probabilities of the six Jigsaw labels, by the weights in a folder.

    Args:
        folder: Holds `lstm_model_0.1.2.h5` and `encoder_0.1.2.pkl`. Opened
            by `with`, not by constructing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: tuple[dict[str, int], _Network] | None = None

    def __enter__(self) -> Self:
        vocabulary = _vocabulary(self._folder / "encoder_0.1.2.pkl")
        self._open = vocabulary, _Network(self._folder / "lstm_model_0.1.2.h5")
        return self

    def __exit__(self, *exc: object) -> None:
        self._open = None

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Read texts.

        A text of at most 100 known words has exactly the model's own score.
        A longer one is read in windows of 100 every 50 words, the last one
        ending with the text, and has the greatest score per label.

        Returns:
            float64 [N, 6] in [0, 1], columns in the order of `LABELS`, min-max
            rescaled per label as the package does, then clipped to [0, 1].

        Raises:
            PluginError: Used outside `with`.
        """
        import numpy as np

        vocabulary, network = self._opened()
        cut = [windows(_ids(text, vocabulary)) for text in texts]
        distinct = {window: i for i, window in enumerate({w: 0 for ws in cut for w in ws})}
        scores = _rescaled(network(list(distinct)))
        rows = [scores[[distinct[w] for w in ws]].max(axis=0) for ws in cut]
        return np.array(rows, np.float64).reshape(len(texts), len(LABELS))

    def windows(self, texts: Sequence[str]) -> list[int]:
        """Count the windows each text is read in; one where it fits.

        Raises:
            PluginError: Used outside `with`.
        """
        vocabulary, _ = self._opened()
        return [len(windows(_ids(text, vocabulary))) for text in texts]

    def known_share(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Share of each text's words that the model knows, where it is least.

        That is in its least known sentence or stretch of eight words; 0 where a
        word is in another script than Latin. Known is what is in the vocabulary
        of 20,000 and no common word of another language. Words without a letter
        are not counted, and an address or a code is one. No words give 1.

        Returns:
            float64 [N] in [0, 1].

        Raises:
            PluginError: Used outside `with`.
        """
        import numpy as np

        vocabulary, _ = self._opened()
        return np.array([_known_share(text, vocabulary) for text in texts], np.float64)

    def _opened(self) -> tuple[dict[str, int], _Network]:
        if self._open is None:
            raise PluginError("ToxBlock is used before it is opened", fix="open it by `with`")
        return self._open


def windows(ids: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Cut word ids into windows of 100, one every 50, the last ending with the text.

    >>> [(w[0], w[-1]) for w in windows(tuple(range(160)))]
    [(0, 99), (50, 149), (60, 159)]
    """
    last = len(ids) - WIDTH
    if last <= 0:
        return [ids]
    return [ids[start : start + WIDTH] for start in (*range(0, last, STRIDE), last)]


class _Network:
    """The layers. The embedding is folded into the LSTM's input weights once, at load."""

    def __init__(self, path: Path) -> None:
        import torch

        (embedding,) = _weights(path, ["embedding/embedding/embeddings"])
        sides = [_weights(path, [name.format(side) for name in _LSTM]) for side in _SIDES]
        self._inputs = [embedding @ kernel + bias for kernel, bias, _ in sides]
        self._recurrent = torch.stack([recurrent for _, _, recurrent in sides])
        self._dense = [_weights(path, [f"{d}/{d}/kernel", f"{d}/{d}/bias"]) for d in _DENSE]

    def __call__(self, rows: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
        """Run windows of ids; float64 [M, 6], before rescaling."""
        import numpy as np
        import torch

        ids = np.zeros((len(rows), WIDTH), np.int64)
        for line, row in zip(ids, rows, strict=True):
            line[WIDTH - len(row) :] = row
        if not rows:
            return np.zeros((0, len(LABELS)))
        with torch.inference_mode():
            parts = [self._run(part) for part in torch.split(torch.from_numpy(ids), _BATCH)]
            scores: NDArray[np.float64] = torch.cat(parts).double().numpy()
        return scores

    def _run(self, ids: torch.Tensor) -> torch.Tensor:
        import torch

        steps = torch.stack([self._inputs[0][ids.T], self._inputs[1][ids.T.flip(0)]], dim=1)
        pooled = _lstm_maximum(steps, self._recurrent)
        joined = torch.cat([pooled[0], pooled[1]], dim=-1)
        (first, first_bias), (second, second_bias) = self._dense
        hidden = torch.relu(joined @ first + first_bias)
        return torch.sigmoid(hidden @ second + second_bias)


def _lstm_maximum(steps: torch.Tensor, recurrent: torch.Tensor) -> torch.Tensor:
    """Run both directions of the LSTM at once; the greatest state over time.

    Args:
        steps: float32 [T, 2, B, 4 H], the inputs' part of the gates, in each
            direction's own order; gates lie as Keras has them: i, f, g, o.
        recurrent: float32 [2, H, 4 H].

    Returns:
        float32 [2, B, H].
    """
    import torch

    units = recurrent.shape[1]
    state = steps.new_zeros(*steps.shape[1:3], units)
    memory, greatest = state, torch.full_like(state, -torch.inf)
    for step in steps:
        gates = torch.baddbmm(step, state, recurrent)
        # Keras's hard sigmoid: clip(0.2 x + 0.5, 0, 1).
        enter, keep, _, leave = (gates * 0.2 + 0.5).clamp_(0, 1).chunk(4, dim=-1)
        memory = keep * memory + enter * torch.tanh(gates[..., 2 * units : 3 * units])
        state = leave * torch.tanh(memory)
        greatest = torch.maximum(greatest, state)
    return greatest


def _rescaled(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    least, greatest = np.array(_LEAST), np.array(_GREATEST)
    scores: NDArray[np.float64] = np.minimum(np.abs((raw - least) / (greatest - least)), 1.0)
    return scores


def _tokens(text: str) -> list[str]:
    return [token for token in text.lower().translate(_FILTERED).split(" ") if token]


def _known_share(text: str, vocabulary: Mapping[str, int]) -> float:
    known = [
        [word in vocabulary and word not in FOREIGN for word in _words(sentence)]
        for sentence in sentences(text)
    ]
    return min(least_share(known), script_share(text, _SCRIPTS))


def _words(sentence: str) -> list[str]:
    """The words of a sentence; what holds an `@`, a `://` or a digit is one, not several."""
    found: list[str] = []
    for piece in _GAP.split(sentence):
        parts = words(_tokens(piece))
        found += parts[:1] if _CODE.search(piece) else parts
    return found


def _ids(text: str, vocabulary: dict[str, int]) -> tuple[int, ...]:
    return tuple(vocabulary[token] for token in _tokens(text) if token in vocabulary)


def _vocabulary(path: Path) -> dict[str, int]:
    tokenizer = getattr(read_inert(path), "tokenizer", None)
    index = getattr(tokenizer, "word_index", None)
    if not isinstance(index, dict):
        raise AssetError("the pickle holds no Keras tokenizer", where=str(path))
    pairs = {word: i for word, i in index.items() if isinstance(word, str)}
    return {word: i for word, i in pairs.items() if isinstance(i, int) and 0 < i < _VOCABULARY}


def _weights(path: Path, names: Sequence[str]) -> list[torch.Tensor]:
    import h5py
    import torch

    try:
        with h5py.File(path, "r") as file:
            return [torch.from_numpy(file[f"model_weights/{name}:0"][()]) for name in names]
    except (OSError, KeyError) as error:
        raise AssetError(f"not ToxBlock's Keras model: {error}", where=str(path)) from error
