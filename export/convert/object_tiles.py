"""In which tiles the detectors of `lite` and `full` search a long picture."""

from vision.object_detection import ObjectTileSettings

TILES = ObjectTileSettings(max_aspect=2.0, aspect=4 / 3, shared=0.5, most=16, at_once=2)
"""Of the aspect that photos usually have. What is larger than they share is seen in the whole picture."""
