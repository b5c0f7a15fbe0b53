"""Nothing is timed before all servers answer the same, field by field."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.peers.agreement import Disagreement, check_agreement, differing

FIELDS = st.dictionaries(st.text(max_size=5), st.integers() | st.lists(st.floats(allow_nan=False)))


@given(FIELDS, st.text(), st.text())
def test_only_the_request_id_may_differ(fields: dict[str, Any], one: str, other: str) -> None:
    fields = {name: value for name, value in fields.items() if name != "request_id"}
    assert differing({**fields, "request_id": one}, {**fields, "request_id": other}) == []


@given(FIELDS, st.sampled_from(["class", "probs"]), st.floats(0.1, 0.9))
def test_a_changed_number_and_a_missing_field_are_named(
    fields: dict[str, Any], name: str, value: float
) -> None:
    """The last bit counts, and so does a field that one side lacks."""
    rest = {key: held for key, held in fields.items() if key != name}
    changed = value * (1 + 2.3e-16)
    assert differing({**rest, name: value}, rest) == [name]
    assert differing(rest, {**rest, name: value}) == [name]
    assert (differing({**rest, name: value}, {**rest, name: changed}) == [name]) == (value != changed)


@contextmanager
def answering(answer: dict[str, Any]) -> Iterator[str]:
    """A server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # callers of the benchmark live as long as it does
def test_servers_that_disagree_are_named() -> None:
    right, wrong = {"request_id": "a", "class": 1}, {"request_id": "b", "class": 2}
    with answering(right) as ours, answering(right) as one, answering(wrong) as other:
        check_agreement({"ours": ours, "one": one}, "image_classification", [b"picture"])
        with pytest.raises(Disagreement, match=r"picture 0: other and ours differ in class$"):
            check_agreement({"ours": ours, "one": one, "other": other}, "image_classification", [b"picture"])
