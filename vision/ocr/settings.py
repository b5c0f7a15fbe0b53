"""What the manifests of the three OCR nets say. The values live in the converters, never in this package."""

import msgspec


class DetectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes before the detector, and how its text map becomes boxes.

    Three frames: the upright `input` picture, the `working` picture that lines are cut from, and the `map`
    that the detector reads and writes. Lengths are pixels of the frame that their name says.
    """

    working_max_side: int
    """A longer picture is reduced to this."""
    working_min_side: int
    """A narrower picture is enlarged to this."""
    padding_height: int
    """Bands are added above and below a picture no higher than this, to at least twice this."""
    padding_ratio: float
    """Bands are added to a picture with a greater width / height."""
    map_min_side: int
    """The working picture is enlarged until its shorter side is this for the detector."""
    map_max_side: int
    """But no further than to this longer side."""
    size_multiple: int
    """Sizes are rounded to multiples of this, the detector's stride."""
    text_threshold: float
    """A map pixel above this is text."""
    box_threshold: float
    """Mean of the map inside a box, at least."""
    max_regions: int
    """Regions looked at in one picture."""
    min_region_side: float
    """Shorter side of a region's rectangle in the map, at least."""
    unclip_ratio: float
    """A rectangle grows by area * ratio / perimeter: the net is trained on shrunk regions."""
    min_box_side: float
    """Shorter side of a grown rectangle in the map, at least."""
    min_line_side: int
    """Width and height of a box in the working picture, at least, in whole pixels."""
    row_gap: int
    """Boxes whose tops differ by this much in the working picture stand in different rows."""
    turn_ratio: float
    """A line at least this many times higher than wide is read from top to bottom."""


class AngleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Input of the net that finds upside-down lines, and when it is believed."""

    height: int
    width: int
    padding: int
    """Grey level right of a line that is shorter than `width`."""
    max_lines: int
    """Lines in one batch."""
    upside_down_threshold: float
    """A line is turned where the probability of upside down exceeds this."""


class RecognitionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Input of the recogniser, and what it must be sure of."""

    height: int
    min_width: int
    """Shorter lines are padded to this."""
    width_step: int
    """Longer lines are padded to `min_width` plus a multiple of this."""
    max_width: int
    """Longer lines are squeezed to this."""
    padding: int
    """Grey level right of a line that is shorter than its padded width."""
    max_lines: int
    """Lines in one batch."""
    max_columns: int
    """Lines times width of one batch, unless it is a single line."""
    min_score: float
    """Lines with a lower mean character probability are left out."""
