"""Keys and tokens that open a door: recognised by the prefix their issuer gave them.

Source: the issuers' own descriptions of their tokens; RFC 7468 (PEM), RFC 7519 (JWT).
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode

from harness.metrics.pii.rule import Accept, Rule

_BEFORE = "(?<![0-9A-Za-z])"
_AFTER = "(?![0-9A-Za-z_-])"
_PEM_BODY = 16384


def _real(match: re.Match[str]) -> tuple[int, int] | None:
    """Reject a placeholder such as ghp_xxxxxxxx."""
    return None if re.search("[xX]{8}", match[0]) else match.span()


def _varied(match: re.Match[str]) -> tuple[int, int] | None:
    """Accept a key that mixes letters and digits, as few words do, and is no placeholder."""
    mixed = re.search("[0-9]", match[0]) and re.search("[A-Za-z]", match[0][3:])
    return _real(match) if mixed else None


def _signed(match: re.Match[str]) -> tuple[int, int] | None:
    """Accept a token whose first part is JSON naming an algorithm (RFC 7519)."""
    head = match["head"]
    try:
        header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return match.span() if isinstance(header, dict) and "alg" in header else None


def _value(match: re.Match[str]) -> tuple[int, int] | None:
    """Accept the value after a name that says it is secret, not the name."""
    return match.span("value")


def _pem(match: re.Match[str]) -> tuple[int, int] | None:
    """Accept a header with key material after it, up to its footer where there is one."""
    return match.span() if re.search("[0-9A-Za-z+/]{32}", match["body"]) else None


_PEM = re.compile(
    r"-----BEGIN (?:[0-9A-Z]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?P<body>(?:[^-]|-(?!----)){{0,{_PEM_BODY}}}-----END [0-9A-Z ]{{0,64}}-----"
    rf"|[0-9A-Za-z+/=\s\\]{{0,{_PEM_BODY}}})"
)
_KEYS: tuple[tuple[str, tuple[str, ...], Accept], ...] = (
    (r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}", ("AKIA", "ASIA", "ABIA", "ACCA"), _real),
    (r"LTAI[0-9A-Za-z]{12,26}", ("LTAI",), _varied),
    (r"AKID[0-9A-Za-z]{32}", ("AKID",), _real),
    (r"gh[pousr]_[0-9A-Za-z]{36,251}", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _real),
    (r"github_pat_[0-9A-Za-z_]{50,251}", ("github_pat_",), _real),
    (r"glpat-[0-9A-Za-z_-]{20,64}", ("glpat-",), _real),
    (r"xox[abeoprs]-[0-9A-Za-z-]{10,250}", ("xox",), _varied),
    (r"xapp-[0-9]-[0-9A-Z]{5,20}-[0-9]{5,20}-[0-9a-f]{32,80}", ("xapp-",), _real),
    (r"sk-(?:proj|svcacct|admin|ant|or)-[0-9A-Za-z_-]{20,200}", ("sk-",), _varied),
    (r"sk-[0-9A-Za-z]{32,128}", ("sk-",), _varied),
    (r"AIza[0-9A-Za-z_-]{35}", ("AIza",), _real),
    (r"GOCSPX-[0-9A-Za-z_-]{28}", ("GOCSPX-",), _real),
    (r"(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,247}", ("_live_", "_test_"), _varied),
    (r"whsec_[0-9A-Za-z+/]{32,64}", ("whsec_",), _varied),
    (r"hf_[0-9A-Za-z]{34}", ("hf_",), _real),
    (r"npm_[0-9A-Za-z]{36}", ("npm_",), _real),
    (r"pypi-AgEIcHlwaS5vcmc[0-9A-Za-z_-]{50,400}", ("pypi-",), _real),
    (r"SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}", ("SG.",), _real),
    (r"dop_v1_[0-9a-f]{64}", ("dop_v1_",), _real),
    (r"[0-9]{8,10}:AA[0-9A-Za-z_-]{33}", (":AA",), _real),
)
_JWT = re.compile(
    r"(?<![0-9A-Za-z_.-])(?P<head>eyJ[0-9A-Za-z_-]{8,2048})\.eyJ[0-9A-Za-z_-]{8,8192}"
    r"\.[0-9A-Za-z_-]{16,2048}"
)
_ASSIGNED = re.compile(
    r"(?i:aws.{0,20}secret.{0,20}key)[\"']?\s{0,3}(?::=|=>|:|=)\s{0,3}[\"']?"
    r"(?P<value>[0-9A-Za-z/+]{40})(?![0-9A-Za-z/+=])"
)
_STORAGE = re.compile(r"AccountKey=(?P<value>[0-9A-Za-z+/]{86}==)")

RULES: tuple[Rule, ...] = (
    Rule("private_key", _PEM, _pem, hints=("PRIVATE KEY",)),
    Rule("api_key", _JWT, _signed, hints=("eyJ",)),
    *(
        Rule("api_key", re.compile(_BEFORE + body + _AFTER), accept, hints)
        for body, hints, accept in _KEYS
    ),
    Rule("api_key", _ASSIGNED, _value, hints=("secret", "SECRET", "Secret")),
    Rule("api_key", _STORAGE, _value, hints=("AccountKey=",)),
)
