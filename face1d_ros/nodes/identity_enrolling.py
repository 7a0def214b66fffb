"""The action that enrols: goals in, feedback while the stage goes on with it, its outcome as the result."""

from __future__ import annotations

import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

from rclpy.action import ActionServer, CancelResponse
from rclpy.clock import Clock, ClockType

from face1d_ros.action import EnrollSubject
from face1d_ros.errors import Face1dError, RequestRefusedError
from face1d_ros.graph import ENROL
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.stages.identity_enrolment import Enrolment, Outcome, Progress
from face1d_ros.stages.identity_wishes import Wish

if TYPE_CHECKING:
    from face1d_ros.nodes.base import FaceNode

LOOK_EVERY_S = 0.1
TELL_EVERY_S = 0.5
NO_FRAMES_S = 10.0
"""Time is the stamps' time: where none comes, an enrolment would have no end."""
STORED_WITHIN_S = 1.0
NS = 1_000_000_000
FAILED = Outcome(False, "this failed inside the node; its log says why")


class LaterActionServer(ActionServer):
    """Goals that nothing waits for: a coroutine that waits would keep the executor busy all the time."""

    def notify_execute(self, goal_handle: Any, execute_callback: Any) -> None:
        """Only where there is something to execute; without a callback the goal just goes on."""
        if execute_callback is not None:
            super().notify_execute(goal_handle, execute_callback)


class EnrolmentServer:
    """One enrolment at a time. All but the storing is done by the executor's thread."""

    def __init__(self, node: FaceNode, stage: IdentityStage) -> None:
        self._node, self._stage = node, stage
        self.is_active = False
        self._goal: Any = None
        self._enrolment: Enrolment | None = None
        self._storing: threading.Thread | None = None
        self._told: tuple[Progress | None, float] = None, 0.0
        self._newest: tuple[int | None, float] = None, 0.0
        self._server = LaterActionServer(
            node,
            EnrollSubject,
            ENROL.name,
            _no_callback,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )
        self._timer = node.create_timer(LOOK_EVERY_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._timer.cancel()

    def settle(self) -> None:
        """Tell the outcome of an enrolment that the stage has ended."""
        storing = self._storing
        if storing is not None:
            storing.join(STORED_WITHIN_S)
        self._look()

    def close(self) -> None:
        """Leave the action."""
        self._node.destroy_timer(self._timer)
        self._server.destroy()

    def _on_accepted(self, goal: Any) -> None:
        goal.execute()
        self._look()
        try:
            if not self.is_active:
                raise RequestRefusedError("the node is not active", "activate it")
            if self._enrolment is not None:
                raise RequestRefusedError("another enrolment is going on", "wait for its end, or cancel it")
            enrolment = self._stage.enrol(_wish(goal.request))
        except Face1dError as error:
            self._conclude(goal, Outcome(False, str(error)))
        except Exception:
            self._log_failure()
            self._conclude(goal, FAILED)
        else:
            self._goal, self._enrolment, self._storing = goal, enrolment, None
            self._told, self._newest = (None, 0.0), (None, time.monotonic())
            self._timer.reset()

    def _on_cancel(self, goal: Any) -> CancelResponse:
        enrolment = self._enrolment
        if goal is self._goal and enrolment is not None and self._stage.cancel(enrolment, "cancelled", "begin anew"):
            return CancelResponse.ACCEPT
        return CancelResponse.REJECT

    def _look(self) -> None:
        """How the enrolment is."""
        enrolment = self._enrolment
        if enrolment is None:
            self._timer.cancel()
            return
        self._watch_frames(enrolment)
        self._tell(enrolment.progress)
        if enrolment.is_complete and self._storing is None:
            self._storing = threading.Thread(target=self._store, args=(enrolment,), name="store", daemon=True)
            self._storing.start()
        if enrolment.outcome is not None:
            goal, self._goal, self._enrolment = self._goal, None, None
            self._conclude(goal, enrolment.outcome)

    def _watch_frames(self, enrolment: Enrolment) -> None:
        newest_ns, now_s = self._stage.newest_ns, time.monotonic()
        if newest_ns != self._newest[0]:
            self._newest = newest_ns, now_s
        elif now_s - self._newest[1] > NO_FRAMES_S:
            self._stage.cancel(enrolment, f"no frame has come for {NO_FRAMES_S:g} s", "/diagnostics says why")

    def _tell(self, progress: Progress) -> None:
        """At every change, and often enough that a listener knows it goes on."""
        now_s = time.monotonic()
        if progress == self._told[0] and now_s - self._told[1] < TELL_EVERY_S - LOOK_EVERY_S / 2.0:
            return
        self._told = progress, now_s
        self._goal.publish_feedback(
            EnrollSubject.Feedback(
                state=int(progress.state),
                captured=progress.captured,
                repetitions=progress.repetitions,
                quality=progress.quality,
                hint=progress.hint,
                track_id=progress.track_id,
            )
        )

    def _store(self, enrolment: Enrolment) -> None:
        """In a thread of its own: a disk may be slow."""
        try:
            self._stage.store(enrolment)
        except Exception:
            self._log_failure()
            enrolment.end(FAILED)

    def _conclude(self, goal: Any, outcome: Outcome) -> None:
        """Give the state at once, and the result by the executor; at the node's end none could send it any more."""
        if outcome.success:
            goal.succeed()
        elif goal.is_cancel_requested:
            goal.canceled()
        else:
            goal.abort()
        if not self._node.is_ended:
            self._server.notify_execute(goal, lambda _: _result(outcome))

    def _log_failure(self) -> None:
        self._node.get_logger().error(f"an enrolment failed: {traceback.format_exc()}")


def _result(outcome: Outcome) -> Any:
    return EnrollSubject.Result(
        success=outcome.success,
        message=outcome.message,
        subject=outcome.subject,
        templates=outcome.templates,
        quality=outcome.quality,
    )


def _wish(goal: Any) -> Wish:
    return Wish(
        consent=goal.consent,
        consent_text=goal.consent_text,
        subject=goal.subject,
        track_id=goal.track_id,
        repetitions=goal.repetitions,
        timeout_s=goal.timeout_s,
        expires_after_ns=goal.expires_after.sec * NS + goal.expires_after.nanosec,
    )


def _no_callback(goal: Any) -> Any:
    """Never called: each goal is concluded with a callback of its own."""
    raise NotImplementedError
