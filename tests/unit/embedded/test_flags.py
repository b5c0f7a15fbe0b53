"""What Triton is started with, and who is told the key to it."""

from pathlib import Path

from embedded import flags
from embedded.flags import triton_flags
from embedded.settings import settings_environment, with_key
from gateway import triton
from gateway.settings import Settings


def test_every_start_has_a_key_of_its_own_unless_one_is_set() -> None:
    keys = {with_key(Settings()).triton_key.get_secret_value() for _ in range(5)}
    assert len(keys) == 5
    assert all(len(key) > 40 for key in keys)
    ours = Settings.model_validate({"triton_key": "ours"})
    assert with_key(ours) is ours


def test_gateway_is_given_the_key_and_no_log_is() -> None:
    settings = with_key(Settings())
    key = settings.triton_key.get_secret_value()
    environment = settings_environment(settings)
    assert environment["MODELHUB_TRITON_KEY"] == key
    assert key not in f"{settings} {settings!r} {settings.model_dump()}"
    again = {name.removeprefix("MODELHUB_").lower(): value for name, value in environment.items()}
    assert Settings.model_validate(again) == settings


def test_models_are_loaded_by_name() -> None:
    given = triton_flags(Settings(), Path("/repository"), ["a", "b"], Path("/backends"), "prefix-")
    assert [flag for flag in given if flag.startswith("--load")] == ["--load-model=a", "--load-model=b"]


def test_both_protocols_of_triton_ask_for_the_key_that_the_gateway_sends() -> None:
    settings = Settings.model_validate({"triton_key": "k_1-2"})
    told = triton_flags(settings, Path("/repository"), ["*"], Path("/backends"), "prefix-")
    group = "model-repository,shared-memory,trace,logging:modelhub=k_1-2"
    assert f"--http-restricted-api={group}" in told
    assert f"--grpc-restricted-protocol={group}" in told
    assert f"triton-grpc-protocol-{flags.HTTP_KEY_HEADER}" == triton.KEY_HEADER
