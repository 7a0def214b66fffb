from __future__ import annotations

import pytest
from harness import Ros
from rcl_interfaces.msg import ParameterType
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from face1d_ros.config import settings
from face1d_ros.graph import LANDMARKS, PIPELINE, STAGES
from face1d_ros.nodes.base import FaceNode
from face1d_ros.nodes.parameters import describe

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class PlainNode(FaceNode):
    def __init__(self, **options):
        super().__init__(LANDMARKS, **options)
        self.reconfigured = 0

    def reconfigure(self):
        self.reconfigured += 1


def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(ros: Ros, capfd: pytest.CaptureFixture[str]):
    node = ros.make(PlainNode, {"max_facse": 2}, spin=False)
    assert node.trigger_configure() == FAILURE
    assert "unknown key 'max_facse'; did you mean 'max_faces'?" in capfd.readouterr().err
    assert not node.has_parameter("max_facse")


def test_parameters_that_belong_to_ros_pass(ros: Ros):
    own = {
        "use_sim_time": True,
        "start_type_description_service": False,
        "qos_overrides./camera/image_raw.subscription.depth": 3,
    }
    node = ros.make(PlainNode, own, spin=False)
    assert node.trigger_configure() == SUCCESS
    assert node.get_parameter("use_sim_time").value is True


@pytest.mark.parametrize("value", [0, 9, "two", 2.0])
def test_a_value_that_cannot_be_used_is_refused_at_configure(
    ros: Ros, value: object, capfd: pytest.CaptureFixture[str]
):
    node = ros.make(PlainNode, {"max_faces": value}, spin=False)
    assert node.trigger_configure() == FAILURE
    assert f"max_faces: got {value!r}, expected a whole number from 1 to 8" in capfd.readouterr().err


def test_values_reach_the_configuration_and_an_integer_serves_as_a_float(ros: Ros):
    node = ros.make(PlainNode, {"max_faces": 2, "min_face_px": 40, "transport": "compressed"}, spin=False)
    assert node.trigger_configure() == SUCCESS
    assert (node.config.max_faces, node.config.min_face_px, node.config.transport) == (2, 40.0, "compressed")
    assert node.get_parameter("min_face_px").type_ == Parameter.Type.DOUBLE


def test_a_dynamic_parameter_changes_while_active(ros: Ros):
    node = ros.make(PlainNode, spin=False)
    node.trigger_configure()
    node.trigger_activate()
    for value in (0.25, 3):
        assert node.set_parameters([Parameter("lost_after_s", value=value)])[0].successful
        assert node.config.lost_after_s == value
        assert node.get_parameter("lost_after_s").value == value
    assert node.reconfigured == 2


def test_changes_are_refused_with_a_reason_and_all_together(ros: Ros):
    node = ros.make(PlainNode, spin=False)
    node.trigger_configure()
    result = node.set_parameters_atomically(
        [Parameter("stall_after_s", value=5.0), Parameter("lost_after_s", value=-1.0)]
    )
    assert not result.successful
    assert "lost_after_s" in result.reason
    assert node.config.stall_after_s == node.get_parameter("stall_after_s").value == 2.0
    fixed = node.set_parameters([Parameter("max_faces", value=2)])[0]
    assert not fixed.successful
    assert "read-only" in fixed.reason


@pytest.mark.parametrize("setting", settings(LANDMARKS.config), ids=lambda setting: setting.name)
def test_a_descriptor_says_all_that_the_setting_knows(ros: Ros, setting):
    node = ros.make(PlainNode, spin=False)
    descriptor = node.describe_parameter(setting.name)
    assert descriptor.description == setting.description
    assert descriptor.read_only is not setting.dynamic
    kinds = {bool: "BOOL", int: "INTEGER", float: "DOUBLE", str: "STRING"}
    assert descriptor.type == getattr(ParameterType, f"PARAMETER_{kinds[setting.type]}")
    ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
    assert [(r.from_value, r.to_value) for r in ranges] == (
        [] if setting.minimum is None else [(setting.minimum, setting.maximum)]
    )
    assert all(str(choice) in descriptor.additional_constraints for choice in setting.choices)
    assert describe(setting).read_only is not setting.dynamic


def test_the_sections_of_the_pipeline_have_the_stage_before_their_name(ros: Ros):
    class Sectioned(FaceNode):
        def __init__(self, **options):
            super().__init__(PIPELINE, {spec.stage: spec.config for spec in STAGES}, **options)

    node = ros.make(Sectioned, {"landmarks.max_faces": 3, "stages": "landmarks"}, spin=False)
    assert node.trigger_configure() == SUCCESS
    assert node.section_configs["landmarks"].max_faces == 3
    assert node.set_parameters([Parameter("landmarks.lost_after_s", value=0.5)])[0].successful
    assert node.section_configs["landmarks"].lost_after_s == 0.5
