"""Every error carries an exit code of the documented table, and says what to try."""

import pytest

from harness import errors
from harness.errors import HarnessError

CLASSES = [
    c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, HarnessError)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_no_error_can_be_taken_for_a_verdict(kind: type[HarnessError]) -> None:
    assert kind.exit_code in {3, 4, 5, 64, 70}
    assert kind.__doc__


def test_an_error_says_what_where_and_what_to_try() -> None:
    told = str(HarnessError("it broke", where="suite.yaml:3", fix="mend it"))
    assert told == "it broke\n  where: suite.yaml:3\n  fix:   mend it"
    assert str(HarnessError("it broke")) == "it broke"
