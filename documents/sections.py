"""Sections of pages that code writes, between two comments that readers do not see.

<!-- made: NAME -->
whatever stands here is replaced
<!-- end -->
"""

import re
from collections.abc import Mapping

_SECTION = re.compile(r"(<!-- made: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def names(page: str) -> list[str]:
    """Return the names of a page's sections, in order."""
    return [found[2] for found in _SECTION.finditer(page)]


def rewritten(page: str, contents: Mapping[str, str]) -> str:
    """Return the page with its sections' contents replaced by those of `contents`; others stay."""

    def content(found: re.Match[str]) -> str:
        if found[2] not in contents:
            return found[0]
        return f"{found[1]}{contents[found[2]].strip()}\n{found[3]}"

    return _SECTION.sub(content, page)
