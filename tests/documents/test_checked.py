"""Blocks that are neither commands nor data: each is held against the code."""

import ast
import inspect
import re

from embedded.paths import ROOT
from gateway.settings import Settings
from tests.documents.blocks import Block, blocks
from vision.classification import ClassificationPreprocess


def block(page: str, language: str) -> Block:
    (found,) = [one for one in blocks(page, (ROOT / page).read_text()) if one.language == language]
    return found


def test_the_proxy_on_the_security_page_is_whole() -> None:
    text = re.sub(r"#.*", "", block("docs/security.md", "nginx").text)
    assert text.count("{") == text.count("}") == 2
    statements = [line.strip() for line in text.splitlines() if line.strip()]
    assert all(line.endswith((";", "{", "}")) for line in statements)
    told = {words[0]: words[-1] for words in (line.rstrip(";").split() for line in statements)}
    settings = Settings.model_fields
    assert int(told["client_max_body_size"].removesuffix("m")) << 20 == settings["max_body_bytes"].default
    assert int(told["proxy_read_timeout"].removesuffix("s")) > settings["deadline_s"].default
    assert told["proxy_pass"] == f"http://{settings['host'].default}:{settings['port'].default}"


def test_the_stage_on_the_page_of_the_house_is_a_stage() -> None:
    (shown,) = ast.parse(block("docs/architecture.md", "python").text).body
    assert isinstance(shown, ast.ClassDef)
    assert shown.name == ClassificationPreprocess.__name__
    for method in shown.body:
        assert isinstance(method, ast.FunctionDef)
        signature = inspect.signature(getattr(ClassificationPreprocess, method.name))
        assert [argument.arg for argument in method.args.args] == list(signature.parameters)
