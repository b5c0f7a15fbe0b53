"""Nobody is let in without a token, and nothing of a signed request can be changed."""

import base64
import dataclasses
import hashlib
import hmac
import logging
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from gateway import tokens
from gateway.errors import BodyNotAsSigned, NotAuthorized
from gateway.services import SERVICES
from gateway.settings import Settings
from gateway.tokens import CLOCK_TOLERANCE, EASTERNMOST, WESTERNMOST, Claim, TokenFileError, Tokens
from tests.unit.gateway.checks import assert_failure
from tests.unit.gateway.conftest import PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import FakeTriton

SECRET = "a-secret-of-the-tests-0001"
OTHER = "another-secret-of-tests-02"
BODY = b'{"image": "AAAA"}'
SERVICE = "ocr"
PATH = f"/api/predict/{SERVICE}"

secrets = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=16, max_size=80).filter(
    lambda text: not text.startswith("#")
)


def http_date(when: datetime) -> str:
    return when.strftime("%a, %d %b %Y %H:%M:%S GMT")


@dataclass(frozen=True)
class Signed:
    """A request as eas-prediction 0.31 signs it."""

    secret: str = SECRET
    body: bytes = BODY
    date: str = ""
    content_type: str = "application/octet-stream"
    path: str = PATH

    def headers(self) -> dict[str, str]:
        md5 = hashlib.md5(self.body).hexdigest()
        date = self.date or http_date(datetime.now(UTC))
        message = "\n".join(("POST", md5, self.content_type, date, self.path))
        signature = hmac.new(self.secret.encode(), message.encode(), hashlib.sha1).digest()
        return {
            "Content-MD5": md5,
            "Date": date,
            "Content-Type": self.content_type,
            "Authorization": f"EAS {base64.b64encode(signature).decode()}",
        }


def plain(secret: str) -> dict[str, str]:
    return {"Authorization": secret}


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of tokens that only its owner can read."""

    def written(text: str, *, mode: int = 0o600) -> Path:
        path = tmp_path / "tokens"
        path.write_text(text)
        path.chmod(mode)
        return path

    return written


@pytest.fixture
def always_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is looked at again at every request."""
    monkeypatch.setattr(tokens, "CHECK_EVERY_S", 0.0)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return Tokens(str(path))


def claim(
    of: Tokens, headers: dict[str, str], *, service: str = SERVICE, method: str = "POST", path: str = PATH
) -> Claim:
    return of.claim(method, path, Headers(headers), service)


def is_let_in(of: Tokens, headers: dict[str, str], service: str = SERVICE) -> bool:
    try:
        claim(of, headers, service=service)
    except NotAuthorized:
        return False
    return True


def refused(of: Tokens, headers: dict[str, str], **changed: str) -> NotAuthorized:
    with pytest.raises(NotAuthorized) as caught:
        claim(of, headers, **changed)
    return caught.value


# Without a file


@pytest.mark.parametrize("headers", [{}, plain(SECRET), Signed().headers()], ids=["none", "plain", "signed"])
def test_without_a_file_everybody_may_ask_and_no_body_is_hashed(headers: dict[str, str]) -> None:
    allowed = claim(Tokens(""), headers)
    assert allowed.signed_md5 is None
    allowed.check_body(b"whatever")


# Forms


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer {}"])
def test_a_token_is_accepted_plain_or_as_a_bearers(one: Tokens, form: str) -> None:
    claim(one, plain(form.format(SECRET))).check_body(b"whatever")


def test_a_signed_request_is_accepted_with_its_body_and_no_other(one: Tokens) -> None:
    allowed = claim(one, Signed().headers())
    allowed.check_body(BODY)
    with pytest.raises(BodyNotAsSigned):
        allowed.check_body(BODY + b" ")


def test_the_md5_may_be_base64_as_in_rfc_1864(one: Tokens) -> None:
    digest = hashlib.md5(BODY).digest()
    md5, date = base64.b64encode(digest).decode(), http_date(datetime.now(UTC))
    message = f"POST\n{md5}\ntext/plain\n{date}\n{PATH}"
    signature = base64.b64encode(hmac.digest(SECRET.encode(), message.encode(), "sha1")).decode()
    headers = {"content-md5": md5, "date": date, "content-type": "text/plain"}
    claim(one, headers | {"authorization": f"EAS {signature}"}).check_body(BODY)


MALFORMED = {
    "absent": {},
    "empty": plain(""),
    "a blank": plain(" "),
    "a scheme alone": plain("Bearer"),
    "a scheme and a blank": plain("Bearer "),
    "two blanks": plain(f"Bearer  {SECRET}"),
    "more after it": plain(f"Bearer {SECRET} x"),
    "another scheme": plain(f"Basic {base64.b64encode(SECRET.encode()).decode()}"),
    "a scheme that there is not": plain(f"Token {SECRET}"),
    "half of it": plain(SECRET[: len(SECRET) // 2]),
    "more than it": plain(SECRET + "0"),
    "in capitals": plain(SECRET.upper()),
    "not ASCII": plain("é" * len(SECRET)),
    "a NUL": plain(SECRET + "\x00"),
    "its SHA-256": plain(hashlib.sha256(SECRET.encode()).hexdigest()),
    "EAS and nothing": {**Signed().headers(), "Authorization": "EAS "},
    "EAS and the token": {**Signed().headers(), "Authorization": f"EAS {SECRET}"},
    "EAS without its headers": plain(Signed().headers()["Authorization"]),
    "EAS, padding cut": {**Signed().headers(), "Authorization": Signed().headers()["Authorization"][:-1]},
    "EAS, a blank more": {**Signed().headers(), "Authorization": Signed().headers()["Authorization"] + " "},
    "EAS, not ASCII": {**Signed().headers(), "Authorization": "EAS " + "é" * 28},
    "EAS, MD5 is none": {**Signed().headers(), "Content-MD5": "x" * 32},
    "EAS, MD5 too short": {**Signed().headers(), "Content-MD5": "0" * 31},
    "EAS, MD5 with a line": {**Signed().headers(), "Content-MD5": "0" * 32 + "\n"},
    "signed with another token": Signed(secret=OTHER).headers(),
    "signed with nothing": Signed(secret="").headers(),
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=list(MALFORMED))
def test_a_malformed_or_wrong_header_is_refused(one: Tokens, headers: dict[str, str]) -> None:
    error = refused(one, headers)
    assert error.code == 40101
    assert error.headers["WWW-Authenticate"]
    assert SECRET not in str(error)


header_text = st.text(st.characters(max_codepoint=0xFF), max_size=60)


@given(header_text, header_text, header_text)
@settings(max_examples=200)
def test_whatever_the_headers_hold_they_are_refused_and_nothing_else_goes_wrong(
    one: Tokens, authorization: str, md5: str, date: str
) -> None:
    for value in (authorization, f"EAS {authorization}", f"Bearer {authorization}"):
        refused(one, {"authorization": value, "content-md5": md5, "date": date})
        signed = Signed(date=date or "now", content_type=md5).headers()
        if date and date.isprintable():
            refused(one, signed)


# Random tokens, and every single bit


@given(st.lists(secrets, min_size=1, max_size=8, unique=True), secrets)
@settings(max_examples=60, deadline=None)
def test_exactly_the_tokens_in_the_file_are_accepted(
    tmp_path_factory: pytest.TempPathFactory, listed: list[str], stranger: str
) -> None:
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text("\n".join(listed))
    path.chmod(0o600)
    known = Tokens(str(path))
    for secret in listed:
        assert is_let_in(known, plain(secret))
        assert is_let_in(known, Signed(secret=secret).headers())
    assert is_let_in(known, plain(stranger)) == (stranger in listed)
    assert is_let_in(known, Signed(secret=stranger).headers()) == (stranger in listed)


def flips(text: str) -> Iterator[str]:
    """Every text that differs from this one in one bit."""
    for index, character in enumerate(text):
        for bit in range(8):
            yield text[:index] + chr(ord(character) ^ 1 << bit) + text[index + 1 :]


def test_a_token_with_any_bit_changed_is_refused(one: Tokens) -> None:
    wrong = list(flips(SECRET))
    assert len(wrong) == 8 * len(SECRET)
    assert not any(is_let_in(one, plain(text)) for text in wrong)


@pytest.mark.parametrize("name", ["Authorization", "Content-MD5", "Content-Type"])
def test_a_signed_request_with_any_bit_of_a_header_changed_is_refused(one: Tokens, name: str) -> None:
    headers = Signed().headers()
    assert is_let_in(one, headers)
    scheme = "EAS " if name == "Authorization" else ""
    value = headers[name].removeprefix(scheme)
    assert not any(is_let_in(one, {**headers, name: scheme + text}) for text in flips(value))


def test_a_signed_request_for_another_path_is_refused(one: Tokens) -> None:
    for changed in flips(PATH):
        refused(one, Signed().headers(), path=changed)


def test_what_is_signed_for_one_service_opens_no_other(one: Tokens) -> None:
    """Even if somebody makes the gateway believe in another path than the one that was asked."""
    refused(one, Signed().headers(), service="shelf_counting")


def test_a_signed_request_of_another_method_is_refused(one: Tokens) -> None:
    refused(one, Signed().headers(), method="PUT")


@given(st.binary(min_size=1, max_size=64), st.integers(0, 511))
def test_a_signed_body_with_any_bit_changed_is_refused(body: bytes, bit: int) -> None:
    allowed = Claim(hashlib.md5(body).digest())
    allowed.check_body(body)
    changed = bytearray(body)
    changed[bit // 8 % len(body)] ^= 1 << bit % 8
    with pytest.raises(BodyNotAsSigned):
        allowed.check_body(bytes(changed))


# Replays


@pytest.mark.parametrize(
    ("ahead", "accepted"),
    [
        (timedelta(0), True),
        (timedelta(hours=8), True),  # the hosted service's client in Shanghai calls its local time GMT
        (WESTERNMOST, True),
        (EASTERNMOST, True),
        (WESTERNMOST - CLOCK_TOLERANCE + timedelta(minutes=1), True),
        (EASTERNMOST + CLOCK_TOLERANCE - timedelta(minutes=1), True),
        (WESTERNMOST - CLOCK_TOLERANCE - timedelta(minutes=1), False),
        (EASTERNMOST + CLOCK_TOLERANCE + timedelta(minutes=1), False),
        (timedelta(days=-1), False),
        (timedelta(days=1), False),
        (timedelta(days=-3650), False),
    ],
    ids=str,
)
def test_a_signature_is_good_for_a_day_at_most(one: Tokens, ahead: timedelta, *, accepted: bool) -> None:
    signed = Signed(date=http_date(datetime.now(UTC) + ahead)).headers()
    assert is_let_in(one, signed) == accepted


@pytest.mark.parametrize(
    "date",
    [
        "soon",
        "0",
        "Mon, 99 Nov 2026 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Fri, 31 Dec 9999 23:59:59 -2359",
    ],
)
def test_a_date_that_is_none_is_refused_however_well_it_is_signed(one: Tokens, date: str) -> None:
    assert "Date" in str(refused(one, Signed(date=date).headers()))


def test_a_date_is_part_of_what_is_signed(one: Tokens) -> None:
    later = http_date(datetime.now(UTC) + timedelta(seconds=1))
    refused(one, {**Signed().headers(), "Date": later})


# Tokens for services


def test_a_token_opens_the_services_of_its_line_and_no_other(write: Write) -> None:
    known = Tokens(str(write(f"ocr,image_similarity {SECRET}\n{OTHER}\n")))
    opened = {name for name in SERVICES if is_let_in(known, plain(SECRET), name)}
    assert opened == {"ocr", "image_similarity"}
    assert all(is_let_in(known, plain(OTHER), name) for name in SERVICES)
    assert is_let_in(known, Signed().headers())
    path = "/api/predict/shelf_counting"
    refused(known, Signed(path=path).headers(), path=path, service="shelf_counting")


def test_a_token_that_stands_twice_opens_what_either_line_does(write: Write) -> None:
    known = Tokens(str(write(f"ocr {SECRET}\nshelf_counting {SECRET}\n")))
    opened = {name for name in SERVICES if is_let_in(known, plain(SECRET), name)}
    assert opened == {"ocr", "shelf_counting"}


# The file


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


# Through the application


@pytest.fixture
def guarded(write: Write) -> httpx.AsyncClient:
    path = write(f"ocr {SECRET}\n{OTHER}\n")
    return client_of(Settings(token_file=str(path)), FakeTriton())


GOOD = b'{"image": "%s"}' % PICTURE_BASE64.encode()


@pytest.mark.parametrize("headers", [plain(SECRET), Signed(body=GOOD).headers()], ids=["plain", "signed"])
async def test_the_application_lets_in_who_has_a_token(
    guarded: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    async with guarded as client:
        response = await client.post(PATH, content=GOOD, headers=headers)
    assert response.status_code == 200, response.text


async def test_the_application_refuses_everybody_else(
    guarded: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [{}, plain(SECRET + "x"), Signed(secret=OTHER + "x", body=GOOD).headers(), Signed().headers()]
    async with guarded as client:
        for headers in wrong:
            response = await client.post(PATH, content=GOOD, headers=headers)
            assert_failure(response, 40101)
            assert response.headers["www-authenticate"] == 'Bearer realm="modelhub"'
            assert SECRET not in response.text
        narrow = await client.post("/api/predict/image_classification", content=GOOD, headers=plain(SECRET))
        assert_failure(narrow, 40101)
    assert all(SECRET not in str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize("host", ["gateway{path}?", "gateway{path}#", "a@b{path}?", "[::1]{path};"])
async def test_a_signature_for_one_service_opens_no_other_whatever_host_is_asked(
    guarded: httpx.AsyncClient, host: str
) -> None:
    headers = {**Signed(secret=OTHER, body=GOOD).headers(), "Host": host.format(path=PATH)}
    async with guarded as client:
        response = await client.post("/api/predict/image_classification", content=GOOD, headers=headers)
    assert_failure(response, 40101)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/openapi.json"])
async def test_health_and_documentation_stay_open(guarded: httpx.AsyncClient, path: str) -> None:
    async with guarded as client:
        assert (await client.get(path)).status_code in (200, 503)


async def test_who_has_no_token_is_told_before_the_body_is_read(write: Write) -> None:
    app = Settings(token_file=str(write(SECRET)), max_body_bytes=10)
    async with client_of(app, FakeTriton()) as client:
        assert_failure(await client.post(PATH, content=b" " * 100), 40101)
        assert_failure(await client.post(PATH, content=b" " * 100, headers=plain(SECRET)), 41301)
