"""Which addresses are reached: public ones, and those that the suite lists."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from harness.generators.endpoint_hosts import Allowed, HostError, site

INSIDE = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0",  # noqa: S104
    "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(HostError, match="not a public address"):
        Allowed(["models.example"]).check("models.example", [ip_address(address)])


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_reached_unlisted(address: str) -> None:
    Allowed([]).check("models.example", [ip_address(address)])


def test_one_bad_address_among_good_ones_refuses_the_host() -> None:
    found = [ip_address("8.8.8.8"), ip_address("10.0.0.1")]
    with pytest.raises(HostError, match=r"10\.0\.0\.1"):
        Allowed([]).check("models.example", found)


@pytest.mark.parametrize(
    ("listed", "address"),
    [
        ("10.0.0.0/8", "10.1.2.3"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("localhost", "::1"),
        ("fd00::/8", "fd12::1"),
        ("169.254.169.254", "169.254.169.254"),
    ],
)
def test_what_is_listed_is_reached(listed: str, address: str) -> None:
    Allowed([listed]).check("models.example", [ip_address(address)])


@pytest.mark.parametrize(
    ("listed", "address"),
    [
        ("0.0.0.0/0", "169.254.169.254"),
        ("168.0.0.0/8", "168.63.129.16"),
        ("100.64.0.0/10", "100.100.100.200"),
        ("fd00::/8", "fd00:ec2::254"),
        ("169.254.0.0/16", "169.254.1.1"),
    ],
)
def test_metadata_services_are_reached_only_by_their_own_address(
    listed: str, address: str
) -> None:
    with pytest.raises(HostError):
        Allowed([listed]).check("models.example", [ip_address(address)])


def test_a_listed_name_opens_no_private_address() -> None:
    with pytest.raises(HostError):
        Allowed(["models.example"]).check("models.example", [ip_address("10.0.0.1")])


def test_a_host_is_named_by_its_name_or_its_address() -> None:
    allowed = Allowed(["Models.example", "10.0.0.0/8"])
    assert allowed.named("models.Example")
    assert allowed.named("10.2.3.4")
    assert not allowed.named("11.2.3.4")
    assert not allowed.named("other.example")


def test_an_address_is_taken_apart() -> None:
    found = site("https://Api.example.com:8443/v1/")
    assert (found.scheme, found.host, found.port) == ("https", "api.example.com", 8443)
    assert found.path == "/v1"
    assert site("http://[::1]/v1").authority == "[::1]:80"


@pytest.mark.parametrize(
    "url",
    [
        "", "api.example.com", "ftp://a", "https://", "https://a b", "https://a\\b/",
        "https://user@a", "https://a/?q=1", "https://a/#f", "https://a/\r\nX: y", "https://a:99999",
        "https://%61", "https://ä.example",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        site(url)
