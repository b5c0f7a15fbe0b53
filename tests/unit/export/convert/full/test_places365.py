"""The list of scenes, held against the publisher's file and the published page."""

import hashlib

from export.convert.full.places365 import PLACES365

PUBLISHED = "2affba635eb657e7ca95f4e6cc69bd9fac29ef4c32aeb83cafdfcd06ec6a1ea6"
"""SHA-256 of `categories_places365.txt`, of which the names can be told back."""

OF_THE_PAGE = {
    266: "pier",
    57: "boardwalk",
    159: "gazebo-exterior",
    260: "pavilion",
    243: "ocean",
    0: "airfield",
    8: "apartment_building-outdoor",
    13: "archaelogical_excavation",
    14: "archive",
}
"""Ids and names in the example of the service's published page."""


def test_there_are_365_different_scenes() -> None:
    assert len(PLACES365) == len(set(PLACES365)) == 365


def test_they_are_those_of_the_publishers_file_in_its_order() -> None:
    lines = (f"/{name[0]}/{name.replace('-', '/')} {index}" for index, name in enumerate(PLACES365))
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == PUBLISHED


def test_they_are_written_as_on_the_services_page() -> None:
    assert {index: PLACES365[index] for index in OF_THE_PAGE} == OF_THE_PAGE
