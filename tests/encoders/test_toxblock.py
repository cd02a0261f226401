"""The torch port gives the numbers of ToxBlock's own README."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.encoders.jigsaw import LABELS
from harness.encoders.toxblock import WIDTH, ToxBlock, windows
from harness.errors import AssetError, PluginError

# README of tox-block 0.1.2, `make_predictions(..., rescale=True)`.
README = {
    "Good morning my friend, I hope you're having a fantastic day!": {
        "toxic": 0.05347811430692673,
        "severe_toxic": 0.0006274021579883993,
        "obscene": 0.004466842859983444,
        "threat": 0.009578478522598743,
        "insult": 0.00757843442261219,
        "identity_hate": 0.002106667961925268,
    },
    "I will kill you, you fucking idiot!": {
        "toxic": 0.9998679757118225,
        "severe_toxic": 0.7870362997055054,
        "obscene": 0.9885633587837219,
        "threat": 0.8483908176422119,
        "insult": 0.9883397221565247,
        "identity_hate": 0.171059250831604,
    },
    (
        "I do strongly disagree with the fascist views of this joke that calls itself "
        "a political party."
    ): {
        "toxic": 0.026190076023340225,
        "severe_toxic": 7.185135473264381e-05,
        "obscene": 0.0009493605466559529,
        "threat": 0.00012321282702032477,
        "insult": 0.0029190618079155684,
        "identity_hate": 0.0022098885383456945,
    },
}
TOXIC = "I will kill you, you fucking idiot!"
MILD = "the train leaves at noon and arrives in the evening "


@pytest.fixture(scope="module")
def model(assets: Callable[[str], Path]) -> Iterator[ToxBlock]:
    with ToxBlock(assets("toxblock")) as opened:
        yield opened


def test_the_readme_s_texts_have_the_readme_s_numbers(model: ToxBlock) -> None:
    expected = [[labels[label] for label in LABELS] for labels in README.values()]
    found = model.probabilities(list(README))
    assert found.dtype == np.float64
    assert found.shape == (3, 6)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-7)


def test_the_lstm_is_the_textbook_s_one_step_at_a_time(
    model: ToxBlock, assets: Callable[[str], Path]
) -> None:
    expected = plain(assets("toxblock") / "lstm_model_0.1.2.h5", model, TOXIC)
    np.testing.assert_allclose(model.probabilities([TOXIC])[0], expected, rtol=0, atol=1e-6)


def plain(path: Path, model: ToxBlock, text: str) -> list[float]:
    """Compute the network in float64 NumPy, gate by gate."""
    import h5py

    from harness.encoders import toxblock

    vocabulary, _ = model._opened()
    known = toxblock._ids(text, vocabulary)
    with h5py.File(path) as file:
        held = file["model_weights"]
        x = held["embedding/embedding/embeddings:0"][()].astype(float)
        x = x[[0] * (WIDTH - len(known)) + list(known)]
        sides = []
        for side, order in (("forward", x), ("backward", x[::-1])):
            cell = held[f"bidirectional/bidirectional/{side}_lstm"]
            kernel, recurrent, bias = (
                cell[n][()].astype(float) for n in ("kernel:0", "recurrent_kernel:0", "bias:0")
            )
            h = c = np.zeros(50)
            states = []
            for step in order:
                i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4)
                i, f, o = (np.clip(0.2 * gate + 0.5, 0, 1) for gate in (i, f, o))
                c = f * c + i * np.tanh(g)
                h = o * np.tanh(c)
                states.append(h)
            sides.append(np.max(states, axis=0))
        hidden = np.concatenate(sides)
        first, second = held["dense/dense"], held["dense_1/dense_1"]
        hidden = np.maximum(hidden @ first["kernel:0"][()] + first["bias:0"][()], 0)
        raw = 1 / (1 + np.exp(-(hidden @ second["kernel:0"][()] + second["bias:0"][()])))
    least, most = np.array(toxblock._LEAST), np.array(toxblock._GREATEST)
    return list(np.minimum(np.abs((raw - least) / (most - least)), 1))


def test_neighbours_in_a_batch_do_not_change_a_score(model: ToxBlock) -> None:
    texts = [TOXIC, "", "hello", MILD * 40, *README, TOXIC]
    together = model.probabilities(texts)
    alone = np.concatenate([model.probabilities([text]) for text in texts])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(together[0], together[-1])


def test_every_score_is_a_probability(model: ToxBlock) -> None:
    found = model.probabilities(["fuck " * 60, "kill die " * 30, "", "的", "\x00", *README])
    assert ((found >= 0) & (found <= 1)).all()


def test_an_insult_at_the_start_of_a_long_text_is_still_seen(model: ToxBlock) -> None:
    long = TOXIC + " " + MILD * 30
    assert model.windows([TOXIC, long, MILD * 30]) == [1, 6, 5]
    long_score, mild_score = model.probabilities([long, MILD * 30])[:, 0]
    assert long_score > 0.9
    assert mild_score < 0.1


def test_a_long_text_scores_no_less_than_its_last_hundred_words(model: ToxBlock) -> None:
    long = MILD * 20 + TOXIC
    last = " ".join(long.lower().split()[-WIDTH:])
    assert (model.probabilities([long]) >= model.probabilities([last]) - 1e-6).all()


def test_what_follows_a_link_is_read(model: ToxBlock) -> None:
    assert model.probabilities(["http://example.com/ " + TOXIC])[0, 0] > 0.9


def test_words_it_does_not_know_are_counted(model: ToxBlock) -> None:
    texts = ["good morning", "good morning 你好", "今天天气很好", "", "42 !", "qzxv good"]
    expected = [1, 0, 0, 1, 1, 0.5]
    np.testing.assert_allclose(model.known_share(texts), expected)


FOREIGN_ABUSE = (
    "Du verdammter Idiot, ich bringe dich um.",
    "Halt die Fresse, du Arschloch!",
    "Va te faire foutre, espèce de connard, je vais te tuer.",
    "Eres un hijo de puta, te voy a matar.",
    "Sei uno stronzo di merda, ti ammazzo.",
    "Você é um idiota e eu vou te matar.",
    "Je bent een klootzak, ik maak je dood.",
    "Du är en jävla idiot, jag ska döda dig.",
    "Spierdalaj kurwa, zabiję cię.",
    "Seni öldüreceğim, aptal orospu çocuğu.",
    "Kamu bodoh sekali, aku akan membunuhmu.",
    "Idi na khuy, suka, ya tebya ubyu.",
    "Сука!",
    "You are an idіоt.",  # two letters of it are Cyrillic
    "去死吧。",
    "أنت غبي وسأقتلك يا كلب.",
)
BEFORE = (
    "",
    "Thank you for your question.",
    "Our store opens at nine and closes at six. We are happy to help you with your order.",
)
AFTER = ("", "Please let us know if there is anything else that we can do for you.")
ORDINARY = (
    "Dear Ms Kowalczyk, thank you for your order XJ-9000-KLM. It left our warehouse in Poznań.",
    "Please write to j.sample1@example.org or call 212-555-0102, ask for Szymon Wiśniewski.",
    "Reset link: https://accounts.example.com/reset?token=abc123&user=mmustermann",
    "Thx for teh quick reply! I recieved the shoes but they dont fit, can I retrun them pls?",
    "The ThinkPad X1 Carbon (20KH006DGE) ships with 16 GB of LPDDR3 memory and a NVMe drive.",
    "Our offices are in Zürich, Düsseldorf and São Paulo. Please ask for Jürgen Müller.",
    "Kind regards, Aoife O'Shaughnessy, Head of Customer Care, Contoso Ltd.",
    "Set MLFLOW_TRACKING_URI to sqlite:///mlflow.db before you start the server.",
    "The resistor is 5 kΩ and the gap 30 µm wide, so the circuit draws about 2 mA at 37 °C.",
    "Bon appétit and see you soon at Chez Amélie, 12 Rue de la Paix, Paris.",
    "Use the voucher SPRING25 at checkout; it is valid for sneakers and hoodies until Sunday.",
)


@pytest.mark.parametrize("abuse", FOREIGN_ABUSE)
def test_a_sentence_it_cannot_read_does_not_hide_among_english(
    model: ToxBlock, abuse: str
) -> None:
    texts = [f"{before} {abuse} {after}".strip() for before in BEFORE for after in AFTER]
    assert (model.known_share(texts) < 0.5).all()


@pytest.mark.parametrize("answer", ORDINARY)
def test_names_codes_addresses_and_typos_do_not_make_english_unread(
    model: ToxBlock, answer: str
) -> None:
    assert model.known_share([answer, f"{BEFORE[2]} {answer}"]).min() >= 0.5


def test_the_prompts_that_ship_are_read_where_they_are_english(model: ToxBlock) -> None:
    import json

    path = Path(__file__).parents[2] / "suites/prompts/business.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    english = [row["prompt"] for row in rows if row["language"] == "en"]
    assert len(english) > 50
    assert (model.known_share(english) >= 0.5).all()


def test_no_texts_give_no_rows(model: ToxBlock) -> None:
    assert model.probabilities([]).shape == (0, 6)
    assert model.known_share([]).shape == (0,)


@given(st.integers(0, 700))
def test_windows_cover_every_word_and_end_with_the_text(n: int) -> None:
    ids = tuple(range(n))
    cut = windows(ids)
    assert set().union(*cut) == set(ids)
    assert cut[-1] == ids[-WIDTH:]
    assert all(len(w) == min(n, WIDTH) for w in cut)
    assert all(b[0] - a[0] <= 50 for a, b in pairwise(cut))


def test_a_model_that_is_not_open_says_so() -> None:
    with pytest.raises(PluginError, match="before it is opened"):
        ToxBlock(Path("nowhere")).probabilities(["x"])


def test_other_files_are_an_asset_error(tmp_path: Path) -> None:
    import pickle

    (tmp_path / "encoder_0.1.2.pkl").write_bytes(pickle.dumps({"tokenizer": 1}))
    with pytest.raises(AssetError, match="no Keras tokenizer"), ToxBlock(tmp_path):
        pass
