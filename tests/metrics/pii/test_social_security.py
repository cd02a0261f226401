from __future__ import annotations

import pytest

from harness.metrics.pii.detect import find


@pytest.mark.parametrize(
    "text",
    [
        "078-05-1123",
        "078.05.1123",
        "SSN 078 05 1123",
        "ssn: 078051123",
        "社会安全号码078051123",
    ],
)
def test_numbers_of_presidios_table_are_found(text: str) -> None:
    assert [s.type for s in find(text)] == ["us_ssn"]


@pytest.mark.parametrize(
    "text",
    [
        "078051120",
        "078-05-1120",
        "000000000",
        "666000000",
        "078-05-0000",
        "078 00 1123",
        "693-09.4444",
        "900-05-1123",
        "0780511201",
        "1-078-05-1123",
        "078-05-1123-4",
    ],
)
def test_numbers_never_issued_are_refused(text: str) -> None:
    assert find(text) == ()
    assert find(f"SSN {text}") == ()


def test_nine_digits_without_the_name_of_the_number_are_nothing() -> None:
    assert find("078051123 078 05 1123") == ()
