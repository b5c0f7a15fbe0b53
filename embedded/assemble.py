"""From the wheel's parts to a folder that `tritonserver` accepts as its backend directory."""

import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import NotInstalled
from embedded.paths import BACKENDS, ROOT


@dataclass(frozen=True)
class TritonParts:
    """Where the wheel keeps what we need of it."""

    binary: Path
    libraries: Path
    python_backend: Path
    stub: Path


def find_triton() -> TritonParts:
    """Return the parts of the installed wheel; raises NotInstalled."""
    spec = importlib.util.find_spec("pytriton")
    if spec is None or spec.origin is None:
        raise NotInstalled("Triton's wheel (nvidia-pytriton) is not installed: run `make setup`")
    package = Path(spec.origin).parent
    server = package / "tritonserver"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.is_file():
        raise NotInstalled(f"Triton's wheel has no stub for Python {version}: use Python 3.11 or 3.12")
    return TritonParts(
        binary=server / "bin" / "tritonserver",
        libraries=package.parent / "nvidia_pytriton.libs",
        python_backend=server / "backends" / "python",
        stub=stub,
    )


def assemble_backends(parts: TritonParts, target: Path) -> Path:
    """Fill `target` with the Python backend, its stub, and our ONNX Runtime backend; return it.

    Copies, since Triton refuses a backend library that a link leads out of the backend directory.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(parts.python_backend, target / "python")
    shutil.copy2(parts.stub, target / "python")
    shutil.copytree(BACKENDS / "onnxruntime", target / "onnxruntime")
    return target


def find_libpython() -> Path:
    """Return the folder of the shared libpython that the stubs link; raises NotInstalled."""
    name = str(sysconfig.get_config_var("INSTSONAME"))
    folders = [sysconfig.get_config_var("LIBDIR"), f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}"]
    for folder in folders:
        if folder and name.startswith("libpython") and ".so" in name and Path(folder, name).is_file():
            return Path(folder)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    raise NotInstalled(
        f"Triton's stubs need the shared library of Python {version}: run "
        f"`apt-get install libpython{version}`, or use a Python that was built with --enable-shared"
    )


def triton_environment(parts: TritonParts, base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for `tritonserver`: its libraries, our Python first, our packages importable."""
    libraries = [str(parts.libraries), str(find_libpython())]
    ours = {
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, [*libraries, base.get("LD_LIBRARY_PATH")])),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), base.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": sys.prefix,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), base.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",  # each stub is a process: more threads would fight over the same cores
    }
    return {**base, **ours}
