"""Settings of our own nets of shelf counting: how they were trained, are measured and are served.

The thresholds are the best of 10 shelves (numbers 900,000 to 900,009 of `evaluation/shelves`) that no lesson
draws: the coarser maps propose boxes across two neighbours, at scores and overlaps just under these. They
stand apart from the converter, which needs ONNX.
"""

from vision.shelf_counting import ShelfClassificationSettings
from vision.shelf_detection import ShelfDetectionSettings, ShelfTileSettings

TILES = ShelfTileSettings(
    max_aspect=2.0,
    small_product=13.5,  # 9 in 10 of such drinks are found, of smaller ones fewer
    small_in_tiles=14.5,
    usual_product=18.5,
    few_cover=0.4,
    shared=0.2,
    most=64,
    at_once=2,
)
DETECTION = ShelfDetectionSettings(
    size=640, padding=114, min_score=0.5, max_overlap=0.4, max_detections=1000, tiles=TILES
)
CLASSIFICATION = ShelfClassificationSettings(size=96, max_crops=32)
