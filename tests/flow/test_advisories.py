"""Advice is given for the versions it is about, and for no others."""

import re
from collections.abc import Mapping

import pytest

from harness.flow.advisories import advisories

CASES: list[tuple[Mapping[str, str], str, bool]] = [
    ({"scipy": "1.11.1"}, "issues/19415", False),
    ({"scipy": "1.11.2"}, "issues/19415", True),
    ({"scipy": "1.12.0"}, "issues/19415", True),
    ({"scipy": "1.13.0"}, "issues/19415", False),
    ({"scipy": "1.18.0"}, "pull/24334", False),
    ({"scipy": "1.18.0", "pytorch-fid": "0.3.0"}, "pull/24334", True),
    ({"scipy": "1.18.0rc1", "clean-fid": "0.1.35"}, "pull/24334", True),
    ({"scipy": "2.0", "frechet-audio-distance": "0.3.4"}, "pull/24334", True),
    ({"scipy": "1.17.1", "pytorch-fid": "0.3.0"}, "pull/24334", False),
    ({"scipy": "1.18.0", "pytorch-fid": "0.4.0"}, "pull/24334", False),
    ({"torchmetrics": "1.9.0", "transformers": "5.23.0"}, "pull/3408", True),
    ({"torchmetrics": "1.8.2", "transformers": "5.0.0"}, "pull/3408", True),
    ({"torchmetrics": "1.9.0", "transformers": "4.57.1"}, "pull/3408", False),
    ({"torchmetrics": "1.10.0", "transformers": "5.0.0"}, "pull/3408", False),
    ({"torchmetrics": "1.2.0"}, "mifid.py", True),
    ({"torchmetrics": "1.1.2"}, "mifid.py", False),
    ({"vendi-score": "0.0.3"}, "vendi.py", True),
    ({"vendi-score": "0.0.4"}, "vendi.py", False),
    ({"diversity": "0.3.1"}, "compression.py", True),
    ({"diversity": "0.3.2"}, "compression.py", False),
    ({"frechet-audio-distance": "0.3.4"}, "issues/37", True),
    ({"frechet-audio-distance": "0.3.5"}, "issues/37", False),
    ({"torch": "2.13.0+cpu", "torchvision": "0.28.0"}, "issues/9085", True),
    ({"torch": "2.13.0+cpu", "torchvision": "0.28.0+cpu"}, "issues/9085", False),
    ({"torch": "2.13.0", "torchvision": "0.28.0"}, "issues/9085", False),
    ({"torch": "2.13.0+cpu"}, "issues/9085", False),
]


def links(installed: Mapping[str, str]) -> list[str]:
    return [link for _, link in advisories(installed.get)]


@pytest.mark.parametrize(("installed", "link", "applies"), CASES)
def test_a_row_applies_to_its_versions_only(
    installed: Mapping[str, str], link: str, applies: bool
) -> None:
    assert any(link in found for found in links(installed)) is applies


def test_each_link_names_one_thread_or_one_line_of_one_version() -> None:
    every = {
        "scipy": "1.11.2", "torchmetrics": "1.9.0", "transformers": "5.0", "vendi-score": "0",
        "diversity": "0.3.1", "frechet-audio-distance": "0.3.4", "torch": "2+cpu",
        "torchvision": "0.28",
    }  # fmt: skip
    found = [*links(every), *links({"scipy": "1.18", "pytorch-fid": "0.3.0"})]
    assert len(set(found)) == 8
    precise = re.compile(
        r"https://github\.com/[\w-]+/[\w-]+/"
        r"((issues|pull)/\d+|blob/(v[\d.]+|[0-9a-f]{40})/[\w/]+\.py#L\d+)"
    )
    assert all(precise.fullmatch(link) for link in found)


def test_nothing_installed_means_nothing_to_say() -> None:
    assert links({}) == []


def test_the_machine_at_hand_is_asked_when_nothing_is_given() -> None:
    assert all(what and link for what, link in advisories())
