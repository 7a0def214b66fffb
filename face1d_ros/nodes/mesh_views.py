"""What people and tf see of the mesh: head poses, faces in metres for RViz, a bar for each coefficient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, PoseArray, TransformStamped
from geometry_msgs.msg import Pose as PoseMessage
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from face1d_ros.convert import to_message
from face1d_ros.drawing import COLOURS
from face1d_ros.geometry.topology import edges, indices_in
from face1d_ros.graph import COEFFICIENT_BARS, HEAD_POSES, MESH_MARKERS
from face1d_ros.mesh_drawing import draw_bars
from face1d_ros.nodes.camera_topics import ImageMessage
from face1d_ros.nodes.qos import create_publisher, result_qos
from face1d_ros.stages.mesh_pose import OUTER_EYE_CORNERS
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, FaceMesh, FaceMeshArray, Pose, Topology

if TYPE_CHECKING:
    from rclpy.node import Node

try:
    from tf2_msgs.msg import TFMessage
except ModuleNotFoundError:
    TFMessage = None
LIFETIME_S = 0.5
LINE_WIDTH_M, AXIS_M = 0.0006, 0.08
FACE, AXES = "face", "axes"
_ID_MASK = 0x7FFFFFFF


class HeadPoses:
    """The poses of all heads in one message, in the order of the faces; and `face_<id>` on /tf where tf2 is there."""

    def __init__(self, node: Node) -> None:
        self._poses = create_publisher(node, PoseArray, HEAD_POSES.name)
        self._tf = node.create_publisher(TFMessage, "/tf", result_qos()) if TFMessage is not None else None
        self.publishers = (self._poses,) if self._tf is None else (self._poses, self._tf)

    def show(self, given: FaceLandmarksArray, result: FaceMeshArray) -> None:
        """Those that are known. tf takes no frame without a name."""
        header = to_message(result.header)
        placed = [face for face in result.faces if is_known(face.pose)]
        self._poses.publish(PoseArray(header=header, poses=[pose_message(face.pose) for face in placed]))
        transforms = [transform(face, header) for face in placed if face.track_id]
        if self._tf is not None and transforms and header.frame_id:
            self._tf.publish(TFMessage(transforms=transforms))


class MeshMarkers:
    """Every face where it is, in metres, and the axes of its head: red ahead, green to its left, blue up."""

    def __init__(self, node: Node) -> None:
        self.publishers = (create_publisher(node, MarkerArray, MESH_MARKERS.name),)
        self._shown: set[tuple[str, int]] = set()

    def show(self, given: FaceLandmarksArray, result: FaceMeshArray) -> None:
        """Faces whose pose is known; those that are gone are taken back."""
        header = to_message(result.header)
        landmarks = {face.track_id: face for face in given.faces}
        markers: list[Marker] = []
        for face in result.faces:
            # Faces that are not tracked have no number that a marker could keep.
            if face.track_id and is_known(face.pose):
                markers.append(_axes(face, header))
                seen = landmarks.get(face.track_id)
                if seen is not None and seen.topology is not Topology.UNKNOWN:
                    markers.append(_face(seen, face, header))
        shown = {(marker.ns, marker.id) for marker in markers}
        for name, number in sorted(self._shown - shown):
            markers.append(Marker(header=header, ns=name, id=number, action=Marker.DELETE))
        self._shown = shown
        self.publishers[0].publish(MarkerArray(markers=markers))


class CoefficientBars:
    """A bar for each expression coefficient of each face, as an image."""

    def __init__(self, node: Node) -> None:
        self.publishers = (create_publisher(node, Image, COEFFICIENT_BARS.name),)
        self._message = ImageMessage()

    def show(self, given: FaceLandmarksArray, result: FaceMeshArray) -> None:
        """Draw and publish."""
        header = to_message(result.header)
        self.publishers[0].publish(self._message.fill(draw_bars(result), header.stamp, header.frame_id))


def is_known(pose: Pose) -> bool:
    """Whether there is one."""
    return bool(np.isfinite(pose.position).all() and np.isfinite(pose.orientation).all())


def pose_message(pose: Pose) -> PoseMessage:
    """As geometry_msgs has it."""
    message = PoseMessage()
    message.position.x, message.position.y, message.position.z = map(float, pose.position)
    turned = message.orientation
    turned.x, turned.y, turned.z, turned.w = map(float, pose.orientation)
    return message


def metres_of(seen: FaceLandmarks, mesh: FaceMesh) -> NDArray[np.float64]:
    """(N, 3) landmarks in the camera's frame, at the scale of the head's distance.

    The head's origin is between the outer eye corners, and so is that of the landmarks.
    """
    points = seen.points.astype(np.float64)
    corners = indices_in(Topology.FACE_68, seen.topology)[list(OUTER_EYE_CORNERS)]
    found: NDArray[np.float64] = mesh.pose.position + (points - points[corners].mean(axis=0)) / mesh.scale
    return found


def _face(seen: FaceLandmarks, mesh: FaceMesh, header: Any) -> Marker:
    red, green, blue = (channel / 255.0 for channel in COLOURS[mesh.track_id % len(COLOURS)])
    marker = _marker(FACE, mesh, header)
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    corners = [Point(x=x, y=y, z=z) for x, y, z in metres_of(seen, mesh).tolist()]
    marker.points = [corners[index] for index in edges(seen.topology).ravel().tolist()]
    marker.pose.orientation.w = 1.0
    return marker


def _axes(mesh: FaceMesh, header: Any) -> Marker:
    marker = _marker(AXES, mesh, header)
    marker.pose = pose_message(mesh.pose)
    marker.scale.x = 3.0 * LINE_WIDTH_M
    for axis in range(3):
        tip = [0.0, 0.0, 0.0]
        tip[axis] = AXIS_M
        colour = ColorRGBA(r=float(axis == 0), g=float(axis == 1), b=float(axis == 2), a=1.0)
        marker.points += [Point(), Point(x=tip[0], y=tip[1], z=tip[2])]
        marker.colors += [colour, colour]
    return marker


def _marker(name: str, mesh: FaceMesh, header: Any) -> Marker:
    marker = Marker(header=header, ns=name, id=mesh.track_id & _ID_MASK, type=Marker.LINE_LIST, action=Marker.ADD)
    marker.scale.x = LINE_WIDTH_M
    marker.lifetime = Duration(sec=int(LIFETIME_S), nanosec=int(LIFETIME_S % 1.0 * 1e9))
    return marker


def transform(mesh: FaceMesh, header: Any) -> TransformStamped:
    """From the image's frame to the head's, `face_<id>`."""
    pose = pose_message(mesh.pose)
    message = TransformStamped(header=header, child_frame_id=f"face_{mesh.track_id}")
    moved = message.transform.translation
    moved.x, moved.y, moved.z = pose.position.x, pose.position.y, pose.position.z
    message.transform.rotation = pose.orientation
    return message
