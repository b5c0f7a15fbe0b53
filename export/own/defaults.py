"""How a user's own nets are fed where nothing else is said: as YOLOv5 and ResNets are usually trained."""

SIZE = 640
CROP_SIZE = 224
MIN_SCORE = 0.25
MAX_OVERLAP = 0.45
"""The last two are those of YOLOv5's `detect.py`."""
