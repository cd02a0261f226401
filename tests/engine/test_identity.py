"""Ids written by hand are the digests of canonical JSON."""

from hypothesis import given, settings
from hypothesis import strategies as st

from harness import digests
from harness.engine import identity

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
PARAMS = st.dictionaries(
    st.text(max_size=5),
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
)


@settings(deadline=None)
@given(HEX, HEX)
def test_ids_of_two_names_are_the_digest_of_their_list(one: str, two: str) -> None:
    wanted = digests.of_json([one, two])
    assert identity.output_id(one, two) == wanted
    assert identity.score_id(one, two) == wanted
    assert identity.unit_id(one, two) == wanted
    assert one == two or identity.unit_id(two, one) != wanted


@settings(deadline=None)
@given(st.text(max_size=9), st.text(max_size=9), PARAMS, HEX, st.integers(0), st.integers(0))
def test_a_case_id_is_the_digest_of_its_fields(
    generator: str,
    strategy: str,
    params: dict[str, object],
    prompt: str,
    repeat: int,
    seed: int,
) -> None:
    prefix = identity.arm_prefix(generator, strategy, params)
    wanted = digests.of_json([generator, strategy, params, prompt, repeat, seed])
    assert identity.case_id(prefix, prompt, repeat, seed) == wanted


@settings(deadline=None)
@given(st.integers(0, 2**70), HEX, st.integers(0, 10**6))
def test_a_case_seed_fits_a_signed_integer_of_64_bits(
    seed: int, prompt: str, repeat: int
) -> None:
    drawn = identity.case_seed(seed, prompt, repeat)
    assert drawn == int(digests.of_json([seed, prompt, repeat])[:16], 16) >> 1
    assert 0 <= drawn < 2**63
