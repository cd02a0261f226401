"""The Parquet schema of each table, written out so that no writer has to guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from harness.protocols import ColumnType


def cases() -> pa.Schema:
    """Every planned case: the denominator of everything."""
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        [
            ("case_id", text), ("generator", text), ("strategy", text), ("params", text),
            ("prompt_id", text), ("prompt", text), ("system", text), ("reference", text),
            ("tags", pa.map_(text, text)), ("repeat", pa.int64()), ("seed", pa.int64()),
        ]
    )  # fmt: skip


def outputs() -> pa.Schema:
    """What came back, in the fields of `records.Output`."""
    import pyarrow as pa

    text, real, whole = pa.string(), pa.float64(), pa.int64()
    return pa.schema(
        [
            ("output_id", text), ("case_id", text), ("batch_id", text), ("fingerprint", text),
            ("status", text), ("text", text), ("media", text), ("seconds", real),
            ("first_token_seconds", real), ("tokens", whole), ("finish", text),
            ("batch_seconds", real), ("batch_size", whole), ("error", text),
        ]
    )  # fmt: skip


def scores(columns: Mapping[str, ColumnType]) -> pa.Schema:
    """One scorer's readings: fixed fields, then `value_<column>` for each of its own."""
    import pyarrow as pa

    text = pa.string()
    types = {
        "bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "text": text,
        "ints": pa.list_(pa.int64()), "floats": pa.list_(pa.float64()), "features": text,
    }  # fmt: skip
    fixed = ("score_id", "output_id", "case_id", "batch_id", "fingerprint", "status", "error")
    own = [(f"value_{name}", types[kind]) for name, kind in columns.items()]
    return pa.schema([*[(name, text) for name in fixed], *own])


def features() -> pa.Schema:
    """One encoder's vectors, by the digest of what each is of."""
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        [
            ("key", text), ("batch_id", text), ("fingerprint", text), ("status", text),
            ("error", text), ("vector", pa.list_(pa.float32())),
        ]
    )  # fmt: skip


def metrics() -> pa.Schema:
    """Every metric of a judged run, in the fields of `records.Metric`."""
    import pyarrow as pa

    text, real, whole = pa.string(), pa.float64(), pa.int64()
    return pa.schema(
        [
            ("generator", text), ("strategy", text), ("slice", text), ("name", text),
            ("value", real), ("low", real), ("high", real), ("confidence", real),
            ("n", whole), ("missing", whole), ("clusters", whole), ("kind", text),
            ("unit", text), ("better", text), ("signature", text), ("design_effect", real),
            ("cause", text),
        ]
    )  # fmt: skip
