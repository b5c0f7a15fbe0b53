"""Where a request goes, and what it carries to be let in."""

import hashlib
from datetime import UTC, datetime

import pytest

from gateway.errors import NotAuthorized
from gateway.tokens import Tokens
from modelhub.replay.endpoints import Authorization, EndpointError, endpoint

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TOKEN = "YWFlMDYyZDNmNTc3M2I3MzMwYmY0MmYwM2Y2MTYxMTY4NzBkNzdjOQ=="
HOSTED = "http://1828488879222746.cn-shanghai.pai-eas.aliyuncs.com"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/predict/ocr"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/api/predict/ocr"),
        ("https://vision.example.com", "https://vision.example.com/api/predict/ocr"),
        (f"{HOSTED}/api/predict/my_ocr", f"{HOSTED}/api/predict/my_ocr"),
        (f"{HOSTED}/api/predict/team_{{service}}", f"{HOSTED}/api/predict/team_ocr"),
        ("http://a/{service}/run?key=1", "http://a/ocr/run?key=1"),
    ],
)
def test_the_forms_of_a_url(url: str, target: str) -> None:
    assert str(endpoint(url).target("ocr")) == target


@pytest.mark.parametrize("url", ["", "ocr", "grpc://h:1", "http://", "http://h/other", "http://h/api/predict/",
                                 "http://h:port", "ftp://h", "http://h/?a=1"])  # fmt: skip
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(EndpointError):
        endpoint(url)


def test_names_of_deployments() -> None:
    there = endpoint(HOSTED, names=["ocr_prod=ocr", "v2=object_detection"])
    assert there.target("ocr").path == "/api/predict/ocr_prod"
    assert there.target("image_similarity").path == "/api/predict/image_similarity"
    assert there.only is None
    assert endpoint(f"{HOSTED}/api/predict/ocr_prod", names=["ocr_prod=ocr"]).only == "ocr"
    for wrong in ("ocr_prod", "ocr_prod=text", "=ocr"):
        with pytest.raises(EndpointError):
            endpoint(HOSTED, names=[wrong])


def authorization(tokens: list[str], service: str, form: Authorization = Authorization.PLAIN) -> str | None:
    return endpoint(HOSTED, tokens, form).headers(service, b"{}", NOW).get("Authorization")


def test_plain_and_bearer_tokens() -> None:
    assert authorization([], "ocr") is None
    assert authorization([TOKEN], "ocr") == TOKEN
    assert authorization([TOKEN], "ocr", Authorization.BEARER) == f"Bearer {TOKEN}"


def test_deployments_have_tokens_of_their_own() -> None:
    tokens = [f"ocr={TOKEN}", "other="]  # which is a token, too
    assert authorization(tokens, "ocr") == TOKEN
    assert authorization(tokens, "image_similarity") == "other="
    assert authorization([f"ocr={TOKEN}"], "image_similarity") is None


@pytest.mark.parametrize("tokens", [["a b"], ["a\nb"], ["é"], ["a", "b"], ["ocr=a", "ocr=b"]])
def test_what_is_no_token_is_refused_without_being_told(tokens: list[str]) -> None:
    with pytest.raises(EndpointError) as refused:
        endpoint(HOSTED, tokens)
    assert not any(token in str(refused.value) for token in ("a b", "é"))


def test_signatures_are_those_that_the_gateway_accepts(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("tokens") / "tokens"
    file.write_text(TOKEN)
    file.chmod(0o600)
    there = endpoint(HOSTED, [TOKEN], Authorization.EAS)
    headers = there.headers("ocr", b'{"image": ""}', datetime.now(UTC))
    lower = {name.lower(): value for name, value in headers.items()}
    claim = Tokens(str(file)).authorize("POST", there.target("ocr").path, lower, "ocr")
    assert claim.signed_md5 == hashlib.md5(b'{"image": ""}', usedforsecurity=False).digest()
    with pytest.raises(NotAuthorized):
        Tokens(str(file)).authorize("POST", "/api/predict/ocr", lower | {"content-type": "text/plain"}, "ocr")


def test_nothing_secret_is_shown() -> None:
    there = endpoint("https://user:word@h:8443/{service}?key=hiddenkey&v=2", [TOKEN, "ocr=another"])
    assert there.shown == "https://h:8443/{service}"
    assert there.secrets() == {TOKEN, "another", "word", "hiddenkey"}
    assert TOKEN not in repr(there)
