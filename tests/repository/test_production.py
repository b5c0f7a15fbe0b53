"""What runs inside NVIDIA's container must run on what it carries."""

from tests.commands import assert_runs_on_the_containers_python


def test_what_triton_imports_runs_on_the_containers_python() -> None:
    assert_runs_on_the_containers_python(
        ["vision", "client/modelhub_pictures", "backends", "model_repository"]
    )
