"""What the head learns from: the frozen nets' maps of many views, computed once.

    .venv-training/bin/python -m training.foreground.features [--views N] [--processes N]

It goes on where it was stopped, and adds views where more are asked for.
"""

from functools import cache

import numpy as np

from training import frozen
from training.foreground.net import MAPS, SELFIE_SIDE, SIDE, Frozen
from training.foreground.selfie import Selfie
from training.foreground.views import Lessons, Views

STORE = frozen.Store("foreground", 200, MAPS, SELFIE_SIDE)
SEED = 17
VIEWS = 2400


@cache
def runner() -> frozen.Runner:
    """Return what gives the maps of pictures uint8 [SIDE, SIDE, 3]."""
    return frozen.runner(Frozen(Selfie()), SIDE)


@cache
def _views() -> Views:
    return Views(Lessons(chosen_by=False), SEED)


def _computed(numbers: range) -> tuple[frozen.Maps, frozen.Truths]:
    views = [_views()[number] for number in numbers]
    return runner()([view.pixels for view in views]), np.stack([view.truth for view in views])


def _make(number: int) -> None:
    STORE.make(number, _computed)


if __name__ == "__main__":
    STORE.fill(__doc__ or "", VIEWS, _make)
