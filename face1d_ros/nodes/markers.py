"""Faces as RViz markers.

The image is shown as a plane one metre wide, one metre in front of the camera and square to its optical axis: a point
(u, v) px with depth z px of an image W × H px lies at

    x = (u - W/2) / W,   y = (v - H/2) / W,   z = 1 + z/W   metres

in the image's own frame, which is an optical frame (REP 103: x right, y down, z forward). Metres here are
pixels through the image's width; they say nothing about how large or how far a face is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from face1d_ros.convert import to_message
from face1d_ros.drawing import COLOURS
from face1d_ros.geometry.topology import edges
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Topology, TrackState

DISTANCE_M = 1.0
"""From the camera to the plane of the image."""
LIFETIME_S = 0.5
"""RViz forgets a marker that is not renewed for so long: nothing stays behind when the node ends."""
LINE_WIDTH_M = 0.0008
TEXT_HEIGHT_M = 0.03
MESH, ID = "mesh", "id"
_ID_MASK = 0x7FFFFFFF
"""A marker's id is an int32, a track's an uint64."""


class FaceMarkers:
    """Makes the markers of each frame, and takes back those of faces that are gone."""

    def __init__(self) -> None:
        self._shown: set[tuple[str, int]] = set()

    def message(self, result: FaceLandmarksArray) -> MarkerArray:
        """A mesh and an id for every face; a deletion for what was shown before and is gone."""
        header = to_message(result.header)
        markers: list[Marker] = []
        for face in result.faces:
            points = to_metres(face.points, result.image_width, result.image_height)
            markers += _face_markers(face, points, header)
        shown = {(marker.ns, marker.id) for marker in markers}
        for name, number in sorted(self._shown - shown):
            markers.append(Marker(header=header, ns=name, id=number, action=Marker.DELETE))
        self._shown = shown
        return MarkerArray(markers=markers)


def to_metres(points: NDArray[np.float32], width: int, height: int) -> NDArray[np.float64]:
    """(N, 3) pixels of an image to (N, 3) metres in its optical frame, as the module says."""
    centre = np.array([width / 2.0, height / 2.0, 0.0])
    return (points.astype(np.float64) - centre) / max(width, 1) + (0.0, 0.0, DISTANCE_M)


def _face_markers(face: FaceLandmarks, points: NDArray[np.float64], header: Any) -> list[Marker]:
    """Its mesh and its id; nothing of a face without points that are known."""
    known = np.isfinite(points).all(axis=1)
    if not known.any():
        return []
    colour = _colour(face)
    label = _marker(ID, face, header, Marker.TEXT_VIEW_FACING, TEXT_HEIGHT_M, colour)
    label.text = f"({face.track_id})" if face.state is TrackState.BRIDGED else str(face.track_id)
    label.pose.position = _top(points[known])
    if face.topology is Topology.UNKNOWN:
        return [label]
    mesh = _marker(MESH, face, header, Marker.LINE_LIST, LINE_WIDTH_M, colour)
    lines = edges(face.topology)
    corners = [Point(x=x, y=y, z=z) for x, y, z in points.tolist()]
    mesh.points = [corners[index] for index in lines[known[lines].all(axis=1)].ravel().tolist()]
    return [mesh, label]


def _marker(name: str, face: FaceLandmarks, header: Any, kind: int, size_m: float, colour: ColorRGBA) -> Marker:
    marker = Marker(header=header, ns=name, id=face.track_id & _ID_MASK, type=kind, action=Marker.ADD, color=colour)
    marker.pose.orientation.w = 1.0
    marker.scale.x = marker.scale.y = marker.scale.z = size_m
    marker.lifetime = Duration(sec=int(LIFETIME_S), nanosec=int(LIFETIME_S % 1.0 * 1e9))
    return marker


def _top(points: NDArray[np.float64]) -> Point:
    """A little above the topmost point; y points down."""
    highest = points[points[:, 1].argmin()]
    return Point(x=float(highest[0]), y=float(highest[1]) - TEXT_HEIGHT_M, z=float(highest[2]))


def _colour(face: FaceLandmarks) -> ColorRGBA:
    red, green, blue = (channel / 255.0 for channel in COLOURS[face.track_id % len(COLOURS)])
    return ColorRGBA(r=red, g=green, b=blue, a=1.0)
