"""The two models inside MediaPipe's wheel, each in a graph of its own: where faces are, and their landmarks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.detect.graph import (
    Graph,
    GraphConfig,
    Packet,
    bool_packet,
    expanded,
    image_packet,
    node_of,
    rect_packet,
)
from face1d_ros.detect.installed import load_part
from face1d_ros.detect.landmark_list import normalized_points, points_px
from face1d_ros.detect.regions import Found, Region, around_box
from face1d_ros.detect.views import View
from face1d_ros.types import FloatArray

FINDER_GRAPH = """
input_stream: "image" input_stream: "view" output_stream: "faces"
node {{
  calculator: "{calculator}"
  input_stream: "IMAGE:image" input_stream: "ROI:view" output_stream: "DETECTIONS:faces"
  node_options {{ [type.googleapis.com/mediapipe.FaceDetectionOptions] {{
    min_score_thresh: {min_score:.6f} delegate {{ xnnpack {{ }} }}
  }} }}
}}
"""
LANDMARK_GRAPH = """
input_stream: "image" input_stream: "region" input_side_packet: "with_attention" output_stream: "landmarks"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image" input_stream: "ROI:region" input_side_packet: "WITH_ATTENTION:with_attention"
  output_stream: "LANDMARKS:landmarks"
}
"""
WARM_UP_PX = 64
ANY_PRESENCE = -1.0


@dataclass(frozen=True)
class Shown:
    """An image as the models take it."""

    packet: Packet
    width: int
    height: int

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> Shown:
        """(height, width, 3) RGB."""
        return cls(image_packet(image), image.shape[1], image.shape[0])


class FaceFinder:
    """Face detection: short range (BlazeFace, 128×128) or full range (192×192)."""

    def __init__(self, full_range: bool, min_score: float) -> None:
        calculator = "FaceDetectionFullRange" if full_range else "FaceDetectionShortRange"
        text = FINDER_GRAPH.format(calculator=calculator, min_score=min_score)
        self._graph = Graph(expanded(text), ("faces",), {})
        self._graph.warm_up({"image": _black().packet, "view": rect_packet(0.5, 0.5, 1.0, 1.0)})
        self.close = self._graph.close

    def start(self, shown: Shown, views: Iterable[View]) -> None:
        """Begin to search these views of an image."""
        width, height = self._size = shown.width, shown.height
        inputs = [
            {
                "image": shown.packet,
                "view": rect_packet(
                    (view.x_px + view.width_px / 2.0) / width,
                    (view.y_px + view.height_px / 2.0) / height,
                    view.width_px / width,
                    view.height_px / height,
                ),
            }
            for view in views
        ]
        self._graph.start(inputs)

    def finish(self) -> list[Found]:
        """Faces in any of the views; one that several views show is there several times."""
        width, height = self._size
        get = load_part("python").packet_getter.get_proto_list
        found = []
        for output in self._graph.finish():
            for face in get(output["faces"]) if "faces" in output else ():
                box, eyes = face.location_data.relative_bounding_box, face.location_data.relative_keypoints
                right, left = ((eye.x * width, eye.y * height) for eye in (eyes[0], eyes[1]))
                region = around_box(
                    (box.xmin * width, box.ymin * height, box.width * width, box.height * height), right, left
                )
                found.append(Found(face.score[0], region))
        return found


class LandmarkModel:
    """Face mesh of regions: 468 points, or 478 with the attention model.

    Where several may be asked for, a second graph, with threads of its own, takes half of them.
    """

    def __init__(self, with_attention: bool, min_presence: float, several: bool = True) -> None:
        config = expanded(LANDMARK_GRAPH)
        extension = load_part("calculators.util.thresholding_calculator_pb2").ThresholdingCalculatorOptions.ext
        # What is too low is left out here: so the warm-up runs to the end, too, and has all that is to be said said.
        node_of(config, "ThresholdingCalculator").options.Extensions[extension].threshold = ANY_PRESENCE
        self._min_presence = min_presence
        presence = node_of(config, "TensorsToFloatsCalculator").output_stream[0]
        self._presence = presence.rsplit(":", 1)[-1]
        self._read = load_part("python._framework_bindings")._packet_getter._get_serialized_proto
        del config.executor[:]
        side_packets = {"with_attention": bool_packet(with_attention)}
        self._beside = self._made(config, side_packets) if several else None
        config.executor.add(type="ApplicationThreadExecutor")  # 5 % less time than on threads, for one region
        self._here = self._made(config, side_packets)

    def _made(self, config: GraphConfig, side_packets: dict[str, Packet]) -> Graph:
        graph = Graph(config, ("landmarks", self._presence), side_packets)
        graph.warm_up({"image": _black().packet, "region": rect_packet(0.5, 0.5, 1.0, 1.0)})
        return graph

    def look(self, shown: Shown, regions: Sequence[Region]) -> tuple[FloatArray, list[float]]:
        """Points (B, N, 3) in pixels and presence scores, of those regions of an image that hold a face."""
        width, height = shown.width, shown.height
        inputs = [
            {
                "image": shown.packet,
                "region": rect_packet(
                    region.x_px / width,
                    region.y_px / height,
                    region.side_px / width,
                    region.side_px / height,
                    region.angle_rad,
                ),
            }
            for region in regions
        ]
        get_float = load_part("python").packet_getter.get_float
        found = [(output["landmarks"], get_float(output[self._presence])) for output in self._run(inputs)]
        present = [(packet, presence) for packet, presence in found if presence > self._min_presence]
        if not present:
            return np.empty((0, 0, 3), np.float32), []
        points = normalized_points([self._read(packet) for packet, _ in present])
        return points_px(points, width, height), [presence for _, presence in present]

    def _run(self, inputs: list[dict[str, Packet]]) -> list[dict[str, Packet]]:
        if self._beside is None or len(inputs) == 1:
            self._here.start(inputs)
            return self._here.finish()
        half = len(inputs) // 2
        self._beside.start(inputs[:half])
        self._here.start(inputs[half:])
        try:
            second = self._here.finish()  # works here meanwhile
        finally:
            first = self._beside.finish()
        return first + second

    def close(self) -> None:
        """End the graphs; a second call does nothing."""
        for graph in (self._here, self._beside):
            if graph is not None:
                graph.close()


def _black() -> Shown:
    return Shown.of(np.zeros((WARM_UP_PX, WARM_UP_PX, 3), np.uint8))
