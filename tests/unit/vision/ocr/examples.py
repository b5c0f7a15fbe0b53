"""Settings for tests, of the kind and size of the real ones."""

from vision.ocr.settings import AngleSettings, DetectionSettings, RecognitionSettings

DETECTION = DetectionSettings(
    working_max_side=2000,
    working_min_side=30,
    padding_height=30,
    padding_ratio=8,
    map_min_side=736,
    map_max_side=5888,
    size_multiple=32,
    text_threshold=0.3,
    box_threshold=0.5,
    max_regions=1000,
    min_region_side=3,
    unclip_ratio=1.6,
    min_box_side=5,
    min_line_side=4,
    row_gap=10,
    turn_ratio=1.5,
)
ANGLE = AngleSettings(height=48, width=192, padding=127, max_lines=4, upside_down_threshold=0.75)
RECOGNITION = RecognitionSettings(
    height=48,
    min_width=320,
    width_step=8,
    max_width=3200,
    padding=127,
    max_lines=4,
    max_columns=1600,
    min_score=0.5,
)
