"""The nodes and how they are joined: described once, read by the launch file, `face1d up` and the documentation."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from face1d_ros.config import (
    BenchConfig,
    CameraConfig,
    ExpressionConfig,
    LandmarksConfig,
    MeshConfig,
    NodeConfig,
    PipelineConfig,
    RecorderConfig,
    SmoothingConfig,
    build,
    checked,
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
    """A stage's input comes first."""
    publishes: tuple[Topic, ...] = ()
    """A stage's result comes first."""
    alternatives: tuple[tuple[str, tuple[Topic, ...]], ...] = ()
    """Of a stage whose setting `input` chooses what it reads: each choice, and what it subscribes to then."""

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

    def configured(self, config: Any) -> NodeSpec:
        """The node with this configuration: it subscribes only to what its `input` needs, if it has such a choice."""
        return replace(self, subscribes=dict(self.alternatives)[config.input]) if self.alternatives else self


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
    "Tells expressions with their phases, and facial actions, from the landmarks or else from the coefficients.",
    subscribes=(LANDMARKS_SMOOTHED, CAMERA_INFO, MESH_RESULT),
    publishes=(EXPRESSION_RESULT, EXPRESSION_EVENTS),
    alternatives=(("landmarks", (LANDMARKS_SMOOTHED, CAMERA_INFO)), ("mesh", (MESH_RESULT,))),
)

STAGES: tuple[NodeSpec, ...] = (LANDMARKS, SMOOTHING, MESH, EXPRESSION)
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
        checked(CONFIGS[node], settings, node)
        values.setdefault(node, {}).update(settings)

    nodes: list[tuple[NodeSpec, Mapping[str, object]]] = [] if image_topic else [(CAMERA, values.get(CAMERA.name, {}))]
    if mode == "pipeline":
        together = _pipeline_parameters(chosen, values)
        check_chain([stage.configured(build(stage.config, _below(stage, together), stage.stage)) for stage in chosen])
        nodes.append((PIPELINE, together))
    else:
        for stage in chosen:
            build(stage.config, values.get(stage.name, {}), stage.name)
            nodes.append((stage, values.get(stage.name, {})))

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


def _below(stage: NodeSpec, parameters: Mapping[str, object]) -> dict[str, object]:
    """Those of the pipeline's parameters that are the stage's own, without its name before them."""
    prefix = f"{stage.stage}."
    return {key.removeprefix(prefix): value for key, value in parameters.items() if key.startswith(prefix)}


def _name(key: str, name: str) -> str:
    """A ROS name that can be remapped to; ROS itself would refuse others in every node, after its start."""
    if not re.fullmatch(r"(/|~/)?[A-Za-z_]\w*(/[A-Za-z_]\w*)*", name, re.ASCII):
        raise InvalidValueError(key, name, "letters, digits and _ in parts that begin with no digit, with / between")
    return name


def check_chain(specs: Sequence[NodeSpec]) -> None:
    """Refuse stages that cannot run one after the other: each but the first takes what came before.

    `specs` as they are with their configurations.
    """
    there = {specs[0].subscribes[0].name}
    for spec in specs:
        needed = spec.subscribes[0].name
        if needed not in there:
            raise InvalidValueError("stages", spec.stage, f"also {_remedy(spec, there)}")
        there.add(spec.publishes[0].name)


def _remedy(spec: NodeSpec, there: Collection[str]) -> str:
    """What a stage lacks where only these topics are there, and what it could read in its place."""
    needed = spec.subscribes[0].name
    makers = [f" ({stage.stage})" for stage in STAGES if stage.publishes[0].name == needed]
    others = [f"{spec.stage}.input: {name}" for name, (topic, *_) in spec.alternatives if topic.name in there]
    return ", or ".join(["".join([f"the stage that makes {needed}", *makers]), *others])


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
