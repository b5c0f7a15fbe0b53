"""ModelHub for callers: a client, typed answers, and answers drawn on pictures."""
