"""The list of places: each class once, each with its reason."""

from export.convert.places import PLACES


def test_every_place_is_a_class_of_its_own_with_a_reason() -> None:
    ids = [place.class_id for place in PLACES]
    assert ids == sorted(set(ids))
    assert set(ids) <= set(range(1000))
    assert {place.kind for place in PLACES} == {"indoor", "outdoor", "natural"}
    assert all(place.reason for place in PLACES)
