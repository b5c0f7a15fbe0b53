"""For callers: a small HTTP client, drawing of answers, and the demo."""
