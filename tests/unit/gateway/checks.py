"""What is true of every answer."""

import httpx

from gateway.schemas import Failure


def assert_failure(response: httpx.Response, code: int) -> Failure:
    """The response is the failure `code` and nothing else; returned for a look at its words."""
    assert response.status_code == code // 100, response.text
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert set(response.json()) == {"request_id", "success", "error_code", "error_msg"}
    failure = Failure.model_validate_json(response.content)
    assert failure.error_code == code
    assert failure.error_msg
    assert response.headers["x-request-id"] == failure.request_id
    for secret in ("Traceback", ".py", "StatusCode", "tritonclient"):
        assert secret not in response.text
    return failure
