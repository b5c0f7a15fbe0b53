"""What a transparent picture is laid on so that its text can be seen."""

import numpy as np
from PIL import Image

GROUNDS = (255, 0, 128)
"""Grey levels, the first choice first."""

_OPAQUE = 128
_VISIBLE = 64
"""Difference in grey level from which text can be read."""
_CLEARLY_BETTER = 0.1


def contrasting_ground(layer: Image.Image) -> int:
    """Return the grey level on which most of the outline of a picture of mode RGBA can be seen.

    The outline is what is opaque beside what is not: all letters of a label, and of a photograph its rim.
    """
    opaque = np.asarray(layer.getchannel("A")) >= _OPAQUE
    outline = np.zeros_like(opaque)
    across, down = opaque[:, 1:] != opaque[:, :-1], opaque[1:] != opaque[:-1]
    outline[:, 1:] |= across
    outline[:, :-1] |= across
    outline[1:] |= down
    outline[:-1] |= down
    grey = np.asarray(layer.convert("RGB").convert("L"))[outline & opaque].astype(np.int16)
    if not grey.size:
        return GROUNDS[0]
    seen = [float((abs(grey - ground) >= _VISIBLE).mean()) for ground in GROUNDS]
    return next(
        ground for ground, share in zip(GROUNDS, seen, strict=True) if share >= max(seen) - _CLEARLY_BETTER
    )
