"""What the machine must have before anything starts: free ports and shared memory."""

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from embedded.errors import PortTaken, SharedMemoryFull
from modelhub_pictures.limits import MAX_PIXELS

MIB = 1024 * 1024
REGION_BYTES = 1 * MIB
"""Shared memory of a stub at start (Triton's default); it grows with the pictures that pass."""
HEADROOM_BYTES = 6 * MAX_PIXELS
"""Room for that growth, without which the first large picture would kill a stub: five bytes for each pixel of
the largest answer (`semantic_segmentation`), and some for others meanwhile."""


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


def check_shared_memory(folder: Path, stubs: int) -> None:
    """Raise SharedMemoryFull where `folder` has no room for `stubs` regions and their growth."""
    needed = stubs * REGION_BYTES + HEADROOM_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SharedMemoryFull(
            f"{folder} has {free // MIB} MiB free, {stubs} model instances need {needed // MIB} MiB: "
            "free some, or enlarge it (docker run --shm-size=1g; Kubernetes: emptyDir with medium Memory)"
        )
