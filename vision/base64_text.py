"""Base64 as callers send it: plain, URL-safe, wrapped in lines, or inside a `data:` URL."""

import binascii
import re
import string

from vision.errors import InvalidBase64

_DATA_URL = re.compile(rb"data:[^,]{0,256};base64,", re.IGNORECASE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ALPHABET = (string.ascii_letters + string.digits + "+/").encode()
_WHITESPACE = b" \t\r\n\f\v"


def decode_base64(text: bytes) -> bytes:
    """Return the bytes that `text` (ASCII) encodes; padding may be absent.

    Raises InvalidBase64 for any character outside the alphabet and for impossible lengths.
    """
    header = _DATA_URL.match(text)
    payload = (text[header.end() :] if header else text).translate(_URL_SAFE, _WHITESPACE).rstrip(b"=")
    foreign = payload.translate(None, _ALPHABET)
    if foreign:
        raise InvalidBase64(f"not valid Base64: it has the byte 0x{foreign[0]:02x}")
    if len(payload) % 4 == 1:
        raise InvalidBase64("not valid Base64: a character is missing or left over")
    return binascii.a2b_base64(payload + b"=" * (-len(payload) % 4))
