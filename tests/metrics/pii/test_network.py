from __future__ import annotations

import pytest

from harness.metrics.pii.detect import find


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("info@presidio.site", "info@presidio.site"),
        ("my email is info@presidio.site.", "info@presidio.site"),
        ("联系foo.bar+x@mail.example.com谢谢", "foo.bar+x@mail.example.com"),
        ("mailto:a@b.co?subject=x", "a@b.co"),
        ("..foo@bar.com", "foo@bar.com"),
        ("josé@correo.com.py", "josé@correo.com.py"),
    ],
)
def test_an_email_address_is_found(text: str, value: str) -> None:
    (span,) = find(text)

    assert (span.type, text[span.start : span.end]) == ("email", value)


@pytest.mark.parametrize("text", ["info@presidio.", "icon@2x.png", "git@github.com:a/b", "a@b"])
def test_a_file_a_remote_and_half_an_address_are_no_email(text: str) -> None:
    assert find(text) == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("from 81.2.69.142:8080", "81.2.69.142"),
        ("http://81.2.69.142/a", "81.2.69.142"),
        ("ip=8.8.4.40.", "8.8.4.40"),
        ("地址81.2.69.142。", "81.2.69.142"),
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2400:c401::5054:ff:fe1b:b031]:80", "2400:c401::5054:ff:fe1b:b031"),
        ("2345:0425:2CA1:0000:0000:0567:5673:23b5", "2345:0425:2CA1:0000:0000:0567:5673:23b5"),
        ("2001:db8::192.168.1.1", "2001:db8::192.168.1.1"),
    ],
)
def test_a_public_address_is_found(text: str, value: str) -> None:
    (span,) = find(text)

    assert (span.type, text[span.start : span.end]) == ("ip", value)


@pytest.mark.parametrize(
    "text",
    [
        "192.168.0.1",
        "10.0.0.8",
        "127.0.0.1",
        "224.0.0.251",
        "fe80::1",
        "::1",
        "2001::db8::1",
        "1.2.3.4",
        "v81.2.69.142",
        "version: 81.2.69.142",
        "版本81.2.69.142",
        "81.2.69.142.7",
        "81.02.69.142",
        "81.2.69.256",
        "text81.2.69.142",
        "12:34:56",
        "fe80::1text",
    ],
)
def test_private_addresses_and_versions_are_not_found(text: str) -> None:
    assert find(text) == ()
