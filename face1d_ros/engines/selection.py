"""Which engine runs a model: the fastest that is there and computes it rightly, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from face1d_ros.engines.bundle import Bundle, accept
from face1d_ros.engines.engine import Engine
from face1d_ros.errors import BundleError, EngineError, InvalidValueError, MissingDependencyError

AUTO, ONNXRUNTIME, TENSORRT, TORCH = "auto", "onnxruntime", "tensorrt", "torch"
WANTED = (AUTO, ONNXRUNTIME, TENSORRT, TORCH)
Make: TypeAlias = Callable[[Bundle], Engine]


@dataclass(frozen=True, eq=False)
class Chosen:
    """An engine whose golden run agrees, and how it came to be chosen."""

    engine: Engine
    why: str
    """In a line: what runs, and for what reason nothing faster does."""


def select(bundle: Bundle, wanted: str = AUTO, *, at_once: bool = False, network: Any = None) -> Chosen:
    """The first engine of the wanted kind that starts and whose golden run agrees.

    `auto` and `tensorrt` end on the CPU where nothing faster works: a robot that answers slowly beats one that does
    not. Nothing is built: TensorRT counts where its engine lies in the cache, and not at all with `at_once`, for which
    even loading it takes too long. `torch` needs the `network` of nets/ that the bundle was made from.
    """
    if wanted not in WANTED:
        raise InvalidValueError("engine", wanted, f"one of {', '.join(WANTED)}")
    refused: list[str] = []
    for label, make in _candidates(wanted, at_once, network):
        try:
            engine = make(bundle)
        except (EngineError, MissingDependencyError, BundleError) as error:
            refused.append(f"{label}: {error}")
            continue
        try:
            golden_error = accept(bundle, engine)
        except (EngineError, BundleError) as error:
            engine.close()
            refused.append(f"{label}: {error}")
            continue
        return Chosen(engine, _why(label, golden_error, refused))
    raise EngineError(wanted, f"nothing runs '{bundle.manifest.name}': {'; '.join(refused)}")


def on_the_cpu(bundle: Bundle) -> Engine:
    """What works everywhere."""
    from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine

    return OnnxRuntimeEngine(bundle)


def _on_torch(bundle: Bundle, network: Any) -> Engine:
    from face1d_ros.engines.torch_engine import TorchEngine

    if network is None:
        raise EngineError(TORCH, "PyTorch reads no bundles; it is for training, and for comparing what was trained")
    return TorchEngine(network, bundle.manifest)


def _why(label: str, golden_error: float, refused: list[str]) -> str:
    return "; not ".join([f"{label}, golden run within {golden_error:.1g}", *refused])


def _candidates(wanted: str, at_once: bool, network: Any) -> Iterator[tuple[str, Make]]:
    """By falling speed. Those that are not installed are found out by making them."""
    from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine

    if wanted == TORCH:
        yield "PyTorch", lambda bundle: _on_torch(bundle, network)
        return
    if wanted in (AUTO, TENSORRT) and not at_once:
        from face1d_ros.engines.tensorrt_engine import cached_engine

        yield "TensorRT", cached_engine
    if wanted in (AUTO, ONNXRUNTIME):
        yield "ONNX Runtime on CUDA", lambda bundle: OnnxRuntimeEngine(bundle, "CUDA")
    yield "ONNX Runtime on the CPU", on_the_cpu
