"""What `modelhub predict` saves, and what it does where it cannot."""

import json
import os
from pathlib import Path

import pytest

from modelhub.command import outputs
from tests.unit.client.command.conftest import (
    SERVICE,
    Command,
    StandIn,
    classified,
    look,
    picture,
)


def test_annotated_pictures_are_saved_in_folders_as_found(command: Command) -> None:
    picture("in/a.jpg")
    picture("in/x/b.png")
    picture("in/x/c.bmp")
    result = command("predict", SERVICE, "in", "--out", "out/deep")
    saved = sorted(str(path.relative_to("out/deep")) for path in Path("out/deep").rglob("*.*"))
    assert saved == [
        "a.image_classification.jpg",
        "x/b.image_classification.png",
        "x/c.bmp.image_classification.png",
    ]
    formats = [look(f"out/deep/{name}")[0] for name in saved]
    assert formats == ["JPEG", "PNG", "PNG"]
    assert "in/a.jpg: cat 0.75, dog 0.25 -> out/deep/a.image_classification.jpg\n" in result.stdout


def test_beside_the_pictures_themselves_nothing_is_overwritten_or_asked_about_twice(
    command: Command, gateway: StandIn
) -> None:
    content = picture("photo.jpg")
    for _ in range(2):
        assert command("predict", SERVICE, ".", "--out", ".").exit_code == 0
    assert gateway.asked == [content, content]
    assert Path("photo.jpg").read_bytes() == content


@pytest.mark.parametrize(
    ("save", "kinds"), [("picture", {".png"}), ("json", {".json"}), ("both", {".png", ".json"})]
)
def test_what_is_saved_can_be_chosen(command: Command, save: str, kinds: set[str]) -> None:
    picture("a.png")
    command("predict", SERVICE, "a.png", "--out", "out", "--save", save)
    files = list(Path("out").iterdir())
    assert {path.suffix for path in files} == kinds
    if "json" in save:
        assert json.loads(Path("out/a.image_classification.png.json").read_bytes()) == classified()[2]


def test_a_second_run_goes_on_where_the_first_stopped(command: Command, gateway: StandIn) -> None:
    for name in "abc":
        picture(f"in/{name}.png", "#00000" + name)
    command("predict", SERVICE, "in", "--out", "out")
    Path("out/b.image_classification.png").unlink()
    os.utime("in/c.png", ns=(2**62, 2**62))  # changed since
    gateway.asked.clear()
    result = command("predict", SERVICE, "in", "--out", "out", "--resume")
    assert sorted(gateway.asked) == sorted(Path(f"in/{name}.png").read_bytes() for name in "bc")
    assert "1 skipped" in result.stderr


def test_files_appear_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x" / "answer.json"
    outputs.write_whole(target, b"first")

    def cut(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", cut)
    with pytest.raises(OSError, match="No space"):
        outputs.write_whole(target, b"second")
    assert [path.name for path in target.parent.iterdir()] == ["answer.json"]
    assert target.read_bytes() == b"first"


def test_a_full_disk_ends_the_run_and_says_so(
    command: Command, gateway: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        picture(f"in/{number}.png", f"#0000{number:02x}")

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "write_whole", full)
    result = command("predict", SERVICE, "in", "--out", "out", "--jobs", "2")
    assert result.exit_code == 1
    assert "given up: cannot write out/" in result.stderr
    assert "not answered, since the run was stopped" in result.stderr
    assert len(gateway.asked) < 20


def test_an_answer_that_cannot_be_drawn_fails_alone(command: Command) -> None:
    Path("text.jpg").write_text("a service may read what Pillow cannot")
    picture("cat.png")
    result = command("predict", SERVICE, "text.jpg", "cat.png", "--out", "out")
    assert result.exit_code == 1
    assert "text.jpg: answered, but cannot be drawn" in result.stderr
    assert [path.name for path in Path("out").iterdir()] == ["cat.image_classification.png"]
