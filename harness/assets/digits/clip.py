"""`digits-clip`: two towers that put a picture of a digit and its caption in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.assets.digits.augment import shaken
from harness.assets.digits.features import normalised, processor
from harness.assets.digits.pictures import SIDE, TEMPLATES, WORDS, Digits, batches
from harness.assets.digits.tokens import LONGEST, tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

STEPS = 1_000
_BATCH = 128
_LEARNING_RATE = 1e-3


def train(digits: Digits, seed: int, tell: Callable[[int, int], None]) -> Any:
    """Train both towers: contrastive loss where all pictures of a digit are right.

    Args:
        digits: What to learn from.
        seed: Of the first weights, the order, the captions and the shaking.
        tell: Called with the steps done and their number.
    """
    import torch

    torch.manual_seed(seed)
    net = _towers()
    pictures, labels = torch.from_numpy(digits.pictures), torch.from_numpy(digits.labels)
    tokens = _all_captions()
    optimiser = torch.optim.AdamW(net.parameters(), lr=_LEARNING_RATE, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, STEPS)
    random = torch.Generator().manual_seed(seed)
    net.train()
    for step, rows in enumerate(batches(len(labels), _BATCH, STEPS, seed)):
        which = torch.randint(tokens.shape[1], (_BATCH,), generator=random)
        found = net(
            input_ids=tokens[labels[rows], which],
            pixel_values=normalised(shaken(pictures[rows], random)),
        )
        loss = _contrast(found.logits_per_image, labels[rows])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        tell(step + 1, STEPS)
    return net.eval()


def quality(net: Any, held: Digits) -> dict[str, float]:
    """Measure how often the right one of ten captions is nearest, and the mean CLIP scores."""
    import torch

    texts = [TEMPLATES[0].format(word) for word in WORDS]
    with torch.inference_mode():
        found = net(
            input_ids=_ids(texts),
            pixel_values=normalised(torch.from_numpy(held.pictures).float()),
        )
        cosines = found.logits_per_image / net.logit_scale.exp()
    right = torch.from_numpy(held.labels)
    own = cosines.gather(1, right[:, None])
    return {
        "heldout_retrieval_accuracy": float((cosines.argmax(1) == right).double().mean()),
        "heldout_clip_score_right": float(100.0 * own.clamp(min=0.0).mean()),
        "heldout_clip_score_any": float(100.0 * cosines.clamp(min=0.0).mean()),
    }


def save(net: Any, folder: Path) -> None:
    """Write both towers, the tokenizer and how a picture is prepared."""
    net.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    processor().save_pretrained(folder)


def _towers() -> Any:
    from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig

    words = tokenizer()
    ends = {
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=LONGEST, **ends,
    )  # fmt: skip
    vision = CLIPVisionConfig(
        hidden_size=96, intermediate_size=192, num_hidden_layers=4, num_attention_heads=4,
        image_size=SIDE, patch_size=4,
    )  # fmt: skip
    return CLIPModel(
        CLIPConfig(
            text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=64
        )
    )


def _all_captions() -> torch.Tensor:
    """Tokens of every caption of every digit: int64 [10, captions, LONGEST]."""
    import torch

    return torch.stack(
        [
            _ids([text.format(name) for text in TEMPLATES for name in (word, str(digit))])
            for digit, word in enumerate(WORDS)
        ]
    )


def _ids(texts: list[str]) -> torch.Tensor:
    found = tokenizer()(texts, padding="max_length", truncation=True, return_tensors="pt")
    ids: torch.Tensor = found["input_ids"]
    return ids


def _contrast(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy both ways against every pair of one digit (Khosla et al. 2020, eq. 2)."""
    import torch

    same = (labels[:, None] == labels[None, :]).float()
    wanted = same / same.sum(dim=1, keepdim=True)
    entropy = torch.nn.functional.cross_entropy
    return 0.5 * (entropy(logits, wanted) + entropy(logits.T, wanted))
