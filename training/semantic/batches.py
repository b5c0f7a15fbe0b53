"""Batches of pictures with the teacher's logits, augmented alike."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.augment import jitter, sample, windows
from training.semantic.views import view_groups
from training.teacher import CLASSES

SMALLEST_WINDOW = 0.8
"""Of a view's side; views are crops themselves."""
PASTE_SHARE = 0.15
"""Of pictures that get a rectangle of another one pasted in (CutMix, Yun et al. 2019)."""
STRIDE = 8
GROUP_SHARES = (0.6, 0.25, 0.15)
"""Of whole labelled photos, crops of them, and the extra photos with their crops."""


class Batches:
    """Draws batches from views uint8 [n, S, S, 3] and logits float16 [n, g, g, C]."""

    def __init__(self, views: NDArray[np.uint8], logits: NDArray[np.float16]) -> None:
        self._views, self._logits = views, logits

    def draw(
        self, random: np.random.Generator, odds: NDArray[np.float64], size: int, side: int
    ) -> tuple[Tensor, Tensor]:
        """Return pictures [size, 3, side, side] of -1 to 1, and logits [size, C, side / 8, side / 8].

        `odds` [n] are those of drawing each view.
        """
        chosen = random.choice(len(self._views), size, p=odds)
        views = torch.from_numpy(self._views[chosen]).permute(0, 3, 1, 2).float() / 127.5 - 1
        logits = torch.from_numpy(self._logits[chosen].astype(np.float32)).permute(0, 3, 1, 2)
        shares = random.uniform(SMALLEST_WINDOW, 1, (size, 1)) * random.uniform(0.9, 1, (size, 2))
        places = windows(random, shares, random.uniform(-1, 1, (size, 2)) * (1 - shares))
        pictures = sample(views, places, side, corners=False)
        targets = sample(logits, places, side // STRIDE, corners=True)
        jitter(pictures, random)
        _paste(pictures, targets, random)
        return pictures.contiguous(memory_format=torch.channels_last), targets


def rarity(logits: NDArray[np.float16]) -> NDArray[np.float64]:
    """Return the odds of drawing each view: half alike, half by the rarest class that a view shows."""
    classes = logits.argmax(axis=3).reshape(len(logits), -1)
    shares = np.stack([(classes == one).mean(axis=1) for one in range(CLASSES)], axis=1)
    shown = shares > 0.01
    worth = 1 / np.sqrt(shown.sum(axis=0).clip(1))
    worth[0] = worth[shown.any(axis=0)].min()
    odds: NDArray[np.float64] = (shown * worth).max(axis=1).clip(worth[0])
    return 0.5 / len(odds) + 0.5 * odds / odds.sum()


def like_measured(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `odds` [n] moved to what is measured: mostly labelled photos, and mostly whole ones."""
    groups = view_groups()
    shares = np.array([odds[groups == group].sum() for group in range(len(GROUP_SHARES))])
    moved: NDArray[np.float64] = odds * (np.array(GROUP_SHARES) / shares)[groups]
    return moved


def _paste(pictures: Tensor, targets: Tensor, random: np.random.Generator) -> None:
    """Paste a rectangle of the next picture of the batch into some, with its logits, in place."""
    cells = targets.shape[2]
    others, other_targets = pictures.roll(1, 0), targets.roll(1, 0)
    for index in np.flatnonzero(random.random(len(pictures)) < PASTE_SHARE):
        height, width = random.integers(cells // 4, cells * 3 // 4, 2)
        top, left = random.integers(0, cells - height), random.integers(0, cells - width)
        place = (slice(None), slice(top, top + height), slice(left, left + width))
        targets[index][place] = other_targets[index][place]
        fine = (slice(None), *(slice(part.start * STRIDE, part.stop * STRIDE) for part in place[1:]))
        pictures[index][fine] = others[index][fine]
