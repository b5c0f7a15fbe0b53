"""The supervisor's log."""

import json
import random
from pathlib import Path

from embedded.journal import Journal


def test_a_line_is_an_object_whatever_stands_in_it(tmp_path: Path) -> None:
    sentences = ['100 % "done"\nnext', "%s", "".join(chr(random.randrange(32, 0x3000)) for _ in range(200))]
    journal = Journal(tmp_path / "run" / "supervisor.log")
    for number, sentence in enumerate(sentences):
        journal.write(sentence, part="Triton", restart=number)
    lines = (tmp_path / "run" / "supervisor.log").read_text().split("\n")
    records = [json.loads(line) for line in lines if line]
    assert [line["message"] for line in records] == sentences
    assert [(line["logger"], line["part"], line["restart"]) for line in records] == [
        ("supervisor", "Triton", number) for number in range(3)
    ]


def test_a_full_disk_stops_nothing() -> None:
    Journal(Path("/dev/full")).write("lost")
