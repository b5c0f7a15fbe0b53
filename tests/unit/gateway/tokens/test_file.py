"""The file of tokens: what may stand in it, and that it is read again when it changes."""

import dataclasses
import logging
import os
import stat
from pathlib import Path

import pytest

from gateway import tokens
from gateway.tokens import TokenFileError, Tokens
from tests.unit.gateway.tokens.requests import (
    OTHER,
    SECRET,
    Write,
    is_let_in,
    plain,
)


def test_comments_blank_lines_and_ends_of_line_do_not_matter(write: Write) -> None:
    known = Tokens(str(write(f"# of 2026\r\n\r\n  {SECRET}  \r\n   # {OTHER}\n\tocr\t{OTHER}")))
    assert is_let_in(known, plain(SECRET), "shelf_counting")
    assert is_let_in(known, plain(OTHER))
    assert not is_let_in(known, plain(OTHER), "shelf_counting")


BAD_FILES = {
    "empty": "",
    "comments alone": "# nothing\n\n",
    "too short": "short\n",
    "too long": "x" * 513,
    "no service of ours": f"ocr2 {SECRET}",
    "a service too many": f"ocr,,shelf_counting {SECRET}",
    "three words": f"ocr shelf_counting {SECRET}",
    "a service without its token": "image_classification,ocr\tshort",
    "not ASCII": "é" * 20,
    "binary": "\x00" * 40,
    "too many": "\n".join(f"{SECRET}{number}" for number in range(tokens.MAX_TOKENS + 1)),
    "too large": "#" * (tokens.MAX_FILE_BYTES + 1),
}


@pytest.mark.parametrize("text", BAD_FILES.values(), ids=list(BAD_FILES))
def test_a_malformed_file_is_an_error_in_one_line_that_tells_no_token(write: Write, text: str) -> None:
    with pytest.raises(TokenFileError) as caught:
        Tokens(str(write(text)))
    assert len(str(caught.value).splitlines()) == 1
    assert SECRET not in str(caught.value)


def test_a_malformed_line_is_named_by_its_number(write: Write) -> None:
    with pytest.raises(TokenFileError, match="line 3 "):
        Tokens(str(write(f"{SECRET}\n# and\nshort\n")))


def test_a_file_that_is_not_there_is_an_error_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(TokenFileError) as caught:
            Tokens(str(path))
        assert len(str(caught.value).splitlines()) == 1


def test_the_largest_number_of_tokens_is_accepted(write: Write) -> None:
    listed = [f"{SECRET}{number}" for number in range(tokens.MAX_TOKENS)]
    known = Tokens(str(write("\n".join(listed))))
    assert is_let_in(known, plain(listed[0]))
    assert is_let_in(known, plain(listed[-1]))


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_warned_of(
    write: Write, caplog: pytest.LogCaptureFixture, mode: int, *, warned: bool
) -> None:
    path = write(SECRET)
    path.chmod(mode)
    Tokens(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert bool([record for record in caplog.records if record.levelno == logging.WARNING]) == warned


# Rotation


def test_a_file_that_changes_is_looked_at_once_a_second(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tokens.CHECK_EVERY_S == 1
    known = Tokens(str(write(SECRET)))
    write(OTHER)
    monkeypatch.setattr(tokens, "CHECK_EVERY_S", 3600)
    assert is_let_in(known, plain(SECRET))
    monkeypatch.setattr(tokens, "CHECK_EVERY_S", 0)
    assert not is_let_in(known, plain(SECRET))
    assert is_let_in(known, plain(OTHER))


@pytest.mark.usefixtures("always_looking")
def test_tokens_rotate_without_a_request_lost(write: Write) -> None:
    known = Tokens(str(write(SECRET)))
    for number in range(20):
        old, new = f"{SECRET}-{number}", f"{SECRET}-{number + 1}"
        write(f"{old}\n{new}")
        assert is_let_in(known, plain(old))
        assert is_let_in(known, plain(new))
        write(new)
        assert not is_let_in(known, plain(old))
        assert is_let_in(known, plain(new))


@pytest.mark.usefixtures("always_looking")
def test_a_file_that_is_replaced_is_read_again_even_with_the_same_size_and_time(write: Write) -> None:
    path = write(SECRET)
    os.utime(path, ns=(0, 0))
    known = Tokens(str(path))
    replacement = path.with_name("replacement")
    replacement.write_text(SECRET[::-1])
    os.utime(replacement, ns=(0, 0))
    replacement.rename(path)
    assert not is_let_in(known, plain(SECRET))
    assert is_let_in(known, plain(SECRET[::-1]))


@pytest.mark.usefixtures("always_looking")
@pytest.mark.parametrize("spoil", [*BAD_FILES.values(), None], ids=[*BAD_FILES, "gone"])
def test_a_file_that_is_spoilt_later_leaves_the_last_tokens_and_one_error(
    write: Write, caplog: pytest.LogCaptureFixture, spoil: str | None
) -> None:
    path = write(SECRET)
    known = Tokens(str(path))
    path.unlink() if spoil is None else write(spoil)
    assert all(is_let_in(known, plain(SECRET)) for _ in range(3))
    assert not is_let_in(known, plain(OTHER))
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert all(SECRET not in str(vars(record)) for record in caplog.records)
    write(OTHER)
    assert is_let_in(known, plain(OTHER))
    assert not is_let_in(known, plain(SECRET))


def test_no_token_is_shown_by_its_object(write: Write) -> None:
    (token,) = tokens.parse(SECRET.encode())
    assert SECRET not in repr(token)
    assert {field.name for field in dataclasses.fields(token)} == {"secret", "digest", "services"}
