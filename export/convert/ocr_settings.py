"""Settings of PP-OCR's three nets. Values are RapidOCR's unless a comment gives another reason.

Source: rapidocr 3.10.0, `rapidocr/config.yaml` and the classes that read it. They stand apart from the
converter, which needs ONNX, so that the stages are tested with the same values.
"""

from vision.ocr.settings import AngleSettings, DetectionSettings, RecognitionSettings

_LINE_HEIGHT = 48
_PADDING = 127
"""0 to the nets lies between 127 and 128; probabilities move by 0.0001 with 127, 0.0004 with 128."""

DETECTION = DetectionSettings(
    working_max_side=2000,
    working_min_side=30,
    padding_height=30,
    padding_ratio=8,
    map_min_side=736,
    map_max_side=5888,  # RapidOCR has no limit; this is what its longest unpadded picture (8 : 1) needs
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
ANGLE = AngleSettings(
    height=_LINE_HEIGHT,
    width=192,
    padding=_PADDING,
    max_lines=16,
    upside_down_threshold=0.9,
)
RECOGNITION = RecognitionSettings(
    height=_LINE_HEIGHT,
    min_width=320,
    width_step=8,  # the net's stride; RapidOCR pads to the widest line of a batch
    max_width=3200,
    padding=_PADDING,
    max_lines=16,
    max_columns=3200,
    min_score=0.5,
)
