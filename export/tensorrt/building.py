"""Bringing nets' plans into the state that their graphs, this TensorRT and this GPU ask for."""

import os
import shutil
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

import msgspec
import onnxruntime as ort
from rich.progress import Progress

from export.locking import exclusive
from export.paths import Paths
from export.placing import place, staging
from export.progress import step
from export.tensorrt.adapter import Builder
from export.tensorrt.configs import CONFIG_FILE, CONFIG_NAME, config_path, read_config
from export.tensorrt.errors import NotExported, UnfaithfulPlan
from export.tensorrt.gate import TOLERANCES, Run, batches_of, judge
from export.tensorrt.half import in_precision
from export.tensorrt.pipeline import run_service, service_of, services
from export.tensorrt.plan import (
    PLAN_FILE,
    RECORD_FILE,
    Identity,
    Precision,
    Record,
    Score,
    dump_record,
    load_record,
    sha256_of,
)
from export.tensorrt.shapes import profiles_of
from modelhub_pictures.errors import PictureError
from vision.manifest import NET_VERSION, ONNX_FILE, Manifest, load_manifest, manifest_path
from vision.tensors import Tensors

MOST_ROWS = 32
"""Of real input of one shape that a plan is tried on."""

_ADVICE = {
    Precision.FP16: "build it with --precision fp32, or serve it with ONNX Runtime (docs/tensorrt.md)",
    Precision.FP32: "serve it with ONNX Runtime (docs/tensorrt.md)",
}


class Outcome(str, Enum):  # noqa: UP042 - StrEnum is younger than the container's Python
    """What was done for a net."""

    BUILT = "built"
    PLACED = "placed"
    """An earlier build of the same was put back."""
    READY = "ready"
    ON_ONNXRUNTIME = "on ONNX Runtime"


class Inputs:
    """Real inputs of nets by running their services on `pictures`; each service is run once."""

    def __init__(self, repository: Path, pictures: Sequence[Path]) -> None:
        self._repository, self._pictures = repository, pictures
        self._services = services(repository)
        self._sessions: dict[str, Run] = {}
        self._calls: dict[str, list[Tensors]] = {}
        self._ran: set[str] = set()

    def reference(self, net: str) -> Run:
        """Return what runs one batch of a net in ONNX Runtime."""
        if net not in self._sessions:
            self._sessions[net] = _session(self._repository / net / NET_VERSION / ONNX_FILE)
        return self._sessions[net]

    def calls(self, net: str) -> list[Tensors]:
        """Return the batches that a net receives; raises NotExported where there are no pictures."""
        service = service_of(net, self._services)
        if service not in self._ran:
            if not self._pictures:
                raise NotExported("no sample pictures to try plans on: run `make samples`")
            payloads = [picture.read_bytes() for picture in self._pictures]
            try:
                run_service(self._repository, service, payloads, self._record)
            except PictureError as error:
                raise NotExported(f"a file of weights/samples is no picture ({error}); take it out") from None
            self._ran.add(service)
        return self._calls.get(net, [])

    def _record(self, net: str, tensors: Tensors) -> Tensors:
        self._calls.setdefault(net, []).append(tensors)
        return self.reference(net)(tensors)


def plan_store(paths: Paths) -> Path:
    """Return the folder of all plans that were built and found true, by name."""
    return paths.weights / "plans"


def sample_pictures(paths: Paths) -> list[Path]:
    """Return the pictures that plans are tried on."""
    folders = (paths.weights / "samples", paths.root / "client" / "samples")
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]


class Planner:
    """Makes plans of one precision with one builder, for the nets of one profile."""

    def __init__(self, paths: Paths, builder: Builder, precision: Precision, progress: Progress) -> None:
        self._paths, self._builder, self._precision = paths, builder, precision
        self._progress = progress
        self._inputs = Inputs(paths.repository(paths.profile), sample_pictures(paths))

    def build(self, net: str) -> Outcome:
        """Have a plan of `net` in place that was tried, and say what that took; raises PlanError.

        What stands in place stays until its successor was built and tried, whatever happens.
        """
        if read_config(config_path(self._paths.net(net), CONFIG_NAME)).backend != CONFIG_NAME:
            return Outcome.ON_ONNXRUNTIME
        identity, version = self.identify(net), self._paths.version(net)
        if _holds(version / PLAN_FILE, version / RECORD_FILE, identity):
            return Outcome.READY
        stored = plan_store(self._paths) / identity.name
        plan, record = (stored.with_name(f"{stored.name}.{ending}") for ending in ("plan", "json"))
        outcome = Outcome.PLACED
        if not _holds(plan, record, identity):
            outcome = Outcome.BUILT
            content = self.compile(identity)
            rows, scores = self._try(identity, content)
            _store(plan, content)
            _store(record, dump_record(Record(identity, sha256_of(plan), rows, scores)))
        with exclusive(self._paths, self._progress):
            _put(version, {PLAN_FILE: plan, RECORD_FILE: record}, identity.onnx_sha256)
        return outcome

    def identify(self, net: str) -> Identity:
        """Return what the plan of a net depends on; raises NotExported or PlanError."""
        manifest = self._manifest(net)
        return Identity(
            net=net,
            builder=self._builder.name,
            version=self._builder.version,
            capability=self._builder.capability,
            precision=self._precision,
            onnx_sha256=sha256_of(self._paths.version(net) / ONNX_FILE),
            profiles=profiles_of(read_config(self._paths.net(net) / CONFIG_FILE), manifest),
        )

    def compile(self, identity: Identity) -> bytes:
        """Return a new plan; raises RefusedGraph."""
        net, precision = identity.net, identity.precision
        model = in_precision((self._paths.version(net) / ONNX_FILE).read_bytes(), precision)
        with step(self._progress, f"Building {net} in {precision.value}") as update:
            return self._builder.build(net, model, identity.profiles, update)

    def _try(self, identity: Identity, plan: bytes) -> tuple[int, dict[str, Score]]:
        """Return how many rows a plan was tried on, and its scores; raises UnfaithfulPlan naming the net."""
        net, tolerance = identity.net, TOLERANCES[identity.precision]
        size = read_config(self._paths.net(net) / CONFIG_FILE).max_batch_size
        classes = len(self._manifest(net).labels)
        with step(self._progress, f"Trying {net} against ONNX Runtime"):
            batches = list(batches_of(self._inputs.calls(net), size, MOST_ROWS))
            run, reference = self._builder.executor(plan), self._inputs.reference(net)
            try:
                scores = judge(batches, reference, run, classes, tolerance)
            except UnfaithfulPlan as error:
                raise UnfaithfulPlan(
                    f"{net}: its {identity.precision.value} plan is not used: {error}; "
                    + _ADVICE[identity.precision]
                ) from None
        return sum(len(next(iter(batch.values()))) for batch in batches), scores

    def _manifest(self, net: str) -> Manifest:
        try:
            return load_manifest(manifest_path(self._paths.repository(self._paths.profile), net))
        except (FileNotFoundError, msgspec.DecodeError):
            profile = self._paths.profile.value
            raise NotExported(
                f"{net}: not exported, or damaged; run `python -m export --profile {profile}`"
            ) from None


def _holds(plan: Path, record_path: Path, identity: Identity) -> bool:
    """Tell whether a plan is what `identity` asks for, and whole."""
    record = load_record(record_path)
    return (
        record is not None
        and record.identity == identity
        and plan.is_file()
        and sha256_of(plan) == record.plan_sha256
    )


def _store(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def _put(version: Path, files: Mapping[str, Path], onnx_sha256: str) -> None:
    """Put a plan and its record into a version folder in one step; raises NotExported if its graph changed.

    The folder's other files are linked into its successor, not copied.
    """
    if sha256_of(version / ONNX_FILE) != onnx_sha256:
        raise NotExported(f"{version.parent.name}: it was exported anew meanwhile; build its plan again")
    with staging(version.parent) as folder:
        for path in version.iterdir():
            if path.name not in files:
                _link(path, folder / path.name)
        for name, path in files.items():
            _link(path, folder / name)
        place(folder, version)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _session(path: Path) -> Run:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda tensors: dict(zip(names, session.run(names, tensors), strict=True))
