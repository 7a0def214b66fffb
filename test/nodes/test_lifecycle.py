from __future__ import annotations

import pytest
from harness import DiagnosticsListener, Ros, wait_for
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.lifecycle import TransitionCallbackReturn

from face1d_ros.errors import ConfigFileError, SourceNotFoundError
from face1d_ros.graph import LANDMARKS
from face1d_ros.nodes.base import EXIT_FAILED, EXIT_REFUSED, FaceNode

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)


class StepsNode(FaceNode):
    """Notes its steps, and raises what it is told to."""

    def __init__(self, **options):
        super().__init__(LANDMARKS, **options)
        self.steps: list[str] = []
        self.broken: dict[str, Exception] = {}

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name in self.broken:
            raise self.broken[name]

    def set_up(self):
        self._step("set_up")

    def start(self):
        self._step("start")

    def stop(self):
        self._step("stop")

    def tear_down(self):
        self._step("tear_down")


def state_of(node: FaceNode) -> str:
    return node._state_machine.current_state[1]


def test_all_transitions_work_through_the_services(ros: Ros):
    node = ros.make(StepsNode)
    caller = ros.node("caller")
    change = caller.create_client(ChangeState, "landmarks_node/change_state")
    get = caller.create_client(GetState, "landmarks_node/get_state")
    assert change.wait_for_service(10.0)

    def call(client, request):
        future = client.call_async(request)
        wait_for(future.done, "service call")
        return future.result()

    states = []
    for transition in ("configure", "activate", "deactivate", "activate", "deactivate", "cleanup", "configure"):
        request = ChangeState.Request(transition=Transition(id=getattr(Transition, f"TRANSITION_{transition.upper()}")))
        assert call(change, request).success
        states.append(call(get, GetState.Request()).current_state.label)
    assert states == ["inactive", "active", "inactive", "active", "inactive", "unconfigured", "inactive"]
    assert node.steps == ["set_up", "start", "stop", "start", "stop", "tear_down", "set_up"]
    assert call(change, ChangeState.Request(transition=Transition(id=Transition.TRANSITION_INACTIVE_SHUTDOWN))).success
    assert state_of(node) == "finalized"
    assert node.steps[-2:] == ["stop", "tear_down"]


def test_a_refused_configure_is_logged_and_undone_and_can_be_tried_again(ros: Ros, capfd: pytest.CaptureFixture[str]):
    node = ros.make(StepsNode, spin=False)
    node.broken["set_up"] = ConfigFileError("calibration.yaml", "cannot be read")
    assert node.trigger_configure() == FAILURE
    said = capfd.readouterr().err
    assert "configuring failed: configuration file calibration.yaml: cannot be read" in said
    assert "Traceback" not in said
    assert node.steps == ["set_up", "tear_down"]
    assert state_of(node) == "unconfigured"
    node.broken.clear()
    assert node.trigger_configure() == SUCCESS


def test_an_unexpected_error_is_logged_with_its_traceback(ros: Ros, capfd: pytest.CaptureFixture[str]):
    node = ros.make(StepsNode, spin=False)
    assert node.trigger_configure() == SUCCESS
    node.broken["start"] = ZeroDivisionError("of ours")
    assert node.trigger_activate() == ERROR
    said = capfd.readouterr().err
    assert "activating failed: Traceback" in said
    assert "ZeroDivisionError: of ours" in said
    assert state_of(node) == "unconfigured"
    assert node.steps[-3:] == ["stop", "stop", "tear_down"]
    node.broken.clear()
    assert node.trigger_configure() == node.trigger_activate() == SUCCESS


def test_an_error_on_the_way_out_frees_the_rest_all_the_same(ros: Ros, capfd: pytest.CaptureFixture[str]):
    node = ros.make(StepsNode, spin=False)
    node.begin()
    node.broken["stop"] = RuntimeError("will not stop")
    assert node.trigger_shutdown() == SUCCESS
    assert node.steps[-2:] == ["stop", "tear_down"]
    assert "will not stop" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigFileError("x", "bad"), EXIT_REFUSED),
        (SourceNotFoundError("x", "plug it in"), EXIT_FAILED),
        (RuntimeError("ours"), EXIT_FAILED),
    ],
)
def test_a_failed_autostart_gives_an_exit_code_that_tells_whether_another_try_may_help(ros: Ros, error, code):
    node = ros.make(StepsNode, spin=False)
    node.broken["set_up"] = error
    assert node.begin() == code


def test_without_autostart_it_waits_for_a_manager(ros: Ros):
    listener = DiagnosticsListener(ros, "landmarks_node")
    node = ros.make(StepsNode, {"autostart": False, "diagnostics_period_s": 0.1})
    assert node.begin() is None
    assert node.steps == []
    assert listener.wait_for_message("not active: unconfigured").level == b"\x03"


def test_diagnostics_say_why_it_is_not_active(ros: Ros):
    listener = DiagnosticsListener(ros, "landmarks_node")
    node = ros.make(StepsNode, {"diagnostics_period_s": 0.1})
    node.broken["set_up"] = SourceNotFoundError("/dev/video7", "plug it in")
    node.begin()
    assert listener.wait_for_message("not active: source '/dev/video7' was not found").level == b"\x02"
