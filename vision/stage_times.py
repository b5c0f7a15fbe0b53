"""When the steps of an ensemble were at work, as they tell each other and their caller.

Each time is INT64 nanoseconds of Unix time by the wall clock: what reads them stands on the same machine.
"""

PREPROCESS_TIMES = "preprocess_times"
"""From the first step to the last, [2] or in a batch [B, 2]: when the first one began, and when it ended."""

STAGE_TIMES = "stage_times"
"""Of every ensemble's answer, [4] or in a batch [B, 4]: those two, and the same of the last step."""
