"""The fenced blocks of a page, and what becomes of each: its fate.

The language says it, and a comment that readers do not see, in the line above the fence, may say otherwise:

* `sh`, `python`: run, in the order of the page, in one folder;
* `<!-- needs: WHAT -->` above one of them: what it needs is not to be had in a test, so it is parsed, and the
  targets, modules and files that it names have to be there. `WHAT` is a word of `NEEDS`; of `minutes` the
  test that runs the same is named: `<!-- needs: minutes, tests/live/test_launcher.py::test_name -->`;
* `json`, `yaml`, `toml`: parsed; JSON after a command that printed JSON has to be that, shortened;
* `text` after a command: lines of what it printed, `...` standing for any characters;
* `<!-- checked: tests/...py::test_name -->` above any: that test looks at it.

Everything else is a block without a fate, which a test refuses.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from markdown_it import MarkdownIt

NEEDS = {
    "checkpoint": "a checkpoint of the reader's own",
    "cluster": "a Kubernetes cluster",
    "docker": "a Docker engine",
    "gpu": "a GPU",
    "hosted": "the hosted service and its token",
    "minutes": "minutes, and a test of its own that takes them",
    "network": "the internet, beyond the package index",
    "photos": "photos that are not part of the project",
    "quiet": "minutes of a machine that does nothing else: it measures",
    "torch": "the training environment",
}
COMMANDS = ("sh", "python")
PARSED = ("json", "yaml", "toml")
OUTPUT = "text"

_MARK = re.compile(r"<!-- (needs|checked): (.+?) -->\s*\Z")
_TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")


class Fate(Enum):
    """What the tests do with a block."""

    RUN = auto()
    NAMED = auto()
    """Parsed, and what it names has to exist."""
    PARSED = auto()
    COMPARED = auto()
    """With what the command before it printed."""
    CHECKED = auto()
    """By the test that its mark names."""
    NONE = auto()
    """Nobody said what becomes of it."""


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: str
    line: int
    """Of the fence, from 1."""
    language: str
    text: str
    mark: str
    """`needs` or `checked`; empty without one."""
    argument: str
    """What stands after the mark's colon."""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.page}:{self.line}"

    @property
    def test(self) -> tuple[str, str] | None:
        """The file and the name of the test that the mark names."""
        found = _TEST.search(self.argument)
        return (found[1], found[2]) if found else None

    @property
    def fate(self) -> Fate:
        """What becomes of it."""
        if self.mark == "checked":
            return Fate.CHECKED if self.test else Fate.NONE
        if self.mark == "needs":
            return Fate.NAMED if self.language in COMMANDS and self._is_needed() else Fate.NONE
        if self.language in COMMANDS:
            return Fate.RUN
        if self.language in PARSED:
            return Fate.PARSED
        return Fate.COMPARED if self.language == OUTPUT else Fate.NONE

    def _is_needed(self) -> bool:
        kind = self.argument.partition(",")[0].strip()
        return kind in NEEDS and (kind != "minutes" or self.test is not None)


def blocks(page: str, text: str) -> list[Block]:
    """Return the fenced blocks of a page, in order, those in lists and quotations included."""
    lines = text.splitlines()
    found = []
    for token in MarkdownIt("commonmark").parse(text):
        if token.type in ("fence", "code_block") and token.map:
            above = lines[token.map[0] - 1] if token.map[0] else ""
            mark = _MARK.search(above)
            language = token.info.split()[0] if token.info.split() else ""
            kind, argument = (mark[1], mark[2]) if mark else ("", "")
            found.append(Block(page, token.map[0] + 1, language, token.content, kind, argument))
    return found


def pages(root: Path) -> list[str]:
    """Return the pages whose blocks count, relative to the checkout."""
    patterns = ("README*.md", "CHANGELOG.md", "docs/**/*.md", "client/**/*.md", "trained/*.md")
    return sorted({str(path.relative_to(root)) for pattern in patterns for path in root.glob(pattern)})
