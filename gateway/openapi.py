"""Prints the OpenAPI document: `python -m gateway.openapi > docs/openapi.json`."""

import sys

import orjson

from gateway.app import create_app
from gateway.settings import Settings


def document() -> bytes:
    """Return the document as the file in `docs/` has it."""
    schema = create_app(Settings()).openapi()
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    sys.stdout.buffer.write(document())
