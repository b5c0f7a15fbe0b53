"""The regions that training reads: where they lie, and how much they show."""

from training.files import work_folder

ROOM = 0.4
"""On every side of a box, of its size: more than the served margin by what windows may move."""
SIDE = 160
MAP_SIDE = 80
REGIONS = work_folder("instance") / "regions.npy"
"""uint8 [n, SIDE, SIDE, 3]."""
MARGINS = work_folder("instance") / "margins.npy"
"""float16 [n, MAP_SIDE, MAP_SIDE]: the teacher's logit of the thing's class less the largest other."""
