"""A plan's name and record."""

from pathlib import Path

import msgspec
import pytest

from export.tensorrt.plan import (
    Identity,
    Precision,
    Record,
    Score,
    Shapes,
    dump_record,
    load_record,
    sha256_of,
)

IDENTITY = Identity(
    net="toy_net",
    builder="tensorrt",
    version="10.5.0",
    capability="8.6",
    precision=Precision.FP16,
    onnx_sha256="0123456789abcdef" * 4,
    profiles=({"pixels": Shapes((1, 8), (4, 8), (8, 8))},),
)
OTHERS = {
    "net": "other_net",
    "version": "10.6.0",
    "capability": "9.0",
    "precision": Precision.FP32,
    "onnx_sha256": "f" * 64,
}


def test_the_name_tells_what_it_was_made_of() -> None:
    assert IDENTITY.name == "toy_net-tensorrt10.5.0-sm86-fp16-0123456789ab"


@pytest.mark.parametrize("field", OTHERS)
def test_another_fact_is_another_name(field: str) -> None:
    assert msgspec.structs.replace(IDENTITY, **{field: OTHERS[field]}).name != IDENTITY.name


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    record = Record(IDENTITY, "a" * 64, 11, {"alpha": Score(0.001, None), "ids": Score(None, 1.0)})
    path = tmp_path / "plan.json"
    path.write_bytes(dump_record(record))
    assert load_record(path) == record


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"identity": 3}'])
def test_what_is_no_record_counts_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.json"
    assert load_record(path) is None
    path.write_bytes(content)
    assert load_record(path) is None


def test_the_hash_is_sha_256(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
