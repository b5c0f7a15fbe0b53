"""What a net was made from, as one hash: when it differs, the net is made anew."""

import ast
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from export.hashing import file_sha256
from export.paths import PROJECT, Paths
from export.sources import Base, Net, framework_of

_RUNNER = "export.convert.__main__"


def net_recipe(net: Net, paths: Paths, *, random_weights: bool = False) -> str:
    """Return the hash of the net's row, own files, lock of the conversion and code that converts.

    A net of random weights has another one than the net itself.
    """
    functions = (net.converter, *(net.random_writers.values() if random_weights else ()))
    if net.base:
        functions = (*functions, net.base.converter)
    own = [own.source() for own in net.own]
    return _recipe(functions, paths.lock_of(net.framework), net=net, random_weights=random_weights, own=own)


def base_recipe(base: Base, paths: Paths) -> str:
    """Return the same of a base."""
    return _recipe((base.converter,), paths.lock_of(framework_of(base.files)), base=base)


def _recipe(functions: tuple[str, ...], lock: Path, **ingredients: object) -> str:
    code = exporter_modules((*(function.partition(":")[0] for function in functions), _RUNNER))
    ingredients |= {
        "requirements": file_sha256(lock),
        "code": {name: file_sha256(path) for name, path in sorted(code.items())},
    }
    return hashlib.sha256(msgspec.json.encode(ingredients)).hexdigest()


def exporter_modules(names: tuple[str, ...]) -> dict[str, Path]:
    """Return the named modules and all of `export` that they import, by reading them; runs none of them.

    `vision` is left out: a converter states every value of its settings, so that a change to their type which
    matters changes the converter too, and a change to a stage alone converts nothing anew.
    """
    found: dict[str, Path] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path = PROJECT.joinpath(*name.split(".")).with_suffix(".py")
        if path.is_file() and name not in found:
            found[name] = path
            waiting.extend(other for other in imported_names(path) if other.startswith("export."))
    return found


_PARSING = threading.Lock()
"""Python 3.11 counts the depth of all threads' trees in one place, and fails where two are made at a time."""


def imported_names(path: Path) -> Iterator[str]:
    """Yield every name that an import could mean a module by: `from a import b` may mean `a.b`."""
    with _PARSING:
        tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
