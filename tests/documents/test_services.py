"""The services' pages: one shape, facts from the code, pictures that the code draws."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from documents import sections
from documents.__main__ import made, page_of
from documents.examples import IMAGES, PICTURES, SIDE, SIGN, answered, shortened
from documents.tables import table
from embedded.paths import REPOSITORY, ROOT
from export.catalogue import EXTRAS, NETS
from gateway.services import SERVICES
from modelhub import ModelHub
from tests.documents.shortened import differences
from vision.manifest import Profile, load_manifest, manifest_path

SHAPE = (
    "Request",
    "Answer",
    "Limits and empty results",
    "Failures",
    "Nets",
    "Figures",
    "Example",
)
FREE = ("CC0", "public domain")
MOST_DIFFERENCE = 6.0
"""Grey levels on the whole, by which pictures of other fonts and other processors differ."""
LARGEST_FILE = 80_000


@pytest.mark.parametrize("service", SERVICES)
def test_pages_have_one_shape(service: str) -> None:
    page = page_of(service).read_text()
    assert page.startswith(f"# {service}\n")
    assert tuple(re.findall(r"^## (.*)$", page, re.MULTILINE)) == SHAPE
    assert sections.names(page) == ["request", "answer", "nets", "figures", "example"]
    assert f"](../images/{service}.jpg)" in page


@pytest.mark.parametrize("service", SERVICES)
def test_tables_are_those_of_the_code(service: str) -> None:
    page = page_of(service).read_text()
    assert sections.rewritten(page, made(service)) == page, "python -m documents writes it anew"


@pytest.mark.parametrize("service", SERVICES)
def test_every_net_its_licence_and_a_figure_are_told(service: str) -> None:
    page = page_of(service).read_text()
    nets = [net for net in NETS if net.service == service]
    assert {net.profile for net in nets} == set(Profile)
    for net in nets:
        for source in net.sources:
            (row,) = [
                line
                for line in page.splitlines()
                if _is_row_of(line, net.profile.value, net.name, source.name)
            ]
            assert row.endswith(f"| {source.licence} |")
    figures = made(service)["figures"].splitlines()
    assert len(figures) > 2


def _is_row_of(line: str, *cells: str) -> bool:
    return all(f"| {cell} |" in line or f"| `{cell}` |" in line for cell in cells)


@pytest.mark.parametrize("service", SERVICES)
def test_numbers_of_settings_are_those_of_the_exported_nets(service: str) -> None:
    of_nets: dict[str, set[object]] = {}
    for net in NETS:
        path = manifest_path(REPOSITORY, net.name)
        if net.service == service and net.profile is Profile.LITE and path.exists():
            for name, value in load_manifest(path).settings.items():
                of_nets.setdefault(name, set()).add(value if isinstance(value, int | float) else None)
    told = re.findall(r"`([a-z_]+)` (\d+(?:\.\d+)?)\b", page_of(service).read_text())
    for name, number in told:
        if name in of_nets:
            assert float(number) in of_nets[name], f"{name} {number}"


@pytest.mark.parametrize("service", SERVICES)
def test_pictures_that_are_published_may_be(service: str) -> None:
    licences = {extra.file.name: extra.file.licence for extra in EXTRAS}
    for path in PICTURES[service]:
        assert path.name not in licences or licences[path.name].startswith(FREE), path
    with Image.open(IMAGES / f"{service}.jpg") as picture:
        assert max(picture.size) <= SIDE
    assert (IMAGES / f"{service}.jpg").stat().st_size <= LARGEST_FILE


@pytest.mark.parametrize("service", SERVICES)
def test_pictures_and_examples_are_what_the_system_answers(service: str, gateway_url: str) -> None:
    with ModelHub(gateway_url) as hub:
        _, picture = answered(hub, service)
    drawn, kept = (
        np.asarray(Image.open(source), dtype=np.float32)
        for source in (io.BytesIO(picture), IMAGES / f"{service}.jpg")
    )
    assert drawn.shape == kept.shape
    assert np.abs(drawn - kept).mean() <= MOST_DIFFERENCE, "make documents draws it anew"


def test_every_page_is_in_the_index_and_the_readme() -> None:
    for page in ("docs/services/README.md", "README.md", "README.zh.md"):
        text = (ROOT / page).read_text()
        rows = re.findall(r"^\| \[`?(\w+)`?\]\((?:docs/services/)?(\w+)\.md\) \|", text, re.MULTILINE)
        assert [name for name, target in rows if name == target] == [name for name, _ in rows]
        assert {name for name, _ in rows} == set(SERVICES), page


def test_the_sign_is_small_and_there() -> None:
    assert SIGN.stat().st_size <= LARGEST_FILE


TEXT = st.text(alphabet="ab |\n", max_size=20)


@given(TEXT, TEXT, TEXT)
def test_only_what_is_in_a_section_is_replaced(before: str, inside: str, after: str) -> None:
    page = f"{before}\n<!-- made: one -->\nold\n<!-- end -->{after}"
    new = sections.rewritten(page, {"one": inside})
    assert new == f"{before}\n<!-- made: one -->\n{inside.strip()}\n<!-- end -->{after}"
    assert sections.rewritten(new, {"one": inside}) == new
    assert sections.rewritten(page, {"two": inside}) == page


def test_a_bar_in_a_cell_ends_no_cell() -> None:
    assert table(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"


ANSWERS = st.dictionaries(
    st.sampled_from(["boxes", "names", "probs", "size", "text"]),
    st.lists(st.lists(st.floats(0, 1000), min_size=4, max_size=4), max_size=9)
    | st.lists(st.text(), max_size=9)
    | st.dictionaries(st.text(min_size=1, max_size=4), st.floats(0, 1), min_size=1, max_size=9)
    | st.integers()
    | st.text(max_size=90),
)


@given(ANSWERS)
def test_a_shortened_answer_is_taken_for_the_answer(answer: dict[str, object]) -> None:
    cut = shortened(answer)
    assert list(differences(cut, answer)) == []
    assert isinstance(cut, dict)
    assert all(len(value) <= 5 for value in cut.values() if isinstance(value, list))
    assert all(len(value) <= 40 for value in cut.values() if isinstance(value, str))
