"""Writes mediapipe_golden.npz: what MediaPipe's own LandmarksSmoothingCalculator makes of a moving face.

Run as `python test/filters/make_mediapipe_golden.py`, with mediapipe 0.10.21.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mediapipe.framework.formats import landmark_pb2
from mediapipe.python import packet_creator, packet_getter
from mediapipe.python._framework_bindings.calculator_graph import CalculatorGraph

GOLDEN = Path(__file__).with_name("mediapipe_golden.npz")
GRAPH = """
input_stream: "points"
output_stream: "smooth"
node {
  calculator: "LandmarksSmoothingCalculator"
  input_stream: "LANDMARKS:points"
  output_stream: "FILTERED_LANDMARKS:smooth"
  options {
    [mediapipe.LandmarksSmoothingCalculatorOptions.ext] {
      one_euro_filter { min_cutoff: 0.05 beta: 80.0 derivate_cutoff: 1.0 }
    }
  }
}
"""


def moving_face(frames: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Stamps (T,) in whole microseconds, and points (T, 6, 3) px that rest, go, and come nearer."""
    rng = np.random.default_rng(6)
    # MediaPipe takes a first stamp of 0 for none.
    stamp_us = np.cumsum(rng.integers(12_000, 60_000, frames))
    place = np.clip((np.arange(frames) - 30) / 30, 0, 1)[:, None, None]
    face = rng.uniform(0, 200, (6, 3)) * (1 + 0.5 * place)
    points = face + place * [150.0, -40.0, 5.0] + rng.normal(0, 0.6, (frames, 6, 3))
    return stamp_us, points.astype(np.float32)


def smoothed_by_mediapipe(stamp_us: np.ndarray, points: np.ndarray) -> np.ndarray:
    found: list[list[list[float]]] = []
    graph = CalculatorGraph(graph_config=GRAPH)
    take = lambda _, packet: found.append([[p.x, p.y, p.z] for p in packet_getter.get_proto(packet).landmark])  # noqa: E731
    graph.observe_output_stream("smooth", take)
    graph.start_run()
    for stamp, face in zip(stamp_us, points, strict=True):
        message = landmark_pb2.LandmarkList(landmark=[landmark_pb2.Landmark(x=x, y=y, z=z) for x, y, z in face])
        graph.add_packet_to_input_stream("points", packet_creator.create_proto(message).at(int(stamp)))
    graph.close_all_packet_sources()
    graph.wait_until_done()
    return np.array(found, np.float32)


if __name__ == "__main__":
    stamps, raw = moving_face()
    np.savez_compressed(GOLDEN, stamp_s=stamps * 1e-6, points=raw, smooth=smoothed_by_mediapipe(stamps, raw))
