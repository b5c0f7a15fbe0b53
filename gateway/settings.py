"""Settings of the gateway, from `MODELHUB_*` environment variables."""

import re

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway import url_policy


class Settings(BaseSettings):
    """Everything about the gateway that an operator may change; the only place with defaults."""

    model_config = SettingsConfigDict(
        env_prefix="MODELHUB_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    host: str = Field(default="127.0.0.1", description="Address that the gateway listens on.")
    port: int = Field(default=8080, ge=1, le=65535, description="Port that the gateway listens on.")

    triton_host: str = Field(default="127.0.0.1", description="Address of Triton.")
    triton_http_port: int = Field(
        default=8000, ge=1, le=65535, description="Triton's HTTP port; the gateway itself uses gRPC."
    )
    triton_grpc_port: int = Field(default=8001, ge=1, le=65535, description="Triton's gRPC port.")
    triton_metrics_port: int = Field(default=8002, ge=1, le=65535, description="Triton's metrics port.")
    triton_key: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "Opens Triton's repository, shared-memory, trace and logging APIs, which are closed without it. "
            "`make up` makes one at every start if it is empty."
        ),
    )

    max_body_bytes: int = Field(
        default=32 * 1024 * 1024,
        ge=1,
        description="Largest request body; more is 41301. 32 MiB of JSON carry a picture file of 24 MiB.",
    )
    max_in_flight: int = Field(
        default=32,
        ge=1,
        description=(
            "Requests in work at one time; more are 42901 at once. It bounds memory, too: each holds up to "
            "six times its body for moments. From 20 on, one place is kept for each service."
        ),
    )
    max_in_flight_per_service: int = Field(
        default=16, ge=1, description="Requests of one service in work at one time; more are 42901 at once."
    )
    max_wait_s: float = Field(
        default=2.0,
        gt=0,
        description=(
            "Seconds that a request may expect to be in work, by the pace at which its service answers; a "
            "request that would wait longer gets 42901 at once. A slow service keeps up to four places where "
            "they can be answered in a quarter of the deadline and half of all places are free, else one."
        ),
    )
    max_arriving: int = Field(
        default=256,
        ge=1,
        description=(
            "Requests whose body is being received or worked on at one time; more are 42901. Together they "
            "hold no more bytes than `MODELHUB_MAX_IN_FLIGHT` bodies of the largest size."
        ),
    )
    deadline_s: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description=(
            "Seconds from a request's head to its answer; then 50401, and the work is cancelled. A request's "
            "header `X-ModelHub-Timeout-Ms` makes it shorter."
        ),
    )
    token_file: str = Field(
        default="",
        description=(
            "File of the tokens that callers need (docs/security.md), read again when it changes; a request "
            "without one gets 40101. Without a file no token is needed."
        ),
    )
    url_allow: str = Field(
        default="",
        description=(
            "What pictures may be fetched from beside public addresses: `HOST` (whatever it resolves to), "
            "`ADDRESS` or `NETWORK` (`10.1.0.0/16`), each with `:PORT` (`[fd00::/8]:9000`) or on the ports "
            "of `MODELHUB_URL_PORTS`; commas between. Nothing by default."
        ),
    )
    url_ports: str = Field(
        default="80,443",
        description="Ports that pictures may be fetched from; others where `MODELHUB_URL_ALLOW` says so.",
    )
    url_max_bytes: int = Field(
        default=24 * 1024 * 1024, ge=1, description="Largest picture file that is fetched; more is 42201."
    )
    url_timeout_s: float = Field(
        default=10.0,
        gt=0,
        allow_inf_nan=False,
        description=(
            "Seconds for the whole fetch of a picture, from its name's resolution to its last byte, "
            "redirects included; then 42201. What is left until the request's deadline is a bound too."
        ),
    )
    readiness_max_age_s: float = Field(
        default=120.0,
        ge=0,
        allow_inf_nan=False,
        description=(
            "Seconds for which a service's last answer counts as proof that it is ready, if no failure came "
            "after it. Dead processes are found sooner: `MODELHUB_HEAL_INTERVAL_S`."
        ),
    )
    heal_interval_s: float = Field(
        default=4.0,
        ge=0,
        allow_inf_nan=False,
        description=(
            "Seconds between two searches for dead processes of models, which are then reloaded; 0 turns "
            "this off. It needs `MODELHUB_TRITON_KEY`."
        ),
    )
    alias_detection_classe_names: bool = Field(
        default=False,
        description=(
            "Repeats `detection_class_names` as `detection_classe_names`, "
            "for clients written against the misspelt examples."
        ),
    )
    page: bool = Field(
        default=True,
        description=(
            "Serves the page at `/`, on which people try the services, and the sample pictures of a checkout."
        ),
    )
    access_log: bool = Field(
        default=False,
        description="Logs one line for every request: its id, code, sizes, and seconds by stage.",
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="Address that Prometheus finds the gateway at."
    )
    metrics_port: int = Field(
        default=8003, ge=1, le=65535, description="Port of the gateway's metrics, `/metrics`."
    )
    traces_url: str = Field(
        default="",
        description=(
            "Where OpenTelemetry traces go by OTLP over HTTP (`http://collector:4318/v1/traces`); "
            "none are made without it."
        ),
    )

    @field_validator("triton_key")
    @classmethod
    def _fits_a_flag(cls, value: SecretStr) -> SecretStr:
        # Triton takes it in a flag whose separators are commas, colons and equals signs.
        if not re.fullmatch(r"[A-Za-z0-9_-]*", value.get_secret_value()):
            raise ValueError("only letters, digits, - and _ can be in it")
        return value

    @field_validator("traces_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        # Triton takes it in a flag whose separators are commas.
        if value and not re.fullmatch(r"https?://[^\s,/]+(/[^\s,]*)?", value):
            raise ValueError("not an http or https URL without commas")
        return value

    @field_validator("url_allow")
    @classmethod
    def _are_allow_rules(cls, value: str) -> str:
        url_policy.allow_rules(value)
        return value

    @field_validator("url_ports")
    @classmethod
    def _are_ports(cls, value: str) -> str:
        url_policy.ports(value)
        return value

    @property
    def triton_grpc_url(self) -> str:
        """`host:port`, as gRPC wants it."""
        host = f"[{self.triton_host}]" if ":" in self.triton_host else self.triton_host
        return f"{host}:{self.triton_grpc_port}"
