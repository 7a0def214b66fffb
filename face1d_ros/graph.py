"""The nodes and how they are joined: described once, read by the launch file, `face1d up` and the documentation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from face1d_ros.config import (
    BenchConfig,
    CameraConfig,
    ExpressionConfig,
    IdentityConfig,
    LandmarksConfig,
    MeshConfig,
    NodeConfig,
    PipelineConfig,
    RecorderConfig,
    SmoothingConfig,
)
from face1d_ros.errors import InvalidValueError

EXIT_REFUSED = 2
"""Exit code of a node that refused its configuration: starting it again would not help."""


@dataclass(frozen=True)
class Topic:
    """A topic of the graph. Names are relative, so a namespace moves the whole graph."""

    name: str
    type: str
    description: str
    optional: bool = False
    """A view for people: computed only while somebody listens, and not recorded unless it is asked for."""


@dataclass(frozen=True)
class Offer:
    """A service or an action of the graph. Names are relative, as those of topics."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class NodeSpec:
    """One node: a process in the graph, or a stage of the pipeline."""

    name: str
    """Also its executable, and its module in `face1d_ros.nodes`."""
    config: type[NodeConfig]
    description: str
    subscribes: tuple[Topic, ...] = ()
    """A stage's input comes first."""
    publishes: tuple[Topic, ...] = ()
    """A stage's result comes first."""
    alternatives: tuple[tuple[str, tuple[Topic, ...]], ...] = ()
    """Of a stage whose setting `input` chooses what it reads: each choice, and what it subscribes to then."""
    on_choice: tuple[tuple[Topic, tuple[str, ...]], ...] = ()
    """What it subscribes to as well where one of these settings is not empty."""
    offers: tuple[Offer, ...] = ()
    """Of a stage that is asked for things: the same names in a node of its own and in the pipeline."""

    @property
    def results(self) -> tuple[Topic, ...]:
        """The topics it publishes whether somebody listens or not."""
        return tuple(topic for topic in self.publishes if not topic.optional)

    @property
    def beside(self) -> Topic | None:
        """The result of another stage that it reads together with its input, of the same stamp; after `configured`."""
        results = {stage.publishes[0].name for stage in STAGES}
        return next((topic for topic in self.subscribes[1:] if topic.name in results), None)

    @property
    def stage(self) -> str:
        """The name users select it by: `landmarks` for `landmarks_node`."""
        return self.name.removesuffix("_node")

    @property
    def module(self) -> str:
        """What `python3 -m` starts."""
        return f"face1d_ros.nodes.{self.name}"

    def configured(self, config: Any) -> NodeSpec:
        """The node with this configuration: it subscribes only to what its `input` needs, if it has such a choice."""
        chosen = dict(self.alternatives)[config.input] if self.alternatives else self.subscribes
        more = [topic for topic, keys in self.on_choice if any(getattr(config, key) for key in keys)]
        subscribes = (*chosen, *(topic for topic in more if topic not in chosen))
        return self if subscribes == self.subscribes else replace(self, subscribes=subscribes)


IMAGE = Topic("camera/image_raw", "sensor_msgs/msg/Image", "Images of the source.")
CAMERA_INFO = Topic("camera/camera_info", "sensor_msgs/msg/CameraInfo", "Calibration of the source, with each image.")
LANDMARKS_RAW = Topic(
    "face1d/landmarks_raw", "face1d_ros/msg/FaceLandmarksArray", "Landmarks of every face, as detected."
)
LANDMARKS_SMOOTHED = Topic(
    "face1d/landmarks", "face1d_ros/msg/FaceLandmarksArray", "Landmarks of every face, steadied over time."
)
OVERLAY = Topic(
    "face1d/overlay", "sensor_msgs/msg/Image", "The image with the faces drawn onto it, while somebody listens.", True
)
LANDMARK_MARKERS = Topic(
    "face1d/landmark_markers",
    "visualization_msgs/msg/MarkerArray",
    "The mesh of every face for RViz, while somebody listens.",
    True,
)
MESH_RESULT = Topic(
    "face1d/mesh", "face1d_ros/msg/FaceMeshArray", "3D coefficients, head pose in metres and asymmetry of every face."
)
HEAD_POSES = Topic(
    "face1d/head_poses",
    "geometry_msgs/msg/PoseArray",
    "The head poses alone; where tf2_msgs is installed, each is a transform on /tf too.",
)
MESH_MARKERS = Topic(
    "face1d/mesh_markers",
    "visualization_msgs/msg/MarkerArray",
    "Every face in metres, before the camera, with its axes for RViz, while somebody listens.",
    True,
)
COEFFICIENT_BARS = Topic(
    "face1d/mesh_bars", "sensor_msgs/msg/Image", "A bar for each expression coefficient, while somebody listens.", True
)
EXPRESSION_RESULT = Topic(
    "face1d/expression",
    "face1d_ros/msg/FaceExpressionArray",
    "Expression, intensity and phase of every face, and its facial actions.",
)
EXPRESSION_EVENTS = Topic(
    "face1d/expression_events",
    "face1d_ros/msg/FaceExpressionEvent",
    "Each phase of an expression that begins, when it is recognised.",
)
IDENTITY_RESULT = Topic(
    "face1d/identity",
    "face1d_ros/msg/FaceIdentityArray",
    "Of every face whether its motion was judged, and how it was decided.",
)
ENROL = Offer("face1d/identity/enroll", "face1d_ros/action/EnrollSubject", "Enrol a motion of a person who consents.")
VERIFY = Offer(
    "face1d/identity/verify", "face1d_ros/srv/VerifySubject", "Judge a face's next motion against one subject."
)
IDENTIFY = Offer(
    "face1d/identity/identify", "face1d_ros/srv/IdentifySubject", "Judge a face's next motion against all subjects."
)
LIST_SUBJECTS = Offer("face1d/identity/list", "face1d_ros/srv/ListSubjects", "List who is enrolled.")
FORGET = Offer("face1d/identity/forget", "face1d_ros/srv/ForgetSubject", "Remove a subject for good.")
REVOKE = Offer("face1d/identity/revoke", "face1d_ros/srv/RevokeGallery", "Remove everybody, for good.")
SHOWN = (LANDMARKS_SMOOTHED, LANDMARKS_RAW)
"""What people look at: the first of these that is there for the frame."""

CAMERA = NodeSpec("camera_node", CameraConfig, "Publishes a source as a ROS camera.", publishes=(IMAGE, CAMERA_INFO))
LANDMARKS = NodeSpec(
    "landmarks_node",
    LandmarksConfig,
    "Finds faces and their landmarks, and tracks them.",
    subscribes=(IMAGE,),
    publishes=(LANDMARKS_RAW, OVERLAY, LANDMARK_MARKERS),
)

SMOOTHING = NodeSpec(
    "smoothing_node",
    SmoothingConfig,
    "Steadies landmarks over time, and bridges short losses.",
    subscribes=(LANDMARKS_RAW,),
    publishes=(LANDMARKS_SMOOTHED,),
)

MESH = NodeSpec(
    "mesh_node",
    MeshConfig,
    "Tells 3D coefficients, head pose and asymmetry.",
    subscribes=(LANDMARKS_SMOOTHED, CAMERA_INFO),
    publishes=(MESH_RESULT, HEAD_POSES, MESH_MARKERS, COEFFICIENT_BARS),
)

EXPRESSION = NodeSpec(
    "expression_node",
    ExpressionConfig,
    "Tells expressions with their phases, and facial actions, from the landmarks, the coefficients, or both.",
    subscribes=(MESH_RESULT, LANDMARKS_SMOOTHED, CAMERA_INFO),
    publishes=(EXPRESSION_RESULT, EXPRESSION_EVENTS),
    alternatives=(
        ("both", (MESH_RESULT, LANDMARKS_SMOOTHED, CAMERA_INFO)),
        ("landmarks", (LANDMARKS_SMOOTHED, CAMERA_INFO)),
        ("mesh", (MESH_RESULT,)),
    ),
)

IDENTITY = NodeSpec(
    "identity_node",
    IdentityConfig,
    "Enrols people by a motion of their face, and recognises them by it.",
    subscribes=(LANDMARKS_SMOOTHED, CAMERA_INFO),
    publishes=(IDENTITY_RESULT,),
    on_choice=((IMAGE, ("appearance_model", "features_model")),),
    offers=(ENROL, VERIFY, IDENTIFY, LIST_SUBJECTS, FORGET, REVOKE),
)

STAGES: tuple[NodeSpec, ...] = (LANDMARKS, SMOOTHING, MESH, EXPRESSION, IDENTITY)
NODES: tuple[NodeSpec, ...] = (CAMERA, *STAGES)

PIPELINE = NodeSpec(
    "pipeline_node",
    PipelineConfig,
    "Runs all stages in one process and publishes the same topics.",
    subscribes=(IMAGE, CAMERA_INFO),
    publishes=tuple(topic for stage in STAGES for topic in stage.publishes),
    offers=tuple(offer for stage in STAGES for offer in stage.offers),
)
RECORDER = NodeSpec("recorder_node", RecorderConfig, "Records topics to an MCAP bag and measures them.")
BENCH = NodeSpec("bench_node", BenchConfig, "One end of `face1d bench graph`: its camera or its listener.")

CONFIGS: dict[str, type[NodeConfig]] = {node.name: node.config for node in (*NODES, PIPELINE, RECORDER)}


def check_chain(specs: Sequence[NodeSpec]) -> None:
    """Refuse stages that cannot run one after the other: each but the first takes what came before.

    `specs` as they are with their configurations.
    """
    there = {topic.name for topic in specs[0].subscribes}
    for spec in specs:
        needed = {spec.subscribes[0].name, *([spec.beside.name] if spec.beside else [])}
        if not needed <= there:
            raise InvalidValueError("stages", spec.stage, f"also {_remedy(spec, there)}")
        there.add(spec.publishes[0].name)


def _remedy(spec: NodeSpec, there: Collection[str]) -> str:
    """What a stage lacks where only these topics are there, and what it could read in its place."""
    needed = next(topic.name for topic in spec.subscribes if topic.name not in there)
    makers = [f" ({stage.stage})" for stage in STAGES if stage.publishes[0].name == needed]
    others = [f"{spec.stage}.input: {name}" for name, (topic, *_) in spec.alternatives if topic.name in there]
    return ", or ".join(["".join([f"the stage that makes {needed}", *makers]), *others])
