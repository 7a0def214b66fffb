"""What every node shares: parameters from a configuration, lifecycle with logged failures, diagnostics."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from face1d_ros.errors import ConfigError, Face1dError
from face1d_ros.graph import EXIT_REFUSED, NodeSpec
from face1d_ros.nodes.diagnostics import Diagnostics, Level, Report
from face1d_ros.nodes.parameters import NodeParameters

HEARTBEAT_S = 0.25
STUCK_AFTER_S = 3.0
EXIT_OK, EXIT_FAILED = 0, 1
"""Exit codes of a node: ended as asked; could not start, another try may help. EXIT_REFUSED is the third."""

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)


class FaceNode(LifecycleNode):
    """A lifecycle node with one configuration class.

    A subclass implements `set_up` (configure), `start` (activate), `stop` (deactivate), `tear_down` (cleanup) and
    `report`. `stop` and `tear_down` are also called to undo a step that failed half-way, so they must bear being
    called when there is nothing to do. A `Face1dError` refuses a transition; any other exception is an error of ours.
    """

    config: Any

    def __init__(self, spec: NodeSpec, sections: Mapping[str, type] | None = None, **options: Any) -> None:
        """`sections` maps prefixes to further configurations; `options` go to rclpy's Node."""
        super().__init__(
            options.pop("node_name", spec.name), automatically_declare_parameters_from_overrides=True, **options
        )
        self.spec = spec
        self.config = spec.config()
        self.sections = dict(sections or {})
        self.section_configs: dict[str, Any] = {}
        self.exit_code: int | None = None
        """Set by `end`: the process ends with it."""
        self._state = "unconfigured"
        self._in_transition = False
        self._state_since_s = self._beat_s = time.monotonic()
        self._failure: Exception | None = None
        self._clock_seen = (0, time.monotonic())
        self.parameters = NodeParameters(self, {"": spec.config, **self.sections})
        self.parameters.on_change(self._on_change)
        self._heartbeat = self.create_timer(
            HEARTBEAT_S, self._on_heartbeat, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._diagnostics = Diagnostics(self, self._full_report, lambda: float(self.config.diagnostics_period_s))
        self._diagnostics.start()

    # What a subclass implements.

    def set_up(self) -> None:
        """Make what is expensive, from `self.config` and `self.section_configs`."""

    def start(self) -> None:
        """Begin to work."""

    def stop(self) -> None:
        """Stop to work, within about a second."""

    def tear_down(self) -> None:
        """Free what `set_up` made."""

    def check(self, configs: Mapping[str, Any]) -> None:
        """Refuse changed parameters, by the prefix of their section, with a ConfigError; nothing has changed yet."""

    def reconfigure(self) -> None:
        """Dynamic parameters have changed."""

    def tick(self) -> None:
        """Called about four times a second by the executor."""

    def report(self) -> Report:
        """How it is while active. Called from the diagnostics thread."""
        return Report(Level.OK, "working")

    # Lifecycle.

    @property
    def is_active(self) -> bool:
        """Whether it is at work."""
        return self._state == "active"

    @property
    def is_ended(self) -> bool:
        """Whether it will not be at work again, and nothing may spin it any more."""
        return self._state == "finalized"

    def begin(self) -> int | None:
        """Configure and activate, if `autostart` says so. The exit code if that failed."""
        if not self.get_parameter("autostart").value:
            return None
        if self.trigger_configure() == SUCCESS and self.trigger_activate() == SUCCESS:
            return None
        self._diagnostics.publish()
        return EXIT_REFUSED if isinstance(self._failure, ConfigError) else EXIT_FAILED

    def end(self, exit_code: int) -> None:
        """Ask the process to end."""
        self.exit_code = exit_code

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters and set up."""
        return self._transition("configuring", "inactive", self._configure, self.tear_down)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start."""
        return self._transition("activating", "active", self.start, self.stop)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop."""
        return self._transition("deactivating", "inactive", self.stop)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Tear down."""
        return self._transition("cleaning up", "unconfigured", self.tear_down)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and tear down, whatever the state."""
        return self._transition("shutting down", "finalized", self._free)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything; the node can be configured again."""
        self._free()
        self._enter("unconfigured")
        return SUCCESS

    def destroy_node(self) -> None:
        """Free everything, in whatever state."""
        self._enter("finalized")
        self._free()
        self._diagnostics.stop()
        super().destroy_node()

    def _configure(self) -> None:
        self.section_configs = {
            prefix: self.parameters.read(prefix, config) for prefix, config in self.sections.items()
        }
        self.config = self.parameters.read("", self.spec.config)
        self.set_up()

    def _transition(
        self, doing: str, target: str, step: Callable[[], None], undo: Callable[[], None] | None = None
    ) -> TransitionCallbackReturn:
        """Run a step; what it raises is logged, undone, and told to the state machine."""
        origin = self._state
        self._enter(doing, in_transition=True)
        try:
            step()
        except Exception as error:
            self._failure = error
            expected = isinstance(error, Face1dError)
            reason = str(error) if expected else "".join(traceback.format_exception(error))
            self.get_logger().error(f"{doing} failed: {reason}")
            if undo is not None:
                self._attempt(undo)
            self._enter(origin)
            return FAILURE if expected else ERROR
        self._failure = None
        self._enter(target)
        self.get_logger().info(target)
        return SUCCESS

    def _enter(self, state: str, in_transition: bool = False) -> None:
        self._state, self._state_since_s = state, time.monotonic()
        self._in_transition = in_transition

    def _free(self) -> None:
        self._attempt(self.stop)
        self._attempt(self.tear_down)

    def _attempt(self, step: Callable[[], None]) -> None:
        """A step on the way out: what it raises must not keep the others from being done."""
        try:
            step()
        except Exception:
            self.get_logger().error(f"{step.__name__} failed: {traceback.format_exc()}")

    # Parameters, heartbeat, diagnostics.

    def _on_change(self, configs: Mapping[str, object]) -> None:
        self.check(configs)
        self.config = configs[""]
        self.section_configs = {prefix: config for prefix, config in configs.items() if prefix}
        self.reconfigure()

    def _on_heartbeat(self) -> None:
        self._beat_s = time.monotonic()
        if self.is_active:
            self.tick()

    def now_ns(self) -> int:
        """The node's time: simulated where `use_sim_time` says so."""
        return int(self.get_clock().now().nanoseconds)

    def age_s(self, stamp_ns: int) -> float:
        """The node's time minus a stamp; negative for one ahead of it."""
        return (self.now_ns() - stamp_ns) * 1e-9

    def say_now(self) -> None:
        """Tell /diagnostics at once, because the process ends soon."""
        self._diagnostics.try_publish()

    def told_for_s(self) -> float:
        """How long what has passed is worth a warning: long enough for some message on /diagnostics to carry it."""
        return float(max(self.config.stall_after_s, 2.0 * self.config.diagnostics_period_s))

    def clock_problem(self) -> str:
        """What is wrong with simulated time; '' if nothing, or if time is not simulated."""
        if not self.get_parameter("use_sim_time").value:
            return ""
        now_ns, wall_s = self.now_ns(), time.monotonic()
        if now_ns != self._clock_seen[0]:
            self._clock_seen = (now_ns, wall_s)
        if now_ns == 0:
            return "use_sim_time is set, but nothing came on /clock"
        still_s = wall_s - self._clock_seen[1]
        return f"simulated time stands still since {still_s:.0f} s" if still_s > self.config.stall_after_s else ""

    def _full_report(self) -> Report:
        """The lifecycle and the executor first: while they are at fault, nothing else is worth saying."""
        values = {"state": self._state}
        since_s = time.monotonic() - self._state_since_s
        if self._in_transition:
            level = Level.WARN if since_s > 10 * STUCK_AFTER_S else Level.OK
            return Report(level, f"{self._state} since {since_s:.0f} s", values)
        if self._failure is not None and not self.is_active:
            return Report(Level.ERROR, f"not active: {self._failure}", values)
        if not self.is_active:
            return Report(Level.STALE, f"not active: {self._state}", values)
        report = self.report()
        silent_s = time.monotonic() - self._beat_s
        if silent_s > STUCK_AFTER_S:
            message = f"the executor's thread is stuck since {silent_s:.0f} s: no message or service gets through"
            report = Report(Level.ERROR, message, report.values)
        return Report(report.level, report.message, {**values, **report.values})
