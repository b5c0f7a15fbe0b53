"""The tests that need PyTorch, which skip where it is not: run once more where it is."""

from pathlib import Path

import pytest

from export.paths import PROJECT
from tests.other_environment import assert_all_pass, files_needing

NEEDING_TORCH = files_needing("torch", PROJECT / "tests")


@pytest.mark.timeout(1800)  # it may build the environment
def test_all_of_them_pass(training_python: Path) -> None:
    assert_all_pass(training_python, NEEDING_TORCH)
    assert len(NEEDING_TORCH) >= 3
