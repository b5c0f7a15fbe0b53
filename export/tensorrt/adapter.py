"""The only code that touches TensorRT and CUDA; both are imported when a builder is asked for."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from export.progress import Update
from export.tensorrt.errors import NoBuilder, RefusedGraph
from export.tensorrt.gate import Run
from export.tensorrt.plan import ProfileShapes
from vision.tensors import Tensors

AHEAD_OF_TIME_TARGET = "8.6"
"""Compute capability that TensorRT for RTX compiles for where there is no GPU to ask."""


class Builder(Protocol):
    """What builds plans, and runs them."""

    name: str
    version: str
    capability: str

    def build(self, net: str, model: bytes, profiles: Sequence[ProfileShapes], update: Update) -> bytes:
        """Return the plan of a serialised ONNX graph; raises RefusedGraph."""
        ...

    def executor(self, plan: bytes) -> Run:
        """Return what runs the plan on the GPU; raises NoBuilder where there is none."""
        ...


def tensorrt() -> Builder:
    """Return the TensorRT of this machine, for its first GPU; raises NoBuilder."""
    module = _imported(
        "tensorrt", "run this in NVIDIA's TensorRT container of Triton's release (docs/tensorrt.md)"
    )
    return _TensorRt(module, Cuda().capability(), None)


def tensorrt_rtx(target: str = AHEAD_OF_TIME_TARGET) -> Builder:
    """Return TensorRT for RTX compiling for `target`, which needs no GPU; raises NoBuilder.

    Triton cannot load its plans: it only tells which graphs its elder takes, and how long that lasts.
    """
    module = _imported("tensorrt_rtx", "run this in .venv-tensorrt-rtx (docs/tensorrt.md)")
    capability = getattr(module.ComputeCapability, f"SM{target.replace('.', '')}", None)
    if capability is None:
        raise NoBuilder(f"TensorRT for RTX compiles for no compute capability {target}: name another")
    return _TensorRt(module, target, capability)


class _TensorRt:
    """`module` is `tensorrt` or `tensorrt_rtx`, which share an API; only the latter takes a `target`."""

    def __init__(self, module: Any, capability: str, target: Any) -> None:  # noqa: ANN401 - untyped API
        self.name: str = module.__name__
        self.version: str = module.__version__
        self.capability = capability
        self._module, self._target = module, target
        self._errors: list[str] = []
        self._logger = _logger(module, self._errors)

    def build(self, net: str, model: bytes, profiles: Sequence[ProfileShapes], update: Update) -> bytes:
        trt = self._module
        self._errors.clear()
        builder = trt.Builder(self._logger)
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        parser = trt.OnnxParser(network, self._logger)
        if not parser.parse(model):
            errors = [parser.get_error(index) for index in range(parser.num_errors)]
            raise self._refused(
                net, [f"{one.node_operator()} {one.node_name()}: {one.desc()}" for one in errors]
            )
        config = builder.create_builder_config()
        # What is fp32 is computed in fp32: TensorFloat-32 keeps 10 bits of a factor's 23.
        config.clear_flag(trt.BuilderFlag.TF32)
        if self._target is not None:
            config.num_compute_capabilities = 1
            config.set_compute_capability(self._target, 0)
        for shapes in profiles:
            config.add_optimization_profile(_profile(builder, shapes))
        plan = _built(builder, network, config, _monitor(trt, update))
        if plan is None:
            raise self._refused(net, self._errors)
        return bytes(plan)

    def executor(self, plan: bytes) -> Run:
        cuda = Cuda()
        cuda.capability()
        engine = self._module.Runtime(self._logger).deserialize_cuda_engine(plan)
        if engine is None:
            raise NoBuilder(f"a plan does not load on this GPU: {'; '.join(self._errors)}")
        context = engine.create_execution_context()
        return lambda tensors: _execute(self._module, cuda, engine, context, tensors)

    def _refused(self, net: str, reasons: Sequence[str]) -> RefusedGraph:
        return RefusedGraph(
            f"{net}: {self.name} {self.version} refuses its graph; serve it with ONNX Runtime by naming it, "
            "and why, in export/tensorrt/configs.py, or change its converter",
            tuple(line for reason in reasons for line in reason.splitlines()),
        )


def _imported(name: str, advice: str) -> Any:  # noqa: ANN401 - a module without types
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NoBuilder(f"{name} cannot be imported ({error}): {advice}") from None


def _logger(trt: Any, errors: list[str]) -> Any:  # noqa: ANN401
    class Collector(trt.ILogger):  # type: ignore[misc]
        """Keeps what TensorRT calls errors, which it else prints."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:  # noqa: ANN401
            if severity <= trt.ILogger.ERROR:
                errors.append(message)

    return Collector()


def _built(builder: Any, network: Any, config: Any, monitor: Any) -> Any:  # noqa: ANN401
    """Return the plan or None; on Ctrl-C cancel the build and raise KeyboardInterrupt once it has ended.

    Python hears signals in its main thread alone and only between its own instructions, hence the other one.
    """
    config.progress_monitor = monitor
    with ThreadPoolExecutor(max_workers=1) as thread:
        building = thread.submit(builder.build_serialized_network, network, config)
        try:
            return building.result()
        except KeyboardInterrupt:
            monitor.cut = True
            raise


def _monitor(trt: Any, update: Update) -> Any:  # noqa: ANN401
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Tells `update` of the outermost phase, and cancels the build once `cut` is set."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.cut = False
            self._outermost, self._steps = "", 0

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            if not parent_phase:
                self._outermost, self._steps = phase_name, num_steps

        def phase_finish(self, phase_name: str) -> None:
            pass

        def step_complete(self, phase_name: str, step: int) -> bool:
            if phase_name == self._outermost:
                update(step + 1, self._steps)
            return not self.cut

    return Monitor()


def _profile(builder: Any, shapes: Mapping[str, Any]) -> Any:  # noqa: ANN401
    profile = builder.create_optimization_profile()
    for name, one in shapes.items():
        profile.set_shape(name, one.minimum, one.optimum, one.maximum)
    return profile


class Cuda:
    """The few calls of CUDA's runtime that one execution needs; each raises NoBuilder where it fails."""

    def __init__(self) -> None:
        self._runtime = _imported("cuda.bindings.runtime", "install requirements/tensorrt.txt")

    def capability(self) -> str:
        """Return the compute capability of the first GPU."""
        attribute = self._runtime.cudaDeviceAttr
        major, minor = (
            self._call("cudaDeviceGetAttribute", one, 0)
            for one in (
                attribute.cudaDevAttrComputeCapabilityMajor,
                attribute.cudaDevAttrComputeCapabilityMinor,
            )
        )
        return f"{major}.{minor}"

    @contextmanager
    def stream(self) -> Iterator[int]:
        """Give a stream; what was put on it is complete when the context is left without an error."""
        stream = self._call("cudaStreamCreate")
        try:
            yield int(stream)
            self._call("cudaStreamSynchronize", stream)
        finally:
            self._call("cudaStreamDestroy", stream)

    @contextmanager
    def memory(self, size: int) -> Iterator[int]:
        """Give the address of `size` bytes on the GPU."""
        address = self._call("cudaMalloc", max(size, 1))
        try:
            yield int(address)
        finally:
            self._call("cudaFree", address)

    def upload(self, address: int, array: NDArray[Any]) -> None:
        """Copy an array to the GPU."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpy", address, array.ctypes.data, array.nbytes, kind)

    def download(self, array: NDArray[Any], address: int) -> None:
        """Fill an array from the GPU."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpy", array.ctypes.data, address, array.nbytes, kind)

    def _call(self, function: str, *arguments: Any) -> Any:  # noqa: ANN401
        """Return what a function of the runtime gives beside its error code."""
        code, *results = getattr(self._runtime, function)(*arguments)
        if code != self._runtime.cudaError_t.cudaSuccess:
            raise NoBuilder(
                f"{function} failed ({code.name}): plans are built and tried on a machine with an NVIDIA GPU "
                "(docker run --gpus all)"
            )
        return results[0] if results else None


def _execute(trt: Any, cuda: Cuda, engine: Any, context: Any, tensors: Tensors) -> Tensors:  # noqa: ANN401
    """Run one batch: copy in, compute, copy out, in the first optimisation profile that takes the shapes."""
    outputs: Tensors = {}
    with ExitStack() as stack:
        places: dict[str, int] = {}
        with cuda.stream() as stream:
            context.set_optimization_profile_async(_fitting_profile(engine, tensors), stream)
            for name, array in tensors.items():
                whole = np.ascontiguousarray(array)
                context.set_input_shape(name, whole.shape)
                places[name] = stack.enter_context(cuda.memory(whole.nbytes))
                cuda.upload(places[name], whole)
            for name in _output_names(trt, engine):
                dtype = trt.nptype(engine.get_tensor_dtype(name))
                outputs[name] = np.empty(tuple(context.get_tensor_shape(name)), dtype)
                places[name] = stack.enter_context(cuda.memory(outputs[name].nbytes))
            for name, place in places.items():
                context.set_tensor_address(name, place)
            if not context.execute_async_v3(stream):
                raise NoBuilder("a plan does not run on this GPU; see TensorRT's own lines above")
        for name, array in outputs.items():
            cuda.download(array, places[name])
    return outputs


def _output_names(trt: Any, engine: Any) -> list[str]:  # noqa: ANN401
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    return [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT]


def _fitting_profile(engine: Any, tensors: Tensors) -> int:  # noqa: ANN401
    """Return the first optimisation profile that takes the shapes; the first of all where none does."""
    for index in range(engine.num_optimization_profiles):
        ranges = [
            (array.shape, engine.get_tensor_profile_shape(name, index)) for name, array in tensors.items()
        ]
        if all(
            least <= side <= most
            for shape, (minimum, _, maximum) in ranges
            for side, least, most in zip(shape, minimum, maximum, strict=True)
        ):
            return index
    return 0
