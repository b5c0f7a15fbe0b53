"""What is looked at before anything starts, so that failures are one line and not a log."""

import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from embedded.errors import NotExported, PortTaken, SharedMemoryFull
from gateway.triton_config import process_count
from modelhub_pictures.limits import MAX_PIXELS
from vision.manifest import ONNX_FILE

MIB = 1024 * 1024
REGION_BYTES = 1 * MIB
"""Shared memory of a stub at start (Triton's default); it grows with the pictures that pass."""
HEADROOM_BYTES = 6 * MAX_PIXELS
"""Room for that growth, without which the first large picture would kill a stub: five bytes for each pixel of
the largest answer (`semantic_segmentation`), and some for others meanwhile."""


def read_configs(repository: Path) -> Iterator[model_config_pb2.ModelConfig]:
    """Yield the parsed `config.pbtxt` of every model, by name."""
    for path in sorted(repository.glob("*/config.pbtxt")):
        yield text_format.Parse(path.read_text(), model_config_pb2.ModelConfig())


def has_model(repository: Path, net: str) -> bool:
    """Tell whether the net has a model file."""
    return any((repository / net).glob(f"*/{ONNX_FILE}"))


def check_exported(repository: Path) -> None:
    """Raise NotExported naming every net whose model file is absent."""
    missing = [
        config.name
        for config in read_configs(repository)
        if config.backend == "onnxruntime" and not has_model(repository, config.name)
    ]
    if missing:
        raise NotExported(f"not exported yet: {', '.join(missing)}; run `make export`")


def check_ports(ports: Mapping[str, tuple[str, int]]) -> None:
    """Raise PortTaken for the first port that cannot be bound; `ports` maps settings to addresses."""
    for setting, (host, port) in ports.items():
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                reason = error.strerror or str(error)
                raise PortTaken(
                    f"cannot listen on {host}:{port} ({reason}): set {setting} to a free port"
                ) from None


def stub_counts(repository: Path) -> dict[str, int]:
    """Return how many stub processes the instance groups of each model ask for."""
    return {
        config.name: process_count(config)
        for config in read_configs(repository)
        if config.platform != "ensemble"
    }


def count_stubs(repository: Path) -> int:
    """Return how many stub processes the repository's instance groups ask for."""
    return sum(stub_counts(repository).values())


def check_shared_memory(folder: Path, stubs: int) -> None:
    """Raise SharedMemoryFull where `folder` has no room for `stubs` regions and their growth."""
    needed = stubs * REGION_BYTES + HEADROOM_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SharedMemoryFull(
            f"{folder} has {free // MIB} MiB free, {stubs} model instances need {needed // MIB} MiB: "
            "free some, or enlarge it (docker run --shm-size=1g; Kubernetes: emptyDir with medium Memory)"
        )
