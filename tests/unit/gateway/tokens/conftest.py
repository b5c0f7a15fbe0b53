from pathlib import Path

import pytest

from gateway import tokens
from gateway.tokens import Tokens
from tests.unit.gateway.tokens.requests import (
    SECRET,
    Write,
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of tokens that only its owner can read."""

    def written(text: str, *, mode: int = 0o600) -> Path:
        path = tmp_path / "tokens"
        path.write_text(text)
        path.chmod(mode)
        return path

    return written


@pytest.fixture
def always_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is looked at again at every request."""
    monkeypatch.setattr(tokens, "CHECK_EVERY_S", 0.0)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return Tokens(str(path))
