"""The page in a real headless Chromium, before a real gateway and Triton."""

import pytest

pytest.register_assert_rewrite("tests.browser.visit")  # its assertions tell what they compared
