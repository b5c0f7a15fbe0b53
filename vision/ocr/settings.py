"""What the manifests of the three OCR nets say. The values live in the converters, never in this package."""

import msgspec


class DetectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes before the detector, and how its text map becomes boxes.

    Three frames: the upright `input` picture, the `working` picture that lines are cut from, and the `map`
    that the detector reads and writes. Lengths are pixels of the frame that their name says.
    """

    working_max_side: int
    """A longer picture is searched twice: reduced, then in tiles where that was not enough."""
    working_max_pixels: int
    """A larger picture is reduced to this."""
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
    search_max_pixels: int
    """The map of a picture longer than `working_max_side`, at most, in the first search."""
    flat_height: int
    """Bands are added to a picture longer than `working_max_side` that is lower than this, to this."""
    tile_side: int
    """Of a tile of the second search, without what it shares with others."""
    tile_margin: int
    """What the net sees beside a tile."""
    tiles_at_once: int
    small_line: float
    """Lines lower than this in the first map are searched again, at twice its scale."""
    tiny_line: float
    """And those lower than this in the picture as it is."""
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


class AngleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Input of the net that finds upside-down lines, and what turns the lines of a page."""

    height: int
    width: int
    padding: int
    """Grey level right of a line that is shorter than `width`."""
    max_lines: int
    """Lines in one batch."""
    turn_ratio: float
    """A line at least this many times higher than wide stands."""
    short_ratio: float
    """A line whose longer side is less than this many times its shorter one may stand or lie."""
    vote_letters: float
    """A line of this many letters has a full vote on the direction of a page; a longer one has no more."""
    most_turned: float
    """The part of the votes that the angle net may hold for upside down where a page is taken for upright."""
    witnesses: int
    """Lines that are read both ways where it holds more."""
    witness_ratio: int
    """Of a line that is longer than this many times its height, so much is read of it for that."""
    doubtful_score: float
    """A line that is read less surely is read in other directions, too."""
    margin: float
    """How much surer a line must be read against the page's direction than in it."""
    short_text: int
    """Letters below which that takes `short_margin`."""
    short_margin: float


class RecognitionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Input of the recogniser, and what it must be sure of."""

    height: int
    min_width: int
    """Shorter lines are padded to this."""
    width_step: int
    """Longer lines are padded to `min_width` plus a multiple of this."""
    max_width: int
    """Longer lines are read in pieces."""
    piece_width: int
    """Of each piece but the last."""
    piece_overlap: int
    """Columns that a piece shares with the next; a multiple of `step_width`, as `piece_width` is."""
    step_width: int
    """Columns in a step of the net's answer."""
    padding: int
    """Grey level right of a line that is shorter than its padded width."""
    max_lines: int
    """Lines in one batch."""
    max_columns: int
    """Lines times width of one batch, unless it is a single line."""
    min_score: float
    """Lines with a lower mean character probability are left out."""
