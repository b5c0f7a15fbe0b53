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
    working_max_pixels=24_000_000,  # a screenshot of 1080 x 20000
    search_max_pixels=2_200_000,  # a page of A4 at 150 dpi
    flat_height=128,
    tile_side=1440,
    tile_margin=64,
    tiles_at_once=4,
    small_line=16,  # characters of 10 pixels
    tiny_line=14,  # of 8; it is 13 for all that are smaller
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
)
ANGLE = AngleSettings(
    height=_LINE_HEIGHT,
    width=192,
    padding=_PADDING,
    max_lines=16,
    turn_ratio=1.5,
    short_ratio=3,
    vote_letters=10,
    most_turned=0.75,
    witnesses=6,
    witness_ratio=16,
    doubtful_score=0.9,
    margin=0.1,
    short_text=5,
    short_margin=0.3,
)
RECOGNITION = RecognitionSettings(
    height=_LINE_HEIGHT,
    min_width=320,
    width_step=8,  # the net's stride; RapidOCR pads to the widest line of a batch
    max_width=3200,
    piece_width=1600,
    piece_overlap=320,
    step_width=8,
    padding=_PADDING,
    max_lines=16,
    max_columns=3200,
    min_score=0.5,
)
