import json
import logging
import sys

from gateway.logs import JsonLine


def line(**record: object) -> dict[str, object]:
    made = logging.makeLogRecord(
        {"name": "gateway", "levelname": "ERROR", "msg": "said %s", "args": ("so",)} | record
    )
    text = JsonLine().format(made)
    assert "\n" not in text
    parsed: dict[str, object] = json.loads(text)
    return parsed


def test_a_line_is_one_object_with_the_fields_beside_the_message() -> None:
    parsed = line(fields={"request_id": "1", "detail": "两\n行"})
    assert parsed.pop("time")
    assert parsed == {
        "level": "error",
        "logger": "gateway",
        "message": "said so",
        "request_id": "1",
        "detail": "两\n行",
    }


def test_an_exception_is_in_its_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        assert "ValueError: why" in str(line(exc_info=sys.exc_info())["exception"])
