"""Secrets are named in files, read from the environment, and kept out of what is written."""

from __future__ import annotations

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from harness.errors import SpecError
from harness.spec.secret import Secret, Secrets, refers, refuse_outside

ENVIRON = {"KEY": "0123456789", "LONG": "0123456789abc", "TINY": "abc", "BROKEN": "12345678\n"}


def test_a_reference_becomes_its_value() -> None:
    assert Secrets(ENVIRON).reveal("Bearer ${env:KEY}") == "Bearer 0123456789"
    assert Secrets(ENVIRON).reveal("plain $KEY {env:KEY}") == "plain $KEY {env:KEY}"


def test_what_was_revealed_is_found_and_masked_the_longest_first() -> None:
    secrets = Secrets(ENVIRON)
    assert not secrets.found_in("0123456789")
    secrets.reveal("${env:KEY} ${env:LONG}")
    assert secrets.found_in("my key is 0123456789.")
    assert secrets.masked("0123456789ABC and 0123456789") == "[secret] and [secret]"


@pytest.mark.parametrize("name", ["ABSENT", "TINY", "BROKEN"])
def test_a_value_that_cannot_be_kept_secret_is_refused_untold(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        Secrets(ENVIRON).reveal(f"${{env:{name}}}")
    assert name in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_an_option_that_is_a_secret_is_never_the_secret_itself() -> None:
    adapter: TypeAdapter[str] = TypeAdapter(Secret)
    assert adapter.validate_python("${env:API_KEY}") == "${env:API_KEY}"
    for text in ("sk-1234567890", "${env:}", "${API_KEY}", "x${env:A}", "${env:A}\n"):
        with pytest.raises(ValidationError):
            adapter.validate_python(text)


def test_it_is_seen_whether_a_text_names_a_secret() -> None:
    assert refers("Bearer ${env:A}")
    assert not refers("Bearer abc")


def test_a_secret_written_out_is_answered_with_what_to_write() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Secret).validate_python("sk-1234567890")
    assert "write ${env:NAME}" in caught.value.errors()[0]["msg"]
    assert "sk-1234567890" not in caught.value.errors()[0]["msg"]
    assert re.search(TypeAdapter(Secret).json_schema()["pattern"], "${env:API_KEY}")


def test_a_name_where_no_value_would_take_its_place_is_refused() -> None:
    refuse_outside(("key",), "key", "${env:A}")
    refuse_outside(("key",), "model", "plain")
    with pytest.raises(ValueError, match="only in 'key' and 'env'"):
        refuse_outside(("key", "env"), "model", ("a", "b ${env:A}"))
