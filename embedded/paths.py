"""Where things stand in a checkout."""

from pathlib import Path

from vision.manifest import Profile

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = ROOT / Profile.LITE.repository
BACKENDS = ROOT / "backends"
RUN = ROOT / "run"
SHARED_MEMORY = Path("/dev/shm")
