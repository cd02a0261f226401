"""Electronic mail and public internet addresses."""

from __future__ import annotations

import ipaddress
import re

from harness.metrics.pii.rule import RIGHT, Rule, opening

_LABEL = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
_EMAIL = re.compile(
    rf"(?P<local>{opening('[0-9A-Za-zÀ-ɏ]')}[0-9A-Za-zÀ-ɏ._%+'-]{{0,63}})@"
    rf"(?:{_LABEL}\.){{1,6}}(?P<top>[A-Za-z]{{2,24}}){RIGHT}"
)
_FILE_NAMES = "png jpg jpeg gif webp svg ico css js txt pdf json yml yaml"
_FILES = frozenset(_FILE_NAMES.split())
_REMOTE = "git"

# A product token (Safari/5.1.7.1) or a pinned release (==1.2.3.40) is a version.
_V4 = re.compile(
    opening("[0-9]", before="[0-9A-Za-z.]")
    + r"(?<![A-Za-z][/-][0-9])(?<![=<>~!]=[0-9])[0-9]{0,2}(?:\.[0-9]{1,3}){3}"
    + rf"{RIGHT}(?!\.[0-9])"
)
_VERSION = re.compile(
    r"(?:(?<![a-z])v(?:er(?:sion)?)?|release|build|版本号?)[\s:.#]{0,3}$", re.I
)
_VERSION_WIDTH = 12
_V6 = re.compile(
    opening("[23]", before="[0-9A-Za-z:.]")
    + "[0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}"
    + r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4})(?![0-9A-Za-z:])(?!\.[0-9])"
)
_EXAMPLES = tuple(
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
)
_SHORTEST = len("1.1.1.1")


def public_v4(text: str) -> bool:
    """Whether a dotted address can name a person's machine.

    Private, loopback, link-local and multicast addresses cannot. Four single
    digits are taken for a version (1.2.3.4); no household has such an address.

    >>> public_v4("81.2.69.142"), public_v4("192.168.0.1"), public_v4("1.2.3.4")
    (True, False, False)
    >>> public_v4("81.2.69.256"), public_v4("81.02.69.1")
    (False, False)
    """
    if len(text) == _SHORTEST:
        return False
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    if any(address in network for network in _EXAMPLES):
        return True
    return address.is_global and not address.is_multicast


def public_v6(text: str) -> bool:
    """Whether text is an address of the global unicast block 2000::/3.

    Source: RFC 4291, section 2.4.

    >>> public_v6("2400:c401::5054:ff:fe1b:b031"), public_v6("fe80::1"), public_v6("2001::1::2")
    (True, False, False)
    """
    try:
        return ipaddress.IPv6Address(text).packed[0] >> 5 == 1
    except ValueError:
        return False


def _email(match: re.Match[str]) -> tuple[int, int] | None:
    """Reject `icon@2x.png` and `git@github.com`, which are a file and a remote."""
    named = match["top"].lower() not in _FILES and match["local"].lower() != _REMOTE
    return match.span() if named else None


def _v4(match: re.Match[str]) -> tuple[int, int] | None:
    before = match.string[max(0, match.start() - _VERSION_WIDTH) : match.start()]
    return match.span() if public_v4(match[0]) and not _VERSION.search(before) else None


def _v6(match: re.Match[str]) -> tuple[int, int] | None:
    return match.span() if public_v6(match[0]) else None


RULES: tuple[Rule, ...] = (
    Rule("email", _EMAIL, _email, hints=("@",)),
    Rule("ip", _V6, _v6, hints=(":",)),
    Rule("ip", _V4, _v4, hints=(".",)),
)
