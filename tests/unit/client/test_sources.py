"""Words of a command line, and the names of what is saved."""

import codecs
import errno
import io
import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.services import SERVICES
from modelhub import sources
from modelhub.sources import SUFFIXES, BadWords, Request, Source, listed, omission, requests, takes_two
from modelhub_pictures.formats import FORMATS

SERVICE = "object_detection"
PAIR = "image_similarity"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def asked(*words: str, service: str = SERVICE, stdin: bytes = b"") -> list[Request]:
    return requests(service, words, io.BytesIO(stdin), [])


def names(*words: str, service: str = SERVICE) -> list[str]:
    return [one.name for one in asked(*words, service=service)]


def outputs(*words: str, service: str = SERVICE) -> list[str]:
    return [str(one.output) for one in asked(*words, service=service)]


def test_the_services_that_take_two_are_the_gateways() -> None:
    assert {name for name in SERVICES if takes_two(name)} == {
        name for name, service in SERVICES.items() if len(service.pictures) == 2
    }


def test_every_format_that_is_decoded_is_found_in_folders() -> None:
    assert {f".{name.lower()}" for name in FORMATS} <= SUFFIXES


def test_a_folder_means_the_pictures_below_it_in_order() -> None:
    made("in/b.JPG", "in/a/z.png", "in/a.webp", "in/notes.txt", "in/.hidden.jpg", "in/.git/x.jpg")
    assert names("in") == ["in/a.webp", "in/b.JPG", "in/a/z.png"]
    assert outputs("in") == [
        "a.object_detection.webp",
        "b.object_detection.JPG",
        "a/z.object_detection.png",
    ]


def test_outputs_of_earlier_runs_are_no_inputs() -> None:
    made("in/a.jpg", "in/a.object_detection.jpg", "in/a.ocr.png", "in/a.other.jpg", "in/a.gif.ocr.png")
    assert names("in") == ["in/a.jpg", "in/a.other.jpg"]


def test_links_to_folders_are_not_followed() -> None:
    made("in/a.jpg")
    Path("in/loop").symlink_to("..", target_is_directory=True)
    assert names("in") == ["in/a.jpg"]


def test_what_only_looks_like_a_picture_is_left_out_of_folders_and_patterns() -> None:
    made("in/a.jpg")
    Path("in/folder.jpg").mkdir()
    os.mkfifo("in/pipe.jpg")  # reading it would never end
    Path("in/gone.jpg").symlink_to("nowhere")
    assert names("in") == names("in/*.jpg") == ["in/a.jpg"]


def test_a_folder_that_cannot_be_read_is_asked_about_so_that_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made("in/a.jpg", "in/closed/b.jpg")
    scandir = os.scandir

    def guarded(path: str) -> object:
        if path.endswith("closed"):  # root, who may run this, may read every folder
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert names("in") == ["in/a.jpg", "in/closed"]


def test_a_file_that_one_may_not_look_at_is_asked_about_so_that_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closed(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    made("in/a.jpg")
    monkeypatch.setattr(Path, "is_file", closed)
    assert names("in") == names("in/*.jpg") == ["in/a.jpg"]


def test_a_pattern_keeps_what_is_below_its_fixed_part() -> None:
    made("in/x/a.jpg", "in/y/z/a.jpg", "in/y/b.png", "in/c.txt")
    assert names("in/**/*.jpg") == ["in/x/a.jpg", "in/y/z/a.jpg"]
    assert outputs("in/**/*.jpg") == ["x/a.object_detection.jpg", "y/z/a.object_detection.jpg"]
    assert names("in/*") == ["in/x/a.jpg", "in/y/b.png", "in/y/z/a.jpg"]
    assert sorted(names("in/**")) == sorted(names("in"))


def test_a_file_of_a_patterns_name_is_that_file() -> None:
    made("a[1].jpg", "a1.jpg")
    assert names("a[1].jpg") == ["a[1].jpg"]


def test_a_file_that_is_named_is_asked_about_whatever_its_name() -> None:
    made("photo", "photo.ocr.png")
    assert names("photo", "photo.ocr.png", "absent.jpg") == ["photo", "photo.ocr.png", "absent.jpg"]
    assert names("x" * 300) == ["x" * 300]  # longer than a file's name can be


def test_what_is_named_twice_is_asked_once() -> None:
    made("in/a.jpg")
    assert names("in", "in/a.jpg", "./in/../in/a.jpg", str(Path("in/a.jpg").resolve())) == ["in/a.jpg"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("",), "an empty name"),
        (("empty",), "no pictures in empty"),
        (("*.jpg",), r"no pictures in \*.jpg"),
        (("-", "-"), "once"),
        (("a.jpg\0b.jpg",), "a zero byte"),
        (("http://[/a.jpg",), "is no URL"),
    ],
)
def test_words_that_mean_nothing_are_refused(words: tuple[str, ...], why: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(BadWords, match=why):
        asked(*words)


def test_the_standard_input_is_a_picture() -> None:
    (one,) = asked("-", stdin=b"picture")
    assert [source.place for source in one.sources] == [b"picture"]
    assert str(one.output) == "stdin.object_detection.png"


def test_no_more_is_read_than_a_picture_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 10)
    with pytest.raises(BadWords, match="the standard input: larger than"):
        asked("-", stdin=b"x" * 11)
    made("0123456789a")
    with pytest.raises(OSError, match="larger than"):
        sources.read(Path("0123456789a"))


# Names of outputs


def test_formats_that_are_not_kept_become_png() -> None:
    assert outputs("a.gif", "b.tiff", "c") == [
        "a.gif.object_detection.png",
        "b.tiff.object_detection.png",
        "c.object_detection.png",
    ]


def test_names_that_would_be_one_are_told_apart_by_their_folders() -> None:
    made("x/in/a.jpg", "y/in/a.jpg", "y/in/b.jpg")
    assert outputs("x/in", "y/in") == [
        "x/in/a.object_detection.jpg",
        "y/in/a.object_detection.jpg",
        "b.object_detection.jpg",
    ]


def test_urls_that_differ_in_the_query_alone_have_different_outputs() -> None:
    first, second, third = outputs(
        "https://a.example/p/x.jpg?n=1", "https://a.example/p/x.jpg?n=2", "http://b.example/../../etc/passwd"
    )
    assert first != second
    assert first.startswith("x-")
    assert third == "passwd.object_detection.png"


@given(
    paths=st.lists(
        st.lists(
            st.sampled_from(["a", "b", "a.jpg", "a.gif", "a.gif.png", "a.png", "b-a.jpg"]),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=12,
        unique_by=tuple,
    ),
    service=st.sampled_from([SERVICE, PAIR]),
    data=st.data(),
)
def test_no_two_requests_ever_have_one_output(
    paths: list[list[str]], service: str, data: st.DataObject
) -> None:
    every = [
        Source(Path(*parts), "/".join(parts), tuple(parts), data.draw(st.integers(1, len(parts))))
        for parts in paths
    ]
    if service == PAIR:
        groups = [(left, right) for left in every for right in every[:3]]
    else:
        groups = [(source,) for source in every]  # type: ignore[misc]
    found = sources._outputs(service, groups)
    assert len(set(found)) == len(groups)
    for one in found:
        assert not one.is_absolute()
        assert ".." not in one.parts
        assert f".{service}." in one.name


# Pairs


def test_pictures_are_compared_two_by_two() -> None:
    assert names("a.jpg", "b.png", "c.jpg", "d.jpg", service=PAIR) == ["a.jpg b.png", "c.jpg d.jpg"]
    assert outputs("a.jpg", "b.png", service=PAIR) == ["a-b.image_similarity.jpg"]


def test_a_picture_is_compared_with_all_of_a_folder() -> None:
    made("in/x/a.jpg", "in/b.jpg")
    assert names("one.jpg", "in", service=PAIR) == ["one.jpg in/b.jpg", "one.jpg in/x/a.jpg"]
    assert outputs("one.jpg", "in", service=PAIR) == [
        "one-b.image_similarity.jpg",
        "x/one-a.image_similarity.jpg",
    ]


def test_folders_are_compared_name_by_name() -> None:
    made("old/a.jpg", "old/x/b.jpg", "new/a.jpg", "new/x/b.jpg")
    assert names("old", "new", service=PAIR) == ["old/a.jpg new/a.jpg", "old/x/b.jpg new/x/b.jpg"]


def test_folders_of_different_names_are_refused_with_an_example() -> None:
    made("old/a.jpg", "new/a.jpg", "new/x/b.jpg")
    with pytest.raises(BadWords, match=r"1 names are in one alone \(x/b.jpg\)"):
        asked("old", "new", service=PAIR)


def test_an_odd_picture_is_refused() -> None:
    with pytest.raises(BadWords, match="compares two pictures"):
        asked("a.jpg", "b.jpg", "c.jpg", service=PAIR)


# Lists


def test_a_list_has_a_name_a_line() -> None:
    assert listed(b"a b.jpg\n\nc.jpg\r\nd.jpg", SERVICE) == ["a b.jpg", "c.jpg", "d.jpg"]
    assert listed(b"a.jpg\tb.jpg\n", PAIR) == ["a.jpg", "b.jpg"]
    assert listed(b"a\xff\x0c.jpg", SERVICE) == ["a\udcff\x0c.jpg"]
    with pytest.raises(BadWords, match="line 2 of the list"):
        listed(b"a.jpg\tb.jpg\nc.jpg\n", PAIR)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_may_be_as_windows_saves_it(encoding: str, end: str) -> None:
    text = f"猫 1.jpg{end}{end}b.jpg{end}"
    assert listed(text.encode(encoding), SERVICE) == ["猫 1.jpg", "b.jpg"]
    big = codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    assert listed(big, SERVICE) == ["猫 1.jpg", "b.jpg"]


def test_a_list_that_is_not_what_it_begins_as_is_refused() -> None:
    with pytest.raises(BadWords, match="the list begins as UTF-16-LE and is not"):
        listed(codecs.BOM_UTF16_LE + b"a", SERVICE)


# What is left out


def test_files_of_a_folder_that_are_left_out_are_named() -> None:
    made(
        "in/a.jpg",
        "in/b.heic",
        "in/c.HEIC",
        "in/d.pdf",
        "in/e",
        "in/.hidden",
        "in/a.ocr.png",
        "in/deep/f.avif",
    )
    left_out: list[Path] = []
    assert len(requests(SERVICE, ["in"], io.BytesIO(), left_out)) == 1
    assert [path.name for path in left_out] == ["a.ocr.png", "b.heic", "c.HEIC", "d.pdf", "e", "f.avif"]
    line = omission(left_out)
    assert line.startswith(
        "left out, since they are no pictures by their names or outputs of ours: 2 .heic, 1 .png"
    )
    assert line.endswith("(in/a.ocr.png, in/b.heic, in/c.HEIC, ...)")


def test_a_pattern_leaves_out_what_is_no_picture_and_a_folder_without_pictures_says_what_it_has() -> None:
    made("in/a.jpg", "in/b.txt")
    left_out: list[Path] = []
    requests(SERVICE, ["in/*"], io.BytesIO(), left_out)
    assert left_out == [Path("in/b.txt")]
    made("other/b.heic")
    with pytest.raises(BadWords, match=r"no pictures in other; left out, .*1 \.heic \(other/b\.heic\)"):
        asked("other")


def test_outputs_are_relative_paths() -> None:
    assert isinstance(asked("a.jpg")[0].output, PurePosixPath)
