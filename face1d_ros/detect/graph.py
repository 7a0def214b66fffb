"""A MediaPipe graph that is fed some packets, run until it is idle, and read."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.detect.detector import BUNDLED_VERSIONS
from face1d_ros.detect.installed import load_mediapipe, load_part, version_of
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.errors import DetectorError

Packet = Any
GraphConfig = Any
MESSAGES = (
    "calculators.core.constant_side_packet_calculator_pb2",
    "calculators.core.split_vector_calculator_pb2",
    "calculators.tensor.image_to_tensor_calculator_pb2",
    "calculators.tensor.inference_calculator_pb2",
    "calculators.tensor.tensors_to_floats_calculator_pb2",
    "calculators.tensor.tensors_to_landmarks_calculator_pb2",
    "calculators.util.landmarks_refinement_calculator_pb2",
    "calculators.util.non_max_suppression_calculator_pb2",
    "calculators.util.thresholding_calculator_pb2",
    "framework.tool.switch_container_pb2",
    "framework.formats.detection_pb2",
)
"""What our graphs are set by, and give. What Python has no class for would be lost on the way to the C++ library."""


class Graph:
    """One graph, at rest between `finish` and the next `start`. Its own time only orders the sets of inputs."""

    def __init__(self, config: GraphConfig, outputs: Collection[str], side_packets: Mapping[str, Packet]) -> None:
        self._side_packets = dict(side_packets)
        self._time = self._count = 0
        self._first = 1
        self._arrived: dict[tuple[int, str], Packet] = {}
        with quiet_start():
            try:
                self._graph: Any = load_part("python").CalculatorGraph(graph_config=config)
                for name in outputs:
                    self._graph.observe_output_stream(name, self._on_packet)
                self._graph.start_run(self._side_packets)
                self._graph.wait_until_idle()  # its threads load the models meanwhile, and write
            except (RuntimeError, ValueError, OSError) as error:
                raise DetectorError(
                    f"MediaPipe's face mesh does not start: {error}; `face1d doctor` looks for the cause"
                ) from error

    def _on_packet(self, stream: str, packet: Packet) -> None:
        self._arrived[packet.timestamp.value, stream] = packet

    def start(self, inputs: Sequence[Mapping[str, Packet]]) -> None:
        """Begin to work on these sets of inputs; `finish` must follow before the next."""
        self._arrived.clear()
        self._first, self._count = self._time + 1, len(inputs)
        with self._failing_loudly():
            for packets in inputs:
                self._time += 1
                for stream, packet in packets.items():
                    self._graph.add_packet_to_input_stream(stream, packet.at(self._time))

    def finish(self) -> list[dict[str, Packet]]:
        """For each set of inputs the packets that came out, by stream; a stream that stayed silent is left out."""
        with self._failing_loudly():
            self._graph.wait_until_idle()
        results: list[dict[str, Packet]] = [{} for _ in range(self._count)]
        for (time, stream), packet in self._arrived.items():
            if time >= self._first and not packet.is_empty():
                results[time - self._first][stream] = packet
        return results

    def warm_up(self, inputs: Mapping[str, Packet]) -> None:
        """Run once: the first run takes longer, and MediaPipe writes to the terminal in it."""
        with quiet_start():
            self.start([inputs])
            self.finish()

    @contextlib.contextmanager
    def _failing_loudly(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, ValueError) as error:
            self._restart()
            raise DetectorError(f"MediaPipe broke at an image: {error}") from error

    def _restart(self) -> None:
        """A graph that failed takes no further packets before it was ended."""
        # Ending reports the failure once more; where starting fails, the next run says so.
        with contextlib.suppress(RuntimeError):
            self._graph.close()
        with contextlib.suppress(RuntimeError):
            self._graph.start_run(self._side_packets)
        self._time = self._count = 0
        self._arrived.clear()

    def close(self) -> None:
        """End the graph, its threads and its models; a second call does nothing."""
        graph, self._graph = self._graph, None
        if graph is not None:
            with contextlib.suppress(RuntimeError):  # a failure that was reported already
                graph.close()


def expanded(text: str) -> GraphConfig:
    """A graph in text form, with all its subgraphs put in and the models' paths known."""
    python = load_part("python")
    # Models are named relative to the folder that holds the package.
    python.resource_util.set_resource_dir(str(Path(str(load_mediapipe().__file__)).resolve().parents[1]))
    validated = python.ValidatedGraphConfig()
    with quiet_start():
        try:
            validated.initialize(graph_config=text)
        except (RuntimeError, ValueError) as error:
            raise DetectorError(_unlike("does not know this graph", str(error))) from error
    for name in MESSAGES:
        load_part(name)
    from google.protobuf.unknown_fields import UnknownFieldSet  # which comes with MediaPipe

    config = load_part("framework.calculator_pb2").CalculatorGraphConfig()
    config.ParseFromString(validated.binary_config)
    lost = [node.calculator for node in config.node if len(UnknownFieldSet(node.options))]
    if lost:
        raise DetectorError(_unlike("has another graph", f"settings of {lost[0]} that are not known here"))
    return config


def node_of(config: GraphConfig, calculator: str) -> Any:
    """The only node of that kind."""
    nodes = [node for node in config.node if node.calculator == calculator]
    if len(nodes) != 1:
        raise DetectorError(_unlike("has another graph", f"{len(nodes)} nodes '{calculator}', expected one"))
    return nodes[0]


def _unlike(what: str, detail: str) -> str:
    return f"MediaPipe {version_of(load_mediapipe())} {what}: {detail}; pip install {BUNDLED_VERSIONS}"


def image_packet(image: NDArray[np.uint8]) -> Packet:
    """RGB (height, width, 3) as a packet that refers to the image's memory: read until `finish`, never written."""
    python = load_part("python")
    shared = np.ascontiguousarray(image).view()
    shared.flags.writeable = False  # MediaPipe refers to read-only arrays and copies others
    return python.packet_creator.create_image_frame(shared, image_format=python.ImageFormat.SRGB)


def rect_packet(center_x: float, center_y: float, width: float, height: float, angle_rad: float = 0.0) -> Packet:
    """A turned rectangle, in shares of the image's width and height."""
    rect = load_part("framework.formats.rect_pb2").NormalizedRect(
        x_center=center_x, y_center=center_y, width=width, height=height, rotation=angle_rad
    )
    return load_part("python").packet_creator.create_proto(rect)


def bool_packet(value: bool) -> Packet:
    """A side packet."""
    return load_part("python").packet_creator.create_bool(value)
