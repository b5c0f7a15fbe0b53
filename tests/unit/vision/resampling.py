"""What both kinds of resampling are tried on."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

PICTURES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))
SIDES = st.integers(1, 50)
GOLDEN = (np.arange(4 * 5 * 3) * 37 % 251).astype(np.uint8).reshape(4, 5, 3)
"""The picture whose copies by OpenCV are kept in the tests."""
