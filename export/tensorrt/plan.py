"""A plan's identity, what is recorded beside it, and where both lie."""

import hashlib
from enum import Enum
from pathlib import Path

import msgspec

PLAN_FILE = "model.plan"
"""In a net's version folder: the file that Triton's TensorRT backend loads unless told otherwise."""
RECORD_FILE = "plan.json"

_HASH_DIGITS = 12


class Precision(str, Enum):  # noqa: UP042 - StrEnum is younger than the container's Python
    """What a plan computes in; its inputs and outputs are the graph's own either way."""

    FP16 = "fp16"
    FP32 = "fp32"


class Shapes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one input, batch included: the least and the most that a plan takes, and what it is tuned for."""

    minimum: tuple[int, ...]
    optimum: tuple[int, ...]
    maximum: tuple[int, ...]


ProfileShapes = dict[str, Shapes]
"""One optimisation profile: shapes by input."""


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a plan depends on; where any of it differs, the plan is built anew."""

    net: str
    builder: str
    """Name of the Python module that built it."""
    version: str
    """Of the builder: another one cannot load the plan."""
    capability: str
    """Compute capability of the GPU that it is for, as `8.6`."""
    precision: Precision
    onnx_sha256: str
    profiles: tuple[ProfileShapes, ...]

    @property
    def name(self) -> str:
        """File name without ending: everything but the profiles, which the record tells."""
        capability = self.capability.replace(".", "")
        onnx = self.onnx_sha256[:_HASH_DIGITS]
        return f"{self.net}-{self.builder}{self.version}-sm{capability}-{self.precision.value}-{onnx}"


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far one output of a plan was from ONNX Runtime's, over all batches tried."""

    relative_l2: float | None
    """Of a float output: the difference's norm over the reference's."""
    agreement: float | None
    """Of an integer output: share of equal values. Of class scores: share of rows of one best class."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands beside a plan as `plan.json`."""

    identity: Identity
    plan_sha256: str
    rows: int
    """Rows of real input that it was tried on."""
    scores: dict[str, Score]


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, on the container's Python too (`file_digest` is younger)."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_record(path: Path) -> Record | None:
    """Return the record at `path`; None where there is none, or none that this code wrote."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def dump_record(record: Record) -> bytes:
    """Return the record as indented UTF-8 JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
