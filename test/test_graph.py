"""The plan of processes that the launch file and `face1d up` share."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from face1d_ros.config import ExpressionConfig, IdentityConfig, MeshConfig, settings
from face1d_ros.errors import Face1dError, InvalidValueError
from face1d_ros.graph import (
    CAMERA_INFO,
    EXPRESSION,
    IDENTITY,
    IDENTITY_RESULT,
    IMAGE,
    LANDMARKS_SMOOTHED,
    MESH,
    MESH_RESULT,
    NODES,
    PIPELINE,
    SMOOTHING,
    NodeSpec,
    check_chain,
)
from face1d_ros.start import Start, plan

EXPRESSION_OF_MESHES = {"expression_node": {"input": "mesh"}}


def parameters_of(arguments: list[str]) -> dict[str, object]:
    """What ROS reads from `-p key:=value`."""
    pairs = [value.split(":=", 1) for flag, value in itertools.pairwise(arguments) if flag == "-p"]
    return {key: yaml.safe_load(value) for key, value in pairs}


def test_the_default_plan_is_every_node() -> None:
    assert [start.node for start in plan()] == list(NODES)


def test_services_and_actions_have_relative_names_beside_the_topic_and_the_pipeline_has_them_too() -> None:
    names = [offer.name for offer in IDENTITY.offers]
    assert len(set(names)) == len(names) == 6
    assert all(name.startswith(f"{IDENTITY_RESULT.name}/") for name in names)
    assert PIPELINE.offers == IDENTITY.offers


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


@pytest.mark.parametrize("key", ["appearance_model", "features_model"])
def test_identity_subscribes_to_images_only_where_a_model_looks_at_them(key: str) -> None:
    assert IMAGE not in IDENTITY.subscribes
    assert IDENTITY.configured(IdentityConfig()) is IDENTITY
    looking = IDENTITY.configured(IdentityConfig(**{key: "/somewhere"}))
    assert looking.subscribes == (*IDENTITY.subscribes, IMAGE)


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
        {"overrides": {"expression_node": {"enter": 0.1}}},
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Face1dError):
        plan(**wrong)  # type: ignore[arg-type]


def reading(given: str) -> NodeSpec:
    return EXPRESSION.configured(ExpressionConfig(input=given))


def test_expressions_are_read_from_landmarks_from_coefficients_or_from_both() -> None:
    both = EXPRESSION.configured(ExpressionConfig())
    assert (both.subscribes, both.beside) == ((MESH_RESULT, LANDMARKS_SMOOTHED, CAMERA_INFO), LANDMARKS_SMOOTHED)
    assert reading("landmarks").subscribes == (LANDMARKS_SMOOTHED, CAMERA_INFO)
    assert reading("mesh").subscribes == (MESH_RESULT,)
    assert reading("mesh").beside is reading("landmarks").beside is MESH.beside is None
    assert reading("mesh").configured(ExpressionConfig()) == both
    (choice,) = (setting for setting in settings(ExpressionConfig) if setting.name == "input")
    assert dict(EXPRESSION.alternatives).keys() == set(choice.choices)
    assert set(EXPRESSION.subscribes) == {topic for _, topics in EXPRESSION.alternatives for topic in topics}


def test_every_other_stage_reads_the_same_whatever_it_is_told() -> None:
    assert MESH.configured(MeshConfig()) is MESH


def test_a_chain_without_the_stage_before_expression_says_both_ways_out() -> None:
    with pytest.raises(InvalidValueError) as caught:
        check_chain([SMOOTHING, reading("mesh")])
    said = "expected also the stage that makes face1d/mesh (mesh), or expression.input: landmarks"
    assert str(caught.value) == f"stages: got 'expression', {said}"
    check_chain([SMOOTHING, reading("landmarks")])
    check_chain([SMOOTHING, MESH, reading("mesh")])


def test_a_stage_that_reads_both_needs_both() -> None:
    with pytest.raises(InvalidValueError, match=r"face1d/mesh \(mesh\), or expression.input: landmarks$"):
        check_chain([SMOOTHING, reading("both")])
    check_chain([SMOOTHING, MESH, reading("both")])


def test_what_is_no_way_out_is_not_offered() -> None:
    with pytest.raises(InvalidValueError, match=r"the stage that makes face1d/landmarks \(smoothing\)$"):
        check_chain([plan(stages=("landmarks",))[-1].node, reading("landmarks")])


def test_stages_that_a_pipeline_cannot_join_are_refused_before_it_starts() -> None:
    chosen = ("landmarks", "smoothing", "expression")
    with pytest.raises(InvalidValueError, match=r"expression\.input: landmarks"):
        plan(mode="pipeline", stages=chosen, overrides=EXPRESSION_OF_MESHES)
    *_, pipeline = plan(mode="pipeline", stages=chosen, overrides={"expression_node": {"input": "landmarks"}})
    assert pipeline.node.name == "pipeline_node"


def test_the_pipelines_own_section_says_what_a_stage_reads(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("pipeline_node: {ros__parameters: {expression: {input: mesh}}}")
    with pytest.raises(InvalidValueError, match=r"expression\.input: landmarks"):
        plan(mode="pipeline", stages=("landmarks", "smoothing", "expression"), parameter_file=str(file))


def test_in_the_graph_the_stage_before_may_run_elsewhere() -> None:
    starts = plan(stages=("expression",), image_topic="/robot/rgb")
    assert starts == [Start(EXPRESSION, remappings={CAMERA_INFO.name: "/robot/camera_info"})]


def test_settings_are_checked_together_wherever_they_come_from(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("expression_node: {ros__parameters: {leave: 0.2}}")
    overrides = {"expression_node": {"enter": 0.3}}
    for mode in ("graph", "pipeline"):
        assert plan(mode=mode, parameter_file=str(file), overrides=overrides)
        with pytest.raises(InvalidValueError, match=r"leave: got 0\.2, expected at most .*enter, which is 0\.1"):
            plan(mode=mode, parameter_file=str(file), overrides={"expression_node": {"enter": 0.1}})
