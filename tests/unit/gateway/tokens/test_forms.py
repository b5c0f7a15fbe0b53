"""Nobody is let in without a token, and nothing of a signed request can be changed."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BodyNotAsSigned
from gateway.services import SERVICES
from gateway.tokens import CLOCK_TOLERANCE, EASTERNMOST, WESTERNMOST, Authorization, Tokens
from tests.unit.gateway.tokens.requests import (
    BODY,
    OTHER,
    PATH,
    SECRET,
    Signed,
    Write,
    authorize,
    http_date,
    is_let_in,
    plain,
    refused,
)

secrets = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=16, max_size=80).filter(
    lambda text: not text.startswith("#")
)


# Without a file


@pytest.mark.parametrize("headers", [{}, plain(SECRET), Signed().headers()], ids=["none", "plain", "signed"])
def test_without_a_file_everybody_may_ask_and_no_body_is_hashed(headers: dict[str, str]) -> None:
    allowed = authorize(Tokens(""), headers)
    assert allowed.signed_md5 is None
    allowed.check_body(b"whatever")


# Forms


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer {}"])
def test_a_token_is_accepted_plain_or_as_a_bearers(one: Tokens, form: str) -> None:
    authorize(one, plain(form.format(SECRET))).check_body(b"whatever")


def test_a_signed_request_is_accepted_with_its_body_and_no_other(one: Tokens) -> None:
    allowed = authorize(one, Signed().headers())
    allowed.check_body(BODY)
    with pytest.raises(BodyNotAsSigned):
        allowed.check_body(BODY + b" ")


def test_the_md5_may_be_base64_as_in_rfc_1864(one: Tokens) -> None:
    digest = hashlib.md5(BODY).digest()
    md5, date = base64.b64encode(digest).decode(), http_date(datetime.now(UTC))
    message = f"POST\n{md5}\ntext/plain\n{date}\n{PATH}"
    signature = base64.b64encode(hmac.digest(SECRET.encode(), message.encode(), "sha1")).decode()
    headers = {"content-md5": md5, "date": date, "content-type": "text/plain"}
    authorize(one, headers | {"authorization": f"EAS {signature}"}).check_body(BODY)


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
    allowed = Authorization(hashlib.md5(body).digest())
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
