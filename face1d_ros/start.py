"""What is started, and with which parameters: read by the launch file, `face1d up` and the demo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from face1d_ros.config import build, checked
from face1d_ros.errors import InvalidValueError
from face1d_ros.graph import CAMERA, CAMERA_INFO, CONFIGS, IMAGE, PIPELINE, STAGES, NodeSpec, check_chain
from face1d_ros.parameter_file import load_parameter_file

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
