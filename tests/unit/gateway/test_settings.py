import pytest
from pydantic import ValidationError

from gateway.settings import Settings


def test_defaults_are_loopback() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.triton_grpc_url) == ("127.0.0.1", 8080, "127.0.0.1:8001")
    assert (settings.triton_http_port, settings.triton_metrics_port) == (8000, 8002)
    assert not settings.alias_detection_classe_names
    assert settings.url_allow == ""


def test_the_environment_changes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELHUB_TRITON_HOST", "triton")
    monkeypatch.setenv("MODELHUB_TRITON_GRPC_PORT", "9001")
    monkeypatch.setenv("MODELHUB_ALIAS_DETECTION_CLASSE_NAMES", "true")
    settings = Settings()
    assert settings.triton_grpc_url == "triton:9001"
    assert settings.alias_detection_classe_names


def test_an_ipv6_address_of_triton_stands_in_brackets() -> None:
    assert Settings(triton_host="::1").triton_grpc_url == "[::1]:8001"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "70000"),
        ("PORT", "http"),
        ("MAX_BODY_BYTES", "0"),
        ("MAX_IN_FLIGHT", "-1"),
        ("DEADLINE_S", "0"),
        ("DEADLINE_S", "inf"),
        ("READINESS_MAX_AGE_S", "nan"),
        ("URL_ALLOW", "10.0.0.1/8"),
        ("URL_ALLOW", "*"),
        ("URL_PORTS", ""),
        ("URL_PORTS", "0"),
        ("URL_MAX_BYTES", "0"),
        ("URL_TIMEOUT_S", "0"),
        ("ALIAS_DETECTION_CLASSE_NAMES", "maybe"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"MODELHUB_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Settings(ports=1)  # type: ignore[call-arg]


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())
