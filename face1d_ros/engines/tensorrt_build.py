"""From a bundle to a TensorRT plan: a strongly typed network, so that the precision is the one in the ONNX file.

TensorRT 11 knows no other networks; 10 has them beside those with flags for FP16 and INT8. One way does for both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.manifest import FACES, MAX_FACES, TensorSpec
from face1d_ros.engines.tensorrt_cuda import NAME
from face1d_ros.engines.tensorrt_module import FAILURES, dtype_of, make_log
from face1d_ros.errors import EngineError

OnProgress: TypeAlias = Callable[[str, float], None]
"""Gets the name of what is being done, and how much of it is, from 0 to 1."""
DYNAMIC = -1
MIB = 1 << 20


@dataclass(frozen=True)
class BuildOptions:
    """What a plan depends on beside the model and the machine."""

    most_faces: int = MAX_FACES
    usual_faces: int = 1
    """What the kernels are chosen for: most robots look at one face most of the time."""
    workspace_mib: int = 256
    optimization_level: int = 3
    """TensorRT's own default; higher ones search longer."""


def build_plan(
    trt: Any, bundle: Bundle, options: BuildOptions, timing_cache: bytes, on_progress: OnProgress
) -> tuple[bytes, bytes]:
    """The plan and the timing cache, which knows more than before. `timing_cache` may be empty. May take minutes."""
    log = make_log(trt)
    try:
        builder = trt.Builder(log)
        network = builder.create_network(_strongly_typed(trt))
        parser = trt.OnnxParser(network, log)
        if not parser.parse(bundle.model):
            raise EngineError(NAME, f"does not take '{bundle.manifest.name}': {_parser_errors(parser)}")
        _check_network(trt, network, bundle)
        config = builder.create_builder_config()
        _configure(trt, config, options)
        _add_profile(builder, config, network, options)
        timing = _set_timing_cache(config, timing_cache)
        config.progress_monitor = monitor = _make_monitor(trt, on_progress)
        plan = builder.build_serialized_network(network, config)
        if plan is None or monitor.failure:
            raise EngineError(NAME, f"could not build '{bundle.manifest.name}': {monitor.failure or log.reason()}")
        grown = timing.serialize() if timing is not None else None
        return bytes(memoryview(plan)), b"" if grown is None else bytes(memoryview(grown))
    except FAILURES as error:
        raise EngineError(NAME, f"could not build '{bundle.manifest.name}': {error}; {log.reason()}") from error


def _strongly_typed(trt: Any) -> int:
    """A bit whose place differs between 10 and 11; later versions, where all networks are so, may drop it."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _configure(trt: Any, config: Any, options: BuildOptions) -> None:
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib * MIB)
    config.builder_optimization_level = options.optimization_level
    # On by default, and with 10 bits of mantissa no FP32: the golden run would rightly refuse it.
    config.clear_flag(trt.BuilderFlag.TF32)
    # Networks this small gain nothing from more streams, and a CUDA graph of one is simpler.
    config.max_aux_streams = 0


def _add_profile(builder: Any, config: Any, network: Any, options: BuildOptions) -> None:
    """One for all numbers of faces."""
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        shape = tuple(tensor.shape)
        if DYNAMIC in shape:
            sized = (
                tuple(faces if size == DYNAMIC else size for size in shape)
                for faces in (1, options.usual_faces, options.most_faces)
            )
            profile.set_shape(tensor.name, *sized)
    if config.add_optimization_profile(profile) < 0:
        raise EngineError(NAME, f"refused a profile of 1 to {options.most_faces} faces")


def _set_timing_cache(config: Any, timing_cache: bytes) -> Any:
    """What is known of how fast each kernel is here; begun anew where TensorRT does not take what it is given."""
    for data in (timing_cache, b""):
        timing = config.create_timing_cache(data)
        if timing is not None and config.set_timing_cache(timing, False):
            return timing
    return None


def _parser_errors(parser: Any) -> str:
    errors = [parser.get_error(index).desc() for index in range(parser.num_errors)]
    return "; ".join(errors) or "the parser gave no reason"


def _check_network(trt: Any, network: Any, bundle: Bundle) -> None:
    """What the parser made of the file must be what the manifest says, too."""
    groups = (
        (bundle.manifest.inputs, network.num_inputs, network.get_input),
        (bundle.manifest.outputs, network.num_outputs, network.get_output),
    )
    for specs, count, tensor_at in groups:
        tensors = [tensor_at(index) for index in range(count)]
        check_tensors({tensor.name: (dtype_of(trt, tensor.dtype), tuple(tensor.shape)) for tensor in tensors}, specs)


def check_tensors(found: dict[str, tuple[str, tuple[int, ...]]], specs: tuple[TensorSpec, ...]) -> None:
    """Names, types and shapes against those of a manifest.

    TensorRT may know a size of an output only once those of the inputs are set; a session then looks at it again.
    """
    wanted = {
        spec.name: (spec.dtype, tuple(DYNAMIC if size == FACES else int(size) for size in spec.shape)) for spec in specs
    }
    if set(found) != set(wanted) or not all(_agree(found[name], wanted[name]) for name in wanted):
        raise EngineError(NAME, f"got tensors {found}, expected {wanted}, as in the manifest")


def _agree(found: tuple[str, tuple[int, ...]], wanted: tuple[str, tuple[int, ...]]) -> bool:
    sizes_agree = all(size in (DYNAMIC, expected) for size, expected in zip(found[1], wanted[1], strict=False))
    return found[0] == wanted[0] and len(found[1]) == len(wanted[1]) and sizes_agree


def _make_monitor(trt: Any, on_progress: OnProgress) -> Any:
    """Phases that lie within each other as one number for the outermost."""

    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.failure = ""
            self._phases: dict[str, _Phase] = {}
            self._lock = threading.Lock()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            """Called by TensorRT, in any thread."""
            with self._lock:
                self._phases[phase_name] = _Phase(parent_phase, num_steps)
            self._tell()

        def phase_finish(self, phase_name: str) -> None:
            """Called by TensorRT, in any thread."""
            with self._lock:
                self._phases.pop(phase_name, None)

        def step_complete(self, phase_name: str, step: int) -> bool:
            """Called by TensorRT, in any thread; False ends the build."""
            with self._lock:
                if phase_name in self._phases:
                    self._phases[phase_name].done = step + 1
            return self._tell()

        def _tell(self) -> bool:
            """What is raised here must not pass through TensorRT."""
            with self._lock:
                told = overall(self._phases)
            try:
                on_progress(*told)
            except OSError as error:  # nobody listens any more
                self.failure = f"stopped: {error}"
            return not self.failure

    return Monitor()


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


def overall(phases: dict[str, _Phase]) -> tuple[str, float]:
    """The outermost phase, and how much of it is done with what is done of those within."""

    def share(name: str) -> float:
        phase = phases[name]
        within = [share(other) for other, inner in phases.items() if inner.parent == name]
        return min((phase.done + max(within, default=0.0)) / max(phase.steps, 1), 1.0)

    outermost = [name for name, phase in phases.items() if phase.parent not in phases]
    return (outermost[0], share(outermost[0])) if outermost else ("building", 1.0)
