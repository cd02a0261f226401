from __future__ import annotations

import pytest

from harness.metrics.pii.accounts import LENGTHS
from harness.metrics.pii.detect import find

# From Presidio's own test table, one row a shape.
PRESIDIO = (
    "AL47 2121 1009 0000 0002 3569 8741", "AT611904300234573201", "BE71 0961 2345 6769",
    "AZ21NABZ00000000137010001944", "BR97 0036 0305 0000 1000 9795 493P 1", "NO9386011117947",
    "DE89370400440532013000", "FR14 2004 1010 0505 0001 3M02 606",
    "GB29 NWBK 6016 1331 9268 19", "MT84MALT011000012345MTLCAST001S",
    "MU17 BOMM 0101 1010 3030 0200 000M UR",
    "QA58DOHB00001234567890ABCDEFG", "LI21 0881 0000 2324 013A A", "XK051212012345678906",
)  # fmt: skip


@pytest.mark.parametrize("number", PRESIDIO)
def test_numbers_of_presidios_table_are_found(number: str) -> None:
    assert [(s.type, s.start, s.end) for s in find(number)] == [("iban", 0, len(number))]


@pytest.mark.parametrize(
    "number",
    [
        "AL47 2121 1009 0000 0002 3569 8740",
        "AT61 1904 3002 3457 320",
        "GI75 aWBK 0000 0000 7099 453",
        "GB29 1WBK 6016 1331 9268 19",
        "ZZ29NWBK60161331926819",
        "DE89370400440532013000X",
    ],
)
def test_numbers_presidio_refuses_are_refused(number: str) -> None:
    assert find(number) == ()


def test_capitals_after_an_account_are_not_part_of_it() -> None:
    assert [(s.start, s.end) for s in find("GB29 NWBK 6016 1331 9268 19 BANK")] == [(0, 27)]


def test_every_country_has_one_length_that_the_pattern_reaches() -> None:
    assert len(LENGTHS) == 89
    assert all(15 <= length <= 33 for length in LENGTHS.values())
