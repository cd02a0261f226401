"""Valid values of each type, drawn by Hypothesis, with check digits worked out here anew."""

from __future__ import annotations

import string
from datetime import date

from hypothesis import strategies as st

ALNUM = string.ascii_letters + string.digits
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


def with_luhn(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def with_resident_check(body: str) -> str:
    total = sum(w * int(d) for w, d in zip(RESIDENT_WEIGHTS, body, strict=True))
    return body + "10X98765432"[total % 11]


def with_credit_check(body: str) -> str:
    total = sum(w * CREDIT.index(c) for w, c in zip(CREDIT_WEIGHTS, body, strict=True))
    return body + CREDIT[(31 - total % 31) % 31]


def with_iban_check(country: str, account: str) -> str:
    number = "".join(str(int(c, 36)) for c in f"{account}{country}00")
    return f"{country}{98 - int(number) % 97:02d}{account}"


def grouped(number: str) -> st.SearchStrategy[str]:
    parts = [number[i : i + 4] for i in range(0, len(number), 4)]
    return st.sampled_from(["", " ", "-"]).map(lambda mark: mark.join(parts))


visa = digits(14).map(lambda d: with_luhn("4" + d)).flatmap(grouped)
unionpay = digits(13).map(lambda d: with_luhn("62" + d)).flatmap(grouped)
german_iban = digits(18).map(lambda d: with_iban_check("DE", d)).flatmap(grouped)
resident_ids = st.builds(
    lambda region, born, serial: with_resident_check(f"{region}{born:%Y%m%d}{serial}"),
    st.sampled_from(["110101", "310104", "440308", "650102", "360426"]),
    st.dates(date(1900, 1, 1), date(2024, 12, 31)),
    digits(3),
)
credit_codes = st.builds(
    lambda head, rest: with_credit_check(head + rest),
    st.sampled_from(["91110000", "92440300", "12510107", "N2330102"]),
    st.text(CREDIT, min_size=9, max_size=9),
)
mobiles = st.builds(
    lambda lead, second, rest: f"{lead}1{second}{rest}",
    st.sampled_from(["", "+86", "+86 ", "0086", "86-"]),
    st.sampled_from("3456789"),
    digits(9),
)
emails = st.builds(
    lambda local, host: f"{local}@{host}.org",
    st.from_regex(r"[a-z][a-z0-9]{0,12}(?:\.[a-z0-9]{1,9})?", fullmatch=True).filter(
        lambda local: local != "git"
    ),
    st.from_regex("[a-z][a-z0-9]{0,12}", fullmatch=True),
)
tokens = st.text(ALNUM, min_size=36, max_size=36).map(lambda body: f"ghp_{body}")
security_numbers = st.builds(
    lambda area, group, serial: f"{area:03d}-{group:02d}-{serial:04d}",
    st.integers(1, 665),
    st.integers(1, 99),
    st.integers(1, 9999),
).filter(lambda number: number not in {"078-05-1120", "123-45-6789"})
uk_phones = digits(10).map(lambda d: f"+44 {d[:2]} {d[2:6]} {d[6:]}")
PLANTED: dict[str, st.SearchStrategy[str]] = {
    "credit_card": visa,
    "bank_card": unionpay,
    "iban": german_iban,
    "cn_resident_id": resident_ids,
    "cn_credit_code": credit_codes,
    "cn_mobile": mobiles,
    "email": emails,
    "api_key": tokens.filter(lambda key: "xxxxxxxx" not in key.lower()),
    "us_ssn": security_numbers,
    "phone": uk_phones,
}
