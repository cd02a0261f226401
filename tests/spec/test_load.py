"""Bad files are refused with their lines, all at once, and nothing but SpecError escapes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import SpecError
from harness.spec.load import MAX_BYTES, digest, load, load_text
from harness.spec.policy import PolicySpec
from harness.spec.suite import SuiteSpec
from harness.spec.waiver import WaiversSpec

ROOT = Path(__file__).parents[2]
SUITES = sorted((ROOT / "suites").glob("*.yaml"))
POLICIES = sorted((ROOT / "policies").rglob("*.yaml"))
GOOD = """\
apiVersion: harness/v1
kind: Suite
metadata: {name: small}
generators:
  - {use: echo}
prompts:
  - {items: [hello]}
scorers:
  - {use: length}
"""
BAD = {
    "an unknown key": ("scorers:", "scorer:", 8, "did you mean 'scorers'?"),
    "an unknown key further in": ("{name: small}", "{nam: small}", 3, "did you mean 'name'?"),
    "a missing key": ("kind: Suite\n", "", 1, "`kind` is missing"),
    "a missing key further in": ("{use: length}", "{}", 9, "`scorers[0]`: `use` is missing"),
    "a key twice": ("prompts:", "kind: Suite\nprompts:", 6, "already on line 2"),
    "a wrong type": ("[hello]", "[1]", 7, "`prompts[0].items[0]` should be text, not 1"),
    "a wrong version": ("harness/v1", "harness/v2", 1, "should be 'harness/v1'"),
    "a wrong kind": ("kind: Suite", "kind: suite", 2, "did you mean 'Suite'?"),
    "a policy": (
        "kind: Suite",
        "kind: Policy",
        2,
        "this is a Policy, and a Suite is asked for",
    ),
    "a bad name": ("{name: small}", "{name: a/b}", 3, "letters, digits"),
    "nothing in a list": ("[hello]", "[]", 7, "give exactly one of `file` and `items`"),
    "a scalar for a list": ("\n  - {use: echo}", " echo", 4, "should be a list"),
    "a list for a mapping": ("{use: echo}", "[echo]", 5, "should be a mapping"),
    "two equal names": ("- {use: echo}", "- {use: echo}\n  - {use: echo}", 1, "share the name"),
    "an anchor": ("{use: echo}", "&a {use: echo}", 5, "an anchor (`&a`)"),
    "an alias": ("{use: length}", "*a", 9, "an alias"),
    "a merge key": ("{use: length}", "{use: length, <<: {a: 1}}", 9, "a merge key"),
    "a tag": ("[hello]", "!!python/tuple [hello]", 7, "a tag"),
    "an infinity": ("{use: echo}", "{use: echo, options: {x: .inf}}", 5, "no finite number"),
    "a NaN": ("{use: echo}", "{use: echo, options: {x: .nan}}", 5, "no finite number"),
    "an overflow": ("{use: echo}", "{use: echo, options: {x: 1e999}}", 5, "no finite number"),
    "a huge integer": (
        "{use: echo}",
        f"{{use: echo, options: {{x: {'9' * 9999}}}}}",
        5,
        "63 bits",
    ),
    "an octal": ("{use: echo}", "{use: echo, options: {x: 010}}", 5, "leading zero"),
    "a tab": ("  - {use: echo}", "\t- {use: echo}", 5, "a tab"),
    "a colon too many": ("{name: small}", "name: small", 3, "mapping values are not allowed"),
    "an open bracket": ("[hello]", "[hello", 7, "not valid YAML"),
    "an open quote": ("[hello]", '["hello]', 7, "not valid YAML"),
    "a control character": ("hello", "hel\x07lo", 7, "may not stand in YAML"),
    "an impossible escape": ("hello", r'"\UFFFFFFFF"', 7, "not valid YAML"),
    "half a surrogate pair": ("hello", r'"\uD800"', 7, "surrogate"),
    "a key that is a list": ("prompts:", "[a, b]: c\nprompts:", 6, "a key that is not text"),
    "two documents": ("scorers:", "---\nscorers:", 8, "a second document"),
    "a bad number": ("kind: Suite", "kind: Suite\nseed: two", 3, "should be a whole number"),
    "a whole float": ("kind: Suite", "kind: Suite\nseed: 1.0", 3, "should be a whole number"),
    "below a bound": ("kind: Suite", "kind: Suite\nsamples_per_prompt: 0", 3, "greater than"),
    "a union that fits nowhere": (
        "kind: Suite",
        "kind: Suite\nstrategies:\n  - {name: a, params: {x: [1]}}",
        4,
        "`strategies[0].params.x` should be",
    ),
}


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        load_text(text, SuiteSpec, name="s.yaml")
    return str(caught.value)


@pytest.mark.parametrize("what", BAD)
def test_each_misfit_is_refused_with_its_line(what: str) -> None:
    old, new, line, said = BAD[what]
    assert old in GOOD
    message = refusal(GOOD.replace(old, new, 1))
    assert said in message
    assert re.search(rf"s\.yaml:{line}\b", message)


def test_every_misfit_of_a_file_is_said_at_once() -> None:
    text = GOOD.replace("kind: Suite", "kind: Suite\nseed: no\nkind: Suite\nsed: 1")
    text = text.replace("{use: length}", "{usee: *x}").replace("echo", "&a echo")
    message = refusal(text)
    assert "7 things do not fit in s.yaml" in message
    for line, said in (
        (3, "`seed` should be a whole number, not 'no'"),
        (4, "'kind' is already on line 2"),
        (5, "'sed' is not a key here; did you mean 'seed'?"),
        (8, "an anchor"),
        (12, "an alias"),
        (12, "'usee' is not a key here; did you mean 'use'?"),
        (12, "`use` is missing; is it misspelt as 'usee'?"),
    ):
        assert re.search(rf"s\.yaml:{line}: .*{re.escape(said)}", message), said


def test_a_second_error_is_not_made_of_the_first() -> None:
    message = refusal(GOOD.replace("{use: length}", "*x"))
    assert "an alias" in message
    assert "things" not in message


def test_scalars_are_read_as_yaml_1_2() -> None:
    written = "{a: 1e-3, b: no, c: on, d: true, e: 0x1F, f: 0o17, g: 12:30:00, h: 2024-01-01"
    written += ", i: 1_000, j: ~, k: -3, l: '1', m: .5, n: True, no: +4}"
    spec = load_text(GOOD.replace("echo", f"echo, options: {written}"), SuiteSpec)
    assert spec.generators[0].options == {
        "a": 0.001, "b": "no", "c": "on", "d": True, "e": 31, "f": 15, "g": "12:30:00",
        "h": "2024-01-01", "i": "1_000", "j": None, "k": -3, "l": "1", "m": 0.5, "n": True,
        "no": 4,
    }  # fmt: skip


def test_a_billion_laughs_end_at_the_first() -> None:
    bomb = "a0: &a0 [ha]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    message = refusal(GOOD + bomb)
    assert "s.yaml:10: an anchor (`&a0`) is not allowed" in message


STAIRS = "".join(" " * step + "-\n" for step in range(99))


@pytest.mark.parametrize("deep", ["x: " + "[" * 5000, "x: " + "{a: " * 5000, "x:\n" + STAIRS])
def test_deep_nesting_is_refused_before_it_hurts(deep: str) -> None:
    assert "nested deeper than 32 levels" in refusal(deep)


def test_too_many_values_are_refused() -> None:
    assert "more than 100000 values" in refusal("x: [" + "1, " * 100_001 + "]")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_an_empty_file_is_said_to_be_empty(text: str) -> None:
    assert "the file is empty" in refusal(text)


@pytest.mark.parametrize("text", ["just words", "- a\n- b", "3", "~", "---"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    assert "should be a mapping" in refusal(text)


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(path, SuiteSpec) == load_text(GOOD, SuiteSpec)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (GOOD.encode() + b"# \xe9\n", "s.yaml:10"),
        (GOOD.encode("utf-16"), "s.yaml:1"),
        (b"#" * (MAX_BYTES + 1), "larger than 1,000,000 bytes"),
    ],
)
def test_bytes_that_are_no_utf8_or_too_many_are_refused(
    tmp_path: Path, data: bytes, said: str
) -> None:
    (tmp_path / "s.yaml").write_bytes(data)
    with pytest.raises(SpecError, match=re.escape(said)):
        load(tmp_path / "s.yaml", SuiteSpec)


def test_a_file_that_cannot_be_opened_is_a_spec_error(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(SpecError, match=re.escape("did you mean 'suite.yaml'?")):
        load(tmp_path / "suit.yaml", SuiteSpec)
    for odd in (
        tmp_path,
        tmp_path / "no" / "x.yaml",
        tmp_path / "a\0b",
        tmp_path / ("x" * 999),
    ):
        with pytest.raises(SpecError):
            load(odd, SuiteSpec)


def test_a_suite_given_as_a_policy_is_called_a_suite() -> None:
    with pytest.raises(SpecError, match="this is a Suite, and a Policy is asked for"):
        load_text(GOOD, PolicySpec)


def test_the_digest_is_of_the_meaning() -> None:
    first = load_text(GOOD, SuiteSpec)
    lines = GOOD.replace("{use: echo}", "{options: {}, use: 'echo', name: echo}").split("\n")
    moved = "# a comment\nseed: 0\n" + "\n".join(lines[3:] + lines[:3])
    assert digest(load_text(moved, SuiteSpec)) == digest(first)
    assert digest(load_text(GOOD + "seed: 1\n", SuiteSpec)) != digest(first)


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_each_shipped_suite_loads(path: Path) -> None:
    assert load(path, SuiteSpec).generators


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_each_shipped_policy_loads_and_says_why(path: Path) -> None:
    assert all(rule.why for rule in load(path, PolicySpec).rules)


def only_spec_errors(text: str) -> None:
    for kind in (SuiteSpec, PolicySpec, WaiversSpec):
        try:
            spec = load_text(text, kind)
        except SpecError as error:
            assert error.where
        else:
            assert len(digest(spec)) == 64


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_spec_error(text: str) -> None:
    only_spec_errors(text)


PIECES = ["a", "kind", ": ", "- ", "\n", "  ", "[", "]", "{", "}", ", ", "1", "0", ".", "e9"]
PIECES += [
    "&x ",
    "*x",
    "<<",
    "!!str ",
    "!",
    "? ",
    "|\n",
    ">-\n",
    "'",
    '"',
    "\\u",
    "\\UFFFFFFFF",
]
PIECES += ["#", "---\n", "...\n", "%YAML 1.1\n", "%TAG ! x\n", "0x", ".inf", "~", "\t", "\r"]
PIECES += ["\x85", "\u2028", "\ud800", "\ufeff", "名"]
YAML_LIKE = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@settings(max_examples=400, deadline=None)
@given(YAML_LIKE)
def test_no_yaml_like_text_raises_anything_but_a_spec_error(text: str) -> None:
    only_spec_errors(text)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_mutation_of_a_shipped_file_raises_anything_but_a_spec_error(
    data: st.DataObject,
) -> None:
    path = data.draw(st.sampled_from([*SUITES, *POLICIES]))
    text = path.read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 40))
    only_spec_errors(text[:start] + data.draw(YAML_LIKE) + text[start + cut :])
