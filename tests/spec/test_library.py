"""Shipped files are found in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError, SpecError
from harness.spec import library


def test_a_checkout_has_its_folders_at_the_top() -> None:
    top = Path(__file__).resolve().parents[2]

    assert library.folder("reports") == top / "reports"
    assert (library.folder("reports") / "report.html.j2").is_file()


def test_an_installed_wheel_has_them_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "harness"
    (package / "library" / "suites").mkdir(parents=True)
    (package.parent / "suites").mkdir()
    monkeypatch.setattr(library, "_PACKAGE", package)

    assert library.folder("suites") == package / "library" / "suites"


def test_names_are_the_yaml_files_in_order_without_their_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "harness" / "library" / "policies"
    (folder / "packs").mkdir(parents=True)
    for name in ("b.yaml", "a.yaml", "notes.txt", "packs/c.yaml"):
        (folder / name).write_text("", encoding="utf-8")
    monkeypatch.setattr(library, "_PACKAGE", tmp_path / "harness")

    assert library.names("policies") == ("a", "b")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of policies with `own`, the pack `law`, and `both` in both places."""
    folder = tmp_path / "harness" / "library" / "policies"
    (folder / "packs").mkdir(parents=True)
    for name in ("own.yaml", "both.yaml", "packs/law.yaml", "packs/both.yaml"):
        (folder / name).write_text("", encoding="utf-8")
    monkeypatch.setattr(library, "_PACKAGE", tmp_path / "harness")
    return folder


def test_packs_are_found_by_name_as_policies_are(shipped: Path) -> None:
    assert library.packs() == {
        "both": shipped / "packs" / "both.yaml",
        "law": shipped / "packs" / "law.yaml",
    }
    assert library.resolve("policies", "law") == shipped / "packs" / "law.yaml"
    assert library.resolve("policies", "own") == shipped / "own.yaml"


def test_a_policy_comes_before_a_pack_of_its_name(shipped: Path) -> None:
    assert library.resolve("policies", "both") == shipped / "both.yaml"


def test_a_file_comes_before_anything_shipped(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert library.resolve("policies", "own") == Path("own")


def test_a_name_that_is_nothing_gets_a_suggestion_packs_included(shipped: Path) -> None:
    with pytest.raises(SpecError) as caught:
        library.resolve("policies", "laws")
    assert caught.value.fix == "did you mean 'law'?"
    with pytest.raises(SpecError) as caught:
        library.resolve("policies", "xyz")
    assert "both, law, own" in caught.value.fix


def test_a_broken_installation_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "_PACKAGE", tmp_path / "harness")

    with pytest.raises(HarnessError, match=r"suites .* not installed") as caught:
        library.folder("suites")
    assert "install" in caught.value.fix
