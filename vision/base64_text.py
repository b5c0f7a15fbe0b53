"""Base64 as callers send it: plain, URL-safe, wrapped in lines, or inside a `data:` URL."""

import binascii
import re

import pybase64

from modelhub_pictures.errors import InvalidBase64

_DATA_URL = re.compile(rb"data:[^,]{0,256};base64,", re.IGNORECASE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_WHITESPACE = b" \t\r\n\f\v"


def decode_base64(text: bytes) -> bytes:
    """Return the bytes that `text` (ASCII) encodes; padding may be absent.

    Raises InvalidBase64 for any character outside the alphabet and for impossible lengths.
    """
    header = _DATA_URL.match(text)
    payload = text[header.end() :] if header else text
    try:
        return pybase64.b64decode(payload, validate=True)
    except binascii.Error:  # most callers send the plain form; the others pay for a second look
        return _decode_loosely(payload)


def _decode_loosely(payload: bytes) -> bytes:
    plain = payload.translate(_URL_SAFE, _WHITESPACE).rstrip(b"=")
    try:
        return pybase64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise InvalidBase64(f"not valid Base64: {error}") from None
