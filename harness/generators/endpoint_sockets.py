"""Connections that go where the check looked: resolved once, checked, and no other peer."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import anyio
import httpcore2

from harness.generators.endpoint_hosts import IP, Allowed, HostError

Lookup = Callable[[str, int], Awaitable[Sequence[IP]]]


async def resolve(host: str, port: int) -> Sequence[IP]:
    """Every address of a host, as this machine's resolver gives them."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(one[4][0])) for one in found]


class UnreachableError(httpcore2.ConnectError):
    """No connection was made. Its words quote nothing that would have been sent."""


class Guarded(httpcore2.AsyncNetworkBackend):
    """Opens connections to one host only, at addresses that have been checked.

    The connection is made to the address, not to the name, so a second answer of the
    resolver cannot lead elsewhere; TLS still proves the name. No proxy is read from the
    environment: it would choose the peer in our stead.
    """

    def __init__(self, host: str, allowed: Allowed, lookup: Lookup = resolve) -> None:
        self._host, self._allowed, self._lookup = host, allowed, lookup
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            HostError: The host is another, or one of its addresses may not be reached.
            UnreachableError: It has none, or none of them answers.
        """
        if host != self._host:
            raise HostError(f"{host} is not the host of base_url")
        try:
            addresses = await self._lookup(host, port)
        except OSError as error:
            raise UnreachableError("its name does not resolve") from error
        self._allowed.check(host, addresses)
        refusal: Exception | None = None
        for address in addresses:
            try:
                stream = await self._inner.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                refusal = error
                continue
            await self._check_peer(stream, addresses)
            return stream
        raise UnreachableError(_why(refusal)) from refusal

    async def sleep(self, seconds: float) -> None:
        """Wait, for the library."""
        await self._inner.sleep(seconds)

    async def _check_peer(
        self, stream: httpcore2.AsyncNetworkStream, addresses: Sequence[IP]
    ) -> None:
        peer = stream.get_extra_info("server_addr")
        if peer is None or ip_address(peer[0]) not in addresses:
            await stream.aclose()
            raise HostError(f"{self._host} answered from an address it does not resolve to")


def _why(refusal: BaseException | None) -> str:
    """The system's word for the number of the error, however deep the libraries hid it."""
    while refusal is not None:
        if isinstance(refusal, OSError) and refusal.errno:
            return os.strerror(refusal.errno).lower()
        refusal = refusal.__cause__ or refusal.__context__
    return "no address answers"
