"""The plan of processes that the launch file and `face1d up` share."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from face1d_ros.errors import Face1dError
from face1d_ros.graph import IMAGE, NODES, plan


def parameters_of(arguments: list[str]) -> dict[str, object]:
    """What ROS reads from `-p key:=value`."""
    pairs = [value.split(":=", 1) for flag, value in itertools.pairwise(arguments) if flag == "-p"]
    return {key: yaml.safe_load(value) for key, value in pairs}


def test_the_default_plan_is_every_node() -> None:
    assert [start.node for start in plan()] == list(NODES)


def test_a_camera_that_runs_already_takes_the_place_of_camera_node() -> None:
    starts = plan(image_topic="/robot/rgb")
    assert "camera_node" not in [start.node.name for start in starts]
    assert starts[0].remappings[IMAGE.name] == "/robot/rgb"


def test_a_pipeline_gets_each_stages_settings_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("landmarks_node: {ros__parameters: {max_faces: 2, topology: 468}}")
    starts = plan(mode="pipeline", parameter_file=str(file), overrides={"landmarks_node": {"max_faces": 3}})
    pipeline = starts[-1]
    assert pipeline.node.name == "pipeline_node"
    assert parameters_of(pipeline.ros_arguments())["landmarks.max_faces"] == 3
    assert parameters_of(pipeline.ros_arguments())["landmarks.topology"] == 468


@pytest.mark.parametrize("value", ["0", "yes", "a: b", "it's", "", "/dev/video0", "ünï.mp4", "[1]"])
def test_text_stays_text_on_the_command_line(value: str) -> None:
    camera = plan(overrides={"camera_node": {"source": value}})[0]
    assert parameters_of(camera.ros_arguments()) == {"source": value}


def test_a_namespace_is_written_with_one_slash() -> None:
    for given in ("robot", "/robot", "robot/"):
        assert "__ns:=/robot" in plan(namespace=given)[0].ros_arguments()
    assert "__ns" not in " ".join(plan(namespace="/")[0].ros_arguments())


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "swarm"},
        {"namespace": "my robot"},
        {"image_topic": "/2nd camera"},
        {"stages": ("landmark",)},
        {"parameter_file": "/nowhere/p.yaml"},
        {"overrides": {"landmarks_node": {"max_face": 1}}},
        {"overrides": {"landmarks_node": {"max_faces": 99}}},
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Face1dError):
        plan(**wrong)  # type: ignore[arg-type]
