"""Where things stand in a checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = ROOT / "model_repository"
BACKENDS = ROOT / "backends"
RUN = ROOT / "run"
SHARED_MEMORY = Path("/dev/shm")
