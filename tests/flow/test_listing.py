"""What is listed is what there is, and each line says enough to use it."""

from pathlib import Path

import pytest

from harness import registry
from harness.assets import catalogue
from harness.errors import AssetError, PluginError, SpecError
from harness.flow.listing import asset_rows, assets_of, listing, needed_assets
from harness.spec.library import resolve


def find(name: str) -> Path:
    return resolve("suites", name)


@pytest.mark.parametrize("kind", registry.KINDS)
def test_plugins_are_listed_with_the_package_they_come_from(kind: str) -> None:
    found = listing(kind)
    assert found
    assert set(found.values()) == {"harness 0.1.0"}


@pytest.mark.parametrize("kind", ["suites", "policies"])
def test_shipped_files_are_listed_with_where_they_lie(kind: str) -> None:
    found = listing(kind)
    assert "quickstart" in found
    assert all(Path(path).is_file() for path in found.values())


def test_packs_are_listed_with_their_source_grade_and_whether_anyone_checked_them() -> None:
    found = listing("packs")
    assert found["tc260-003"].startswith("secondary, not verified: TC260-003, 2024-02-29")
    assert found["base-safety"].startswith("own, not verified: ")


def test_metrics_are_named_as_a_policy_names_them() -> None:
    found = listing("metrics")
    assert found["toxicity.any_rate"] == "share, lower is better, Proportion"
    assert found["length.words"] == "words, no direction, Mean"
    assert found["privacy.coverage"] == "share, higher is better, Proportion"
    assert found["detoxify.*"] == "needs the options checkpoint, sha256, base"


def test_every_metric_a_shipped_policy_judges_is_listed() -> None:
    from harness.spec.load import load
    from harness.spec.policy import PolicySpec

    policy = load(resolve("policies", "quickstart"), PolicySpec)
    policy_and_pack = (policy, load(resolve("policies", "base-safety"), PolicySpec))
    for one in policy_and_pack:
        assert {rule.metric for rule in one.rules} <= listing("metrics").keys()


def test_an_unknown_kind_gets_a_suggestion() -> None:
    with pytest.raises(PluginError) as caught:
        listing("scorer")
    assert caught.value.fix == "did you mean 'scorers'?"
    with pytest.raises(PluginError) as caught:
        listing("xyz")
    assert "metrics" in caught.value.fix


def test_an_asset_is_absent_until_it_is_pulled(cache_root: Path) -> None:
    embedded = {asset.name for asset in catalogue.embedded()}
    assert embedded == {name for name in catalogue.ASSETS if name.startswith("digits-")}
    found = {row["name"]: row["present"] for row in asset_rows()}
    assert found == {name: name in embedded for name in catalogue.ASSETS}


def test_a_suite_needs_the_assets_of_its_generators_and_scorers() -> None:
    assert sorted(assets_of(find("quickstart"))) == ["smollm2-135m-instruct", "toxblock"]


def test_a_name_is_an_asset_or_a_suite(tmp_path: Path) -> None:
    assert needed_assets("toxblock", find) == ["toxblock"]
    assert "toxblock" in needed_assets("quickstart", find)
    with pytest.raises(AssetError, match="no asset is named 'toxblok'") as caught:
        needed_assets("toxblok", find)
    assert "toxblock" in caught.value.fix


def test_a_suite_that_does_not_fit_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("kind: Suite\n")
    with pytest.raises(SpecError):
        needed_assets(str(tmp_path / "s.yaml"), find)
