"""What callers are told when there is no answer."""


class ServiceError(RuntimeError):
    """The service answered with a failure: `status` of HTTP, `code` and `message` of the contract.

    Where the failure is none of the contract's (a proxy's page, say), `code` is a hundred times `status`.
    Straight from Triton the same codes come, with Triton's own words where the contract has none.
    """

    def __init__(self, status: int, code: int, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{code}: {message} (HTTP {status})")
        self.status, self.code, self.message = status, code, message
        self.retry_after_s = retry_after_s
        """Seconds after which the service asked to be tried again, or None where it did not say."""

    @classmethod
    def of_code(cls, code: int, message: str) -> "ServiceError":
        """Return the failure of one of the contract's codes, whose first three digits are the status."""
        return cls(code // 100, code, message)
