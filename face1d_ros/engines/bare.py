"""ONNX Runtime as it is, with our settings: what the speed of our engine is compared with, and nothing else."""

from __future__ import annotations

from typing import Any

from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.engine import Array, Arrays
from face1d_ros.engines.onnxruntime_engine import onnxruntime_module, session_options


class BareOnnxRuntime:
    """`InferenceSession.run` on the CPU; its memory is whatever comes out."""

    def __init__(self, bundle: Bundle) -> None:
        runtime = onnxruntime_module()
        self._session: Any = runtime.InferenceSession(
            bundle.model, session_options(runtime, "CPU"), providers=["CPUExecutionProvider"]
        )
        names = [spec.name for spec in bundle.manifest.outputs]
        self._carried = [(memory.input, names.index(memory.output)) for memory in bundle.manifest.memory]

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        """All outputs; the memory among `inputs` is put in its place for the next frame."""
        outputs: list[Array] = self._session.run(None, inputs)
        for name, index in self._carried:
            inputs[name] = outputs[index]
        return outputs


def tiled(arrays: Arrays, faces: int) -> dict[str, Array]:
    """The first rows of these arrays again and again, for so many faces."""
    return {name: array[[row % len(array) for row in range(faces)]] for name, array in arrays.items()}
