"""The nodes and how they are joined: described once, read by the launch file, `face1d up` and the documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from face1d_ros.config import (
    BenchConfig,
    CameraConfig,
    LandmarksConfig,
    MeshConfig,
    NodeConfig,
    PipelineConfig,
    RecorderConfig,
    SmoothingConfig,
    build,
    load_parameter_file,
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
class NodeSpec:
    """One node: a process in the graph, or a stage of the pipeline."""

    name: str
    """Also its executable, and its module in `face1d_ros.nodes`."""
    config: type[NodeConfig]
    description: str
    subscribes: tuple[Topic, ...] = ()
    publishes: tuple[Topic, ...] = ()
    """A stage's result comes first."""

    @property
    def results(self) -> tuple[Topic, ...]:
        """The topics it publishes whether somebody listens or not."""
        return tuple(topic for topic in self.publishes if not topic.optional)

    @property
    def stage(self) -> str:
        """The name users select it by: `landmarks` for `landmarks_node`."""
        return self.name.removesuffix("_node")

    @property
    def module(self) -> str:
        """What `python3 -m` starts."""
        return f"face1d_ros.nodes.{self.name}"


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

STAGES: tuple[NodeSpec, ...] = (LANDMARKS, SMOOTHING, MESH)
NODES: tuple[NodeSpec, ...] = (CAMERA, *STAGES)

PIPELINE = NodeSpec(
    "pipeline_node",
    PipelineConfig,
    "Runs all stages in one process and publishes the same topics.",
    subscribes=(IMAGE, CAMERA_INFO),
    publishes=tuple(topic for stage in STAGES for topic in stage.publishes),
)
RECORDER = NodeSpec("recorder_node", RecorderConfig, "Records topics to an MCAP bag and measures them.")
BENCH = NodeSpec("bench_node", BenchConfig, "One end of `face1d bench graph`: its camera or its listener.")

CONFIGS: dict[str, type[NodeConfig]] = {node.name: node.config for node in (*NODES, PIPELINE, RECORDER)}
MODES = ("graph", "pipeline")


@dataclass(frozen=True)
class Start:
    """One process to start, with everything it is told."""

    node: NodeSpec
    parameters: dict[str, object] = field(default_factory=dict)
    remappings: dict[str, str] = field(default_factory=dict)
    parameter_file: str = ""
    namespace: str = ""

    def ros_arguments(self) -> list[str]:
        """The command line after the executable. Parameters come after the file, so they win."""
        arguments = ["--ros-args"]
        if self.namespace:
            arguments += ["-r", f"__ns:={self.namespace}"]
        for old, new in self.remappings.items():
            arguments += ["-r", f"{old}:={new}"]
        if self.parameter_file:
            arguments += ["--params-file", self.parameter_file]
        for key, value in self.parameters.items():
            arguments += ["-p", f"{key}:={_yaml(value)}"]
        return arguments


def plan(
    *,
    stages: tuple[str, ...] = (),
    mode: str = "graph",
    image_topic: str = "",
    namespace: str = "",
    parameter_file: str = "",
    use_sim_time: bool = False,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
) -> list[Start]:
    """The processes to start.

    `stages` selects by name (none: all); an `image_topic` of an existing camera takes the place of `camera_node`;
    `overrides` maps node names to settings that win over the parameter file.
    """
    if mode not in MODES:
        raise InvalidValueError("mode", mode, f"one of {', '.join(MODES)}")
    chosen = _select(stages)
    values = load_parameter_file(parameter_file, CONFIGS) if parameter_file else {}
    for node, settings in (overrides or {}).items():
        build(CONFIGS[node], settings, node)
        values.setdefault(node, {}).update(settings)

    nodes: list[tuple[NodeSpec, Mapping[str, object]]] = [] if image_topic else [(CAMERA, values.get(CAMERA.name, {}))]
    if mode == "pipeline":
        nodes.append((PIPELINE, _pipeline_parameters(chosen, values)))
    else:
        nodes += [(stage, values.get(stage.name, {})) for stage in chosen]

    time = {"use_sim_time": True} if use_sim_time else {}
    remappings = _of_camera(_name("image_topic", image_topic)) if image_topic else {}
    below = f"/{_name('namespace', namespace.strip('/'))}" if namespace.strip("/") else ""
    return [
        Start(node, {**time, **parameters}, _heard(node, remappings), parameter_file, below)
        for node, parameters in nodes
    ]


def _of_camera(image_topic: str) -> dict[str, str]:
    """An existing camera's topics: its camera_info stands beside its images, as image_transport has it."""
    beside = image_topic.rpartition("/")
    return {IMAGE.name: image_topic, CAMERA_INFO.name: f"{beside[0]}{beside[1]}camera_info"}


def _heard(node: NodeSpec, remappings: Mapping[str, str]) -> dict[str, str]:
    """Those of the topics that a node listens to."""
    heard = {topic.name for topic in node.subscribes}
    return {old: new for old, new in remappings.items() if old in heard}


def _pipeline_parameters(stages: tuple[NodeSpec, ...], values: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Its own, which stages to run, and theirs with the stage's name before them."""
    parameters = {**values.get(PIPELINE.name, {}), "stages": ",".join(stage.stage for stage in stages)}
    for stage in stages:
        parameters |= {f"{stage.stage}.{key}": value for key, value in values.get(stage.name, {}).items()}
    return parameters


def _name(key: str, name: str) -> str:
    """A ROS name that can be remapped to; ROS itself would refuse others in every node, after its start."""
    if not re.fullmatch(r"(/|~/)?[A-Za-z_]\w*(/[A-Za-z_]\w*)*", name, re.ASCII):
        raise InvalidValueError(key, name, "letters, digits and _ in parts that begin with no digit, with / between")
    return name


def check_chain(specs: Sequence[NodeSpec]) -> None:
    """Refuse stages that cannot run one after the other: each but the first takes what came before."""
    there = {specs[0].subscribes[0].name}
    for spec in specs:
        needed = spec.subscribes[0].name
        if needed not in there:
            raise InvalidValueError("stages", spec.stage, f"also the stage that makes {needed}")
        there.add(spec.publishes[0].name)


def _select(stages: tuple[str, ...]) -> tuple[NodeSpec, ...]:
    known = {stage.stage: stage for stage in STAGES}
    for name in stages:
        if name not in known:
            raise InvalidValueError("stages", name, f"some of {', '.join(known)}")
    return tuple(stage for stage in STAGES if not stages or stage.stage in stages)


def _yaml(value: object) -> str:
    """A value as ROS reads it on a command line: quoted, so that no text is taken for a number."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)
