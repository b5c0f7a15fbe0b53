"""Settings of our own nets of shelf counting: how they were trained, are measured and are served.

The thresholds are the best of 10 shelves (numbers 900,000 to 900,009 of `evaluation/shelves`) that no lesson
draws: the coarser maps propose boxes across two neighbours, at scores and overlaps just under these. They
stand apart from the converter, which needs ONNX.
"""

from vision.shelf_counting import ShelfClassificationSettings, ShelfDetectionSettings

DETECTION = ShelfDetectionSettings(size=640, padding=114, min_score=0.5, max_overlap=0.4, max_detections=1000)
CLASSIFICATION = ShelfClassificationSettings(size=96, max_crops=32)
