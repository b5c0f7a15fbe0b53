"""The ImageNet classes that are places, which is what `lite` knows of scenes.

A class is in the list if a photograph of it shows where one is: somewhere to stand in or before. Things that
merely stand somewhere (a fence, a lamp, a bench) are not, nor are vehicles, however large.
"""

from typing import NamedTuple


class Place(NamedTuple):
    """A class id of ImageNet-1k, what kind of place it is, and why it is one."""

    class_id: int
    kind: str
    reason: str


PLACES = (
    Place(406, "indoor", "the altar's end of a church"),
    Place(410, "outdoor", "a bee yard"),
    Place(415, "indoor", "a shop that bakes"),
    Place(424, "indoor", "a shop that cuts hair"),
    Place(425, "outdoor", "a farm building"),
    Place(437, "outdoor", "a lighthouse on its shore"),
    Place(442, "outdoor", "the bell tower of a church"),
    Place(449, "outdoor", "a boathouse at the water"),
    Place(454, "indoor", "a shop for books"),
    Place(460, "outdoor", "a breakwater before a harbour"),
    Place(467, "indoor", "a shop for meat"),
    Place(483, "outdoor", "a castle"),
    Place(497, "outdoor", "a church"),
    Place(498, "outdoor", "a cinema, mostly its front"),
    Place(500, "outdoor", "dwellings in a cliff"),
    Place(509, "indoor", "a shop for sweets"),
    Place(525, "outdoor", "a dam"),
    Place(536, "outdoor", "a dock"),
    Place(538, "outdoor", "a domed building"),
    Place(540, "outdoor", "a platform at sea"),
    Place(562, "outdoor", "a fountain and its square"),
    Place(580, "indoor", "a greenhouse"),
    Place(582, "indoor", "a shop for groceries"),
    Place(598, "indoor", "a room for watching films"),
    Place(624, "indoor", "a library"),
    Place(634, "outdoor", "a yard where timber is sawn"),
    Place(646, "outdoor", "a maze of hedges"),
    Place(649, "outdoor", "standing stones"),
    Place(660, "outdoor", "a park of mobile homes"),
    Place(663, "outdoor", "a monastery"),
    Place(668, "outdoor", "a mosque"),
    Place(672, "outdoor", "a camp in the mountains"),
    Place(682, "outdoor", "an obelisk and its square"),
    Place(698, "outdoor", "a palace"),
    Place(706, "outdoor", "a patio"),
    Place(718, "outdoor", "a pier"),
    Place(727, "indoor", "a planetarium"),
    Place(743, "indoor", "a prison"),
    Place(762, "indoor", "a restaurant"),
    Place(788, "indoor", "a shop for shoes"),
    Place(819, "indoor", "a stage"),
    Place(821, "outdoor", "a bridge of steel arches"),
    Place(832, "outdoor", "a stupa"),
    Place(839, "outdoor", "a suspension bridge"),
    Place(860, "indoor", "a shop for tobacco"),
    Place(865, "indoor", "a shop for toys"),
    Place(873, "outdoor", "a triumphal arch"),
    Place(884, "indoor", "a vaulted hall"),
    Place(888, "outdoor", "a viaduct"),
    Place(900, "outdoor", "a water tower"),
    Place(915, "outdoor", "a yurt on its steppe"),
    Place(970, "natural", "high mountains"),
    Place(972, "natural", "a cliff"),
    Place(973, "natural", "a coral reef"),
    Place(974, "natural", "a geyser"),
    Place(975, "natural", "the shore of a lake"),
    Place(976, "natural", "a headland"),
    Place(977, "natural", "a sandbar"),
    Place(978, "natural", "the shore of the sea"),
    Place(979, "natural", "a valley"),
    Place(980, "natural", "a volcano"),
)
