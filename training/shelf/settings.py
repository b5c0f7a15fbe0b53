"""How the nets that are trained here are fed and read: what their manifests say.

The thresholds are the best of 10 shelves (numbers 900,000 to 900,009) that no lesson draws: the coarser maps
propose boxes across two neighbours, at scores and overlaps just under these.
"""

from training.shelf.data import CROP_SIZE, LETTERBOX_SIZE, PADDING
from vision.shelf_counting import ShelfClassificationSettings, ShelfDetectionSettings

DETECTION = ShelfDetectionSettings(
    size=LETTERBOX_SIZE, padding=PADDING, min_score=0.5, max_overlap=0.4, max_detections=1000
)
CLASSIFICATION = ShelfClassificationSettings(size=CROP_SIZE, max_crops=32)
