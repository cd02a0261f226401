"""Vectors by the digest of what they are of: found, counted, and never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from harness.engine import schemas
from harness.engine.features import Features, key_of, table_of, text_key
from harness.engine.store import Store
from harness.errors import AlteredError
from harness.protocols import Bound
from harness.records import Output

ENCODER = Bound("e", "e", None, "f" * 64)


def stored(folder: Path, rows: list[tuple[str, list[float] | None]]) -> Store:
    store = Store(folder)
    store.append(
        table_of(ENCODER),
        {
            "key": [key for key, _ in rows],
            "batch_id": ["b"] * len(rows),
            "fingerprint": [ENCODER.fingerprint] * len(rows),
            "status": ["error" if vector is None else "ok" for _, vector in rows],
            "error": ["broken" if vector is None else None for _, vector in rows],
            "vector": [vector for _, vector in rows],
        },
        schemas.features(),
    )
    return store


def test_vectors_are_found_by_key_and_what_has_none_says_why(tmp_path: Path) -> None:
    found = Features(stored(tmp_path, [("a", [1, 2]), ("b", None), ("c", [3, 4])]), ENCODER)
    assert found.one("c").tolist() == [3.0, 4.0]
    assert found.of(pa.chunked_array([["c", "a", "c"]])).tolist() == [[3, 4], [1, 2], [3, 4]]
    assert found.failures == {"b": "broken"}
    assert "b" not in found


def test_a_later_vector_mends_a_failure(tmp_path: Path) -> None:
    store = stored(tmp_path, [("a", None)])
    stored(tmp_path, [("a", [5, 6])])
    found = Features(Store(store.root), ENCODER)
    assert (found.one("a").tolist(), found.failures) == ([5.0, 6.0], {})


def test_a_lost_vector_and_vectors_of_two_widths_are_refused(tmp_path: Path) -> None:
    store = stored(tmp_path, [("a", [1, 2])])
    with pytest.raises(AlteredError, match="lost"):
        Features(store, ENCODER).of(pa.chunked_array([["z"]]))
    stored(tmp_path, [("b", [1, 2, 3])])
    with pytest.raises(AlteredError, match="differ in length"):
        Features(Store(tmp_path), ENCODER)


def test_an_empty_table_has_no_vectors(tmp_path: Path) -> None:
    found = Features(Store(tmp_path), ENCODER)
    assert (found.keys, found.matrix.shape) == ([], (0, 0))
    assert found.matrix.dtype == np.float32


@pytest.mark.parametrize("given", [{"media": "d" * 64}, {"text": "hello"}])
def test_equal_media_have_one_key(given: dict[str, Any]) -> None:
    output = Output(
        output_id="o", case_id="c", batch_id="b", fingerprint="f", status="ok", **given
    )
    assert key_of(output) == given.get("media", text_key("hello"))
