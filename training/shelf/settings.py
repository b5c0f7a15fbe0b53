"""How the nets that are trained here are fed and read: what their manifests say."""

from training.shelf.data import CROP_SIZE, LETTERBOX_SIZE, PADDING
from vision.shelf_counting import ShelfClassificationSettings, ShelfDetectionSettings

DETECTION = ShelfDetectionSettings(
    size=LETTERBOX_SIZE, padding=PADDING, min_score=0.35, max_overlap=0.5, max_detections=1000
)
CLASSIFICATION = ShelfClassificationSettings(size=CROP_SIZE, max_crops=32)
