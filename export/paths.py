"""Where things lie."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from platformdirs import user_cache_path

from vision.manifest import NET_VERSION, Profile

PROJECT = Path(__file__).resolve().parents[1]
"""The checkout whose code runs: converters are imported from here."""
TRAINED = PROJECT / "trained"
"""Nets of our own, and their cards."""


def user_cache() -> Path:
    """Return the user's cache folder for this project: below XDG_CACHE_HOME, or ~/.cache."""
    return user_cache_path("modelhub")


class Framework(str, Enum):  # noqa: UP042 - StrEnum is younger than the Python of NVIDIA's container
    """What a conversion imports. The import takes longer than most conversions, so one process does many."""

    ONNX = "onnxruntime"
    TENSORFLOW = "tensorflow"
    TORCH = "torch"


@dataclass(frozen=True)
class Paths:
    """Everything that an export of one profile reads or writes.

    Below `root` lies all but the cache of fetched files, and `carried`: the folder of checkpoints that the
    user carried in by hand, if there is one.
    """

    root: Path
    cache: Path
    profile: Profile = Profile.LITE
    carried: Path | None = None

    @property
    def environment(self) -> Path:
        """The conversion environment."""
        return self.root / ".venv-export"

    @property
    def requirements(self) -> Path:
        """The lock file of the conversion environment."""
        return self.root / "requirements" / "export.txt"

    @property
    def training_environment(self) -> Path:
        """The environment that has PyTorch."""
        return self.root / ".venv-training"

    @property
    def training_requirements(self) -> Path:
        """Its lock file."""
        return self.root / "requirements" / "training.txt"

    def environment_of(self, framework: Framework) -> Path:
        """Return the environment of conversions that has `framework`."""
        return self.training_environment if framework is Framework.TORCH else self.environment

    def lock_of(self, framework: Framework) -> Path:
        """Return the lock file of that environment."""
        return self.training_requirements if framework is Framework.TORCH else self.requirements

    @property
    def lock(self) -> Path:
        """The exporter's lock, one for all profiles: they share environments."""
        return self.root / "run" / "export" / "lock"

    @property
    def logs(self) -> Path:
        """What conversions print, a file a net."""
        folder = self.root / "run" / "export"
        return folder if self.profile is Profile.LITE else folder / self.profile.value

    @property
    def weights(self) -> Path:
        """Files that are served by no net: sample pictures, fonts."""
        return self.root / "weights"

    def base(self, name: str, recipe: str) -> Path:
        """Return the folder of a base in the cache, which checkouts of several releases may share."""
        return self.cache / "bases" / name / recipe / NET_VERSION

    def repository(self, profile: Profile) -> Path:
        """Return the model repository of `profile`."""
        return self.root / profile.repository

    def net(self, name: str) -> Path:
        """Return the folder of net `name` in the model repository of this export's profile."""
        return self.repository(self.profile) / name

    def version(self, name: str) -> Path:
        """Return the folder that Triton loads net `name` from."""
        return self.net(name) / NET_VERSION
