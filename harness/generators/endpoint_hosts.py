"""Where an endpoint may be: its address in the suite, and which IP addresses are reached.

The host of `base_url` is the only one that is ever asked: no redirect is followed and no
URL in an answer is fetched. What its name resolves to must be public, or listed in `hosts`
as an address or a network. A name alone opens no private address, since whoever controls
the name's DNS could then point it at one; only `localhost` stands for this machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

IP = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_NAT64 = ip_network("64:ff9b::/96")
# Services that hand a machine's credentials to whoever asks from it. Some lie in ranges
# that a suite may open as a whole for other reasons; one is a public address.
_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16",
        "192.0.0.192", "fd00:ec2::254",
    )
)  # fmt: skip


class HostError(Exception):
    """A host, or what its name resolves to, that may not be reached."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where an endpoint is, taken apart once, so that all who read it read the same."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the `Host` header says."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def site(url: str) -> Site:
    """Take `base_url` apart.

    Raises:
        ValueError: It is no plain http(s) address, or holds a password or a query.
    """
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not (_NAME.fullmatch(host) or _is_ip(host)):
        raise ValueError("it is no address such as https://api.example.com/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it holds a user's name or password: use `api_key` or `headers`")
    if parts.query or parts.fragment or not re.fullmatch(r"[!-~]*", parts.path):
        raise ValueError("it holds a query, a fragment, or what no path can hold")
    return Site(parts.scheme, host.rstrip("."), port, parts.path.rstrip("/"))


class Allowed:
    """What may be reached beside public addresses: the suite's `hosts`."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._names: set[str] = set()
        self._networks: list[Network] = []
        for item in hosts:
            network = _network(item)
            if network is not None:
                self._networks.append(network)
            elif _NAME.fullmatch(item):
                self._names.add(item.lower())
            else:
                raise ValueError(f"{item!r} is no host name, address or network")
        if "localhost" in self._names:
            self._networks += _LOOPBACK

    def named(self, host: str) -> bool:
        """Whether a host is listed, by its name or as the address that it is."""
        if host.lower() in self._names:
            return True
        return _is_ip(host) and self._listed(_inner(ip_address(host)))

    def check(self, host: str, addresses: Iterable[IP]) -> None:
        """Refuse a host if any address of it may not be reached.

        Raises:
            HostError: So it is: one bad address among good ones is how rebinding begins.
        """
        for address in addresses:
            if not self._may_reach(_inner(address)):
                raise HostError(
                    f"{host} is at {address}, which is not a public address: list the address "
                    "or its network in `hosts` if it is meant"
                )

    def _may_reach(self, address: IP) -> bool:
        if any(network == ip_network(address) for network in self._networks):
            return True
        never = (
            address.is_link_local, address.is_multicast, address.is_unspecified,
            address in _METADATA,
        )  # fmt: skip
        if any(never):
            return False
        public = address.is_global and not address.is_reserved
        return public or self._listed(address)

    def _listed(self, address: IP) -> bool:
        return any(address in network for network in self._networks)


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def _is_ip(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _inner(address: IP) -> IP:
    """The IPv4 address that an IPv6 one carries, which is where packets end up."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
