"""Where things lie."""

import os
from dataclasses import dataclass
from pathlib import Path

from vision.manifest import Profile

PROJECT = Path(__file__).resolve().parents[1]
"""The checkout whose code runs: converters are imported from here."""
TRAINED = PROJECT / "trained"
"""Nets of our own, and their cards."""


def user_cache() -> Path:
    """Return the user's cache folder for this project, by the XDG base directory rules."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "modelhub"


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

    def repository(self, profile: Profile) -> Path:
        """Return the model repository of `profile`."""
        return self.root / profile.repository

    def net(self, name: str) -> Path:
        """Return the folder of net `name` in the model repository of this export's profile."""
        return self.repository(self.profile) / name

    def version(self, name: str) -> Path:
        """Return the folder that Triton loads net `name` from."""
        return self.net(name) / "1"
