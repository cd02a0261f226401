"""The table of everything that is looked for, first match of equal spans wins."""

from __future__ import annotations

from harness.metrics.pii import (
    accounts,
    cards,
    china,
    credentials,
    network,
    social_security,
    telephone,
)
from harness.metrics.pii.rule import Rule

RULES: tuple[Rule, ...] = (
    *credentials.RULES,
    *china.RULES,
    *cards.RULES,
    *accounts.RULES,
    *network.RULES,
    *social_security.RULES,
    *telephone.RULES,
)
TYPES: tuple[str, ...] = tuple(dict.fromkeys(rule.type for rule in RULES))
SECRETS = frozenset({"api_key", "private_key"})
