"""The limits that docs/security.md names are those of the code."""

import importlib
import re

import pytest

from embedded.paths import ROOT
from gateway import decompression, drawing, form, json_bounds, protocol, tokens
from gateway.services import SERVICES
from gateway.settings import Settings
from gateway.tokens import CLOCK_TOLERANCE
from modelhub_pictures import limits
from modelhub_pictures.formats import FORMATS

PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| [^|]+ \| (\d+) \| `([\w.]+)` \| [^|]+ \|$", PAGE, re.MULTILINE)
PREFIX = Settings.model_config["env_prefix"]


def actual(name: str) -> float:
    """What the code or its settings say."""
    if name.startswith(PREFIX):
        default: float = Settings.model_fields[name.removeprefix(PREFIX).lower()].default
        return default
    module, _, constant = name.rpartition(".")
    value: float = getattr(importlib.import_module(module), constant)
    return value


@pytest.mark.parametrize(("documented", "name"), ROWS, ids=[name for _, name in ROWS])
def test_a_limit_is_as_documented(documented: str, name: str) -> None:
    assert actual(name) == int(documented)


def test_no_limit_of_the_modules_that_are_for_limits_is_left_out() -> None:
    modules = (protocol, tokens, form, json_bounds, drawing, decompression, limits)
    known = {
        f"{module.__name__}.{name}"
        for module in modules
        for name in vars(module)
        if name.startswith("MAX_") or name.endswith("_TIMEOUT_S")
    }
    assert known
    assert known <= {name for _, name in ROWS}


def test_every_setting_that_bounds_something_is_there() -> None:
    bounds = {f"{PREFIX}{name}".upper() for name in Settings.model_fields if name.startswith("max_")}
    assert bounds <= {name for _, name in ROWS}


def test_the_example_of_a_file_of_tokens_is_one() -> None:
    (example,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    everything, two = tokens.parse(example.encode())
    assert everything.services == set(SERVICES)
    assert two.services == {"ocr", "image_similarity"}


def test_what_is_said_of_dates_and_formats_is_so() -> None:
    assert f"give or take {CLOCK_TOLERANCE.seconds // 60} minutes" in PAGE
    named = re.findall(r"^(JPEG|TIFF).*?decoded|\b(JPEG|PNG|WebP|GIF|BMP|TIFF)\b", PAGE, re.MULTILINE)
    assert {name.upper() for pair in named for name in pair if name} == set(FORMATS)
