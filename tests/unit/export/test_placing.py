from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from export import placing
from export.placing import place, restore, staging


@pytest.fixture(params=["exchange", "no exchange"])
def _file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no exchange":
        monkeypatch.setattr(placing, "_exchange", lambda one, other: False)


def put(home: Path, content: str) -> None:
    with staging(home) as folder:
        (folder / "model.onnx").write_text(content)
        place(folder, home / "1")


def put_often(home: Path) -> None:
    for count in range(200):
        put(home, str(count))


def put_half(home: Path) -> None:
    with staging(home) as folder:
        (folder / "model.onnx").write_text("half")
        (folder / "no such file").read_text()


@pytest.mark.usefixtures("_file_system")
def test_the_new_directory_replaces_the_old(tmp_path: Path) -> None:
    put(tmp_path, "old")
    (tmp_path / "1" / "left over").touch()
    put(tmp_path, "new")
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["model.onnx"]
    assert (tmp_path / "1" / "model.onnx").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_there_is_always_a_directory(tmp_path: Path) -> None:
    put(tmp_path, "first")
    (tmp_path / "other").mkdir()
    if not placing._exchange(tmp_path / "1", tmp_path / "other"):
        pytest.skip("this file system cannot exchange names")
    with ThreadPoolExecutor(1) as pool:
        placings = pool.submit(put_often, tmp_path)
        while not placings.done():
            assert (tmp_path / "1").is_dir()
    placings.result()


def test_other_users_may_read_it(tmp_path: Path) -> None:
    put(tmp_path, "new")
    assert (tmp_path / "1").stat().st_mode & 0o777 == 0o755


def test_an_error_while_staging_leaves_what_stands(tmp_path: Path) -> None:
    put(tmp_path, "old")
    with pytest.raises(FileNotFoundError):
        put_half(tmp_path)
    assert (tmp_path / "1" / "model.onnx").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_what_was_moved_aside_comes_back(tmp_path: Path) -> None:
    put(tmp_path, "old")
    (tmp_path / ".staging").mkdir()
    (tmp_path / "1").rename(tmp_path / ".staging" / "previous")
    restore(tmp_path / "1")
    assert (tmp_path / "1" / "model.onnx").read_text() == "old"


def test_nothing_comes_back_over_what_stands(tmp_path: Path) -> None:
    put(tmp_path, "new")
    (tmp_path / ".staging" / "previous").mkdir(parents=True)
    restore(tmp_path / "1")
    assert (tmp_path / "1" / "model.onnx").read_text() == "new"
