"""Whose word is taken for an endpoint's name: the certificate authorities of this machine.

`SSL_CERT_FILE` or `SSL_CERT_DIR` names others in their stead. There is no way to go on
without a certificate that holds.
"""

from __future__ import annotations

import os
import ssl

import httpcore2

from harness.errors import SpecError

# Of X509_verify_cert_error_string(3): no trusted authority stands behind the certificate.
_UNKNOWN = frozenset({18, 19, 20, 21})


def trusted() -> ssl.SSLContext:
    """Read the trusted authorities, once for all connections.

    Raises:
        SpecError: They are not where the environment says.
    """
    try:
        return httpcore2.default_ssl_context()
    except OSError as error:
        raise SpecError(
            "the trusted certificate authorities cannot be read",
            where=os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR", ""),
            fix="let SSL_CERT_FILE name a file of them in PEM, or unset it",
        ) from error


def refusal(error: ssl.SSLCertVerificationError) -> str:
    """Say what is wrong with a certificate, in OpenSSL's words; the endpoint chose none."""
    hint = ""
    if error.verify_code in _UNKNOWN:
        hint = " (SSL_CERT_FILE names the authorities that are trusted)"
    return f"{error.verify_message.rstrip('.')}{hint}"
