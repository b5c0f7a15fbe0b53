"""What follows from the settings: addresses, times, folders, and the environment of the gateway's process."""

import secrets
from pathlib import Path

from pydantic import SecretStr, ValidationError

from embedded.errors import WrongSetting
from embedded.paths import RUN
from gateway.settings import Settings

GATEWAY_MARGIN_S = 5.0
"""What the gateway is given beyond a request's deadline to finish what is in flight."""
_PREFIX = Settings.model_config["env_prefix"]


def read_settings() -> Settings:
    """Return the settings of the environment; raises WrongSetting, which names all invalid values."""
    try:
        return Settings()
    except ValidationError as error:
        faults = [f"{_PREFIX}{fault['loc'][0]}".upper() + f": {fault['msg']}" for fault in error.errors()]
        raise WrongSetting("; ".join(faults)) from None


def service_names(joined: str) -> list[str]:
    """Return the names in a value of MODELHUB_SERVICES, which are separated by commas."""
    return [name.strip() for name in joined.split(",") if name.strip()]


def with_key(settings: Settings) -> Settings:
    """Return `settings` with a key to Triton's closed APIs, a new one if they have none."""
    if settings.triton_key.get_secret_value():
        return settings
    return settings.model_copy(update={"triton_key": SecretStr(secrets.token_urlsafe(32))})


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables from which a child process reads the same settings, key included."""
    return {f"{_PREFIX}{name}".upper(): _plain(value) for name, value in settings.model_dump().items()}


def run_folder(settings: Settings) -> Path:
    """Return the folder of logs and state: two systems never share a port."""
    return RUN / str(settings.port)


def gateway_grace_s(settings: Settings) -> float:
    """Return the seconds within which the gateway answers or ends: a request's deadline, and a margin."""
    return settings.deadline_s + GATEWAY_MARGIN_S


def gateway_url(settings: Settings, path: str = "") -> str:
    """Return the address at which the gateway answers."""
    return _url(settings.host, settings.port, path)


def triton_url(settings: Settings, path: str = "") -> str:
    """Return the address of Triton's HTTP endpoint."""
    return _url(settings.triton_host, settings.triton_http_port, path)


def listen_addresses(settings: Settings) -> dict[str, tuple[str, int]]:
    """Return the addresses that Triton and the gateway listen on, by the settings of their ports."""
    return {
        "MODELHUB_PORT": (settings.host, settings.port),
        "MODELHUB_METRICS_PORT": (settings.metrics_host, settings.metrics_port),
        "MODELHUB_TRITON_HTTP_PORT": (settings.triton_host, settings.triton_http_port),
        "MODELHUB_TRITON_GRPC_PORT": (settings.triton_host, settings.triton_grpc_port),
        "MODELHUB_TRITON_METRICS_PORT": (settings.triton_host, settings.triton_metrics_port),
    }


def _url(host: str, port: int, path: str) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
