"""Time the search for personal data on 10,000 texts, against Presidio where it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.metrics.pii.detect import find

ENGLISH = (
    "Thank you for writing to us about the order you placed last Tuesday.",
    "We have checked 3 items in the warehouse near Bank Street and all of them arrived.",
    "On 2024-01-31 at 10:45 the courier left parcel 1234567890 with the neighbour.",
    "Version 4.18.0 of the app shows the invoice under Settings; please update it.",
    "If anything is missing, tell us within 30 days and we send it again.",
)
CHINESE = (
    "感谢您的来信，我们已经收到您上周二的订单。",
    "仓库已核对3件商品，全部到货，请您放心。",
    "快递员于2024年1月31日10:45将包裹1234567890交给了您的邻居。",
    "请在设置中查看发票；如果没有显示，请先更新到4.18.0版本。",
    "若有缺件，请在30天内告诉我们，我们会重新寄出。",
)
Planted = tuple[str, str]
SHARE_PLANTED = 0.5
PRESIDIO: Mapping[str, str] = {
    "credit_card": "CREDIT_CARD", "bank_card": "CREDIT_CARD", "iban": "IBAN_CODE",
    "email": "EMAIL_ADDRESS", "ip": "IP_ADDRESS", "us_ssn": "US_SSN", "phone": "PHONE_NUMBER",
}  # fmt: skip


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def with_luhn(body: str) -> str:
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(reversed(body))]
    return body + str(-sum(d // 10 + d % 10 for d in doubled) % 10)


def german_iban(account: str) -> str:
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


def value(rng: random.Random) -> Planted:
    """One valid value and its type; only types that Presidio has too."""
    kind = rng.choice(list(PRESIDIO))
    made: Mapping[str, Callable[[], str]] = {
        "credit_card": lambda: with_luhn("4" + digits(rng, 14)),
        "bank_card": lambda: with_luhn("622202" + digits(rng, 9)),
        "iban": lambda: german_iban(digits(rng, 18)),
        "email": lambda: f"user{digits(rng, 4)}@mail{rng.randrange(99)}.com",
        "ip": lambda: f"81.{rng.randrange(10, 255)}.{rng.randrange(255)}.{rng.randrange(255)}",
        "us_ssn": lambda: (
            f"{rng.randrange(100, 600)}-{rng.randrange(10, 99)}-{digits(rng, 3)}7"
        ),
        "phone": lambda: f"+44 20 7{digits(rng, 3)} {digits(rng, 4)}",
    }
    return kind, made[kind]()


def texts(count: int) -> list[tuple[str, Planted | None]]:
    """English and Chinese by turns; half hold one value, glued to the words in Chinese."""
    rng = random.Random(7)  # noqa: S311 - the same texts every time
    rows: list[tuple[str, Planted | None]] = []
    for i in range(count):
        sentences, joint = ((ENGLISH, " "), (CHINESE, ""))[i % 2]
        words = [rng.choice(sentences) for _ in range(rng.randrange(1, 4))]
        planted = value(rng) if rng.random() < SHARE_PLANTED else None
        if planted:
            words.insert(
                1, f"{'It is' if joint else '号码是'}{joint}{planted[1]}{joint or '，'}"
            )
        rows.append((joint.join(words), planted))
    return rows


def hits(rows: Iterable[tuple[str, Planted | None]], search: Any) -> tuple[int, int, int]:
    """Planted values found at their place, planted in all, and findings elsewhere."""
    true = planted_count = false = 0
    for text, planted in rows:
        start = text.index(planted[1]) if planted else -1
        place = {(start, start + len(planted[1]))} if planted else set()
        found = {(f.start, f.end) for f in search(text)}
        true += len(found & place)
        planted_count += len(place)
        false += len(found - place)
    return true, planted_count, false


def presidio() -> tuple[Callable[[str], Any] | None, str]:
    """Presidio's own pattern recognisers of the same types, without a language model."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        return None, "presidio-analyzer is not installed"
    known: Any = importlib.import_module("presidio_analyzer.predefined_recognizers")

    made = [
        known.CreditCardRecognizer(), known.IbanRecognizer(), known.EmailRecognizer(),
        known.IpRecognizer(), known.UsSsnRecognizer(), known.PhoneRecognizer(),
    ]  # fmt: skip

    def search(text: str) -> list[Any]:
        return [
            hit for r in made for hit in (r.analyze(text, r.supported_entities, None) or [])
        ]

    return search, ""


def measured(rows: list[tuple[str, Planted | None]], search: Any, turns: int) -> dict[str, Any]:
    """Fewest seconds of some turns, and what was found."""
    spent = []
    for _ in range(turns):
        start = time.perf_counter()
        for text, _planted in rows:
            search(text)
        spent.append(time.perf_counter() - start)
    true, planted, false = hits(rows, search)
    return {"seconds": min(spent), "found": true, "planted": planted, "elsewhere": false}


def main() -> None:
    """Print one line of JSON."""
    rows = texts(10_000)
    search, reason = presidio()
    ours = measured(rows, find, 3)
    characters = sum(len(text) for text, _ in rows)
    line = {
        "bench": "pii_10k_texts",
        "characters": characters,
        "ours": ours,
        "characters_per_second": round(characters / ours["seconds"]),
        "peer": measured(rows, search, 1) if search else None,
        "peer_missing": reason,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
