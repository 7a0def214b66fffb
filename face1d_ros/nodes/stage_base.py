"""A node that runs stages on what comes in on one topic: in a worker thread, the newest first."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from face1d_ros import msg as messages
from face1d_ros.errors import ConversionError, ImageError
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.graph import CAMERA_INFO, IMAGE, NodeSpec, check_chain
from face1d_ros.nodes.base import FaceNode
from face1d_ros.nodes.camera_info import CameraInfoInput
from face1d_ros.nodes.chain import Link
from face1d_ros.nodes.diagnostics import Level, Rate, Report
from face1d_ros.nodes.images_beside import ImagesBeside
from face1d_ros.nodes.input import RAW, Input, make_input, to_item
from face1d_ros.nodes.input_watch import JumpWatch, SilenceWatch
from face1d_ros.nodes.mailbox import Accounts, Worker
from face1d_ros.nodes.offers import Offers, make_offers
from face1d_ros.nodes.paired_input import PairedInput
from face1d_ros.nodes.qos import create_publisher
from face1d_ros.nodes.verdict import Situation, verdict
from face1d_ros.nodes.views import Views
from face1d_ros.types import Frame

STOP_WORKER_S = 1.0
VIEW_GIVES_WAY_S = 0.2
"""A view is left out while the next frame waits already, but not for longer than this."""


@dataclass(frozen=True)
class Seen:
    """The newest frame that was answered."""

    count: int = 0
    """Frames answered so far."""
    stamp_ns: int = 0
    latency_s: float = 0.0
    """The node's own time minus the stamp, when the answer went out."""
    at_s: float = 0.0
    """Wall time of that (monotonic); 0 = none yet."""


class StageNode(FaceNode):
    """Runs the stages `specs`, the first of which names the input topic."""

    def __init__(
        self,
        spec: NodeSpec,
        specs: tuple[NodeSpec, ...],
        sections: Mapping[str, type] | None = None,
        **options: Any,
    ) -> None:
        """`sections` as in `FaceNode`."""
        super().__init__(spec, sections, **options)
        self._specs = specs
        self._links: list[Link] = []
        self._offers: list[Offers] = []
        self._input: Input | PairedInput | None = None
        self._camera_info: CameraInfoInput | None = None
        self._images: ImagesBeside | None = None
        self._worker: Worker[Any] | None = None
        self._notices: dict[str, str] = {}
        self._begin_accounts()

    def config_of(self, spec: NodeSpec) -> Any:
        """The configuration of one of the stages."""
        return self.config

    def check(self, configs: Mapping[str, Any]) -> None:
        """Ask each stage. In the pipeline, each has a section of its own."""
        for link in self._links:
            link.prepare(configs.get(link.spec.stage, configs[""]))

    # Lifecycle.

    def set_up(self) -> None:
        """Make the stages, their publishers, and the input."""
        self._specs = tuple(spec.configured(self.config_of(spec)) for spec in self._specs)
        check_chain(self._specs)
        for spec in self._specs:
            topic = spec.publishes[0]
            publisher = create_publisher(self, getattr(messages, topic.type.rsplit("/", 1)[1]), topic.name)
            views = Views(self, spec)
            try:
                self._links.append(Link(spec, self.config_of(spec), publisher, views))
            except BaseException:
                self.destroy_publisher(publisher)
                views.close()
                raise
        made = (make_offers(self, link.spec, link.stage) for link in self._links)
        self._offers += [offers for offers in made if offers is not None]
        if any(CAMERA_INFO in spec.subscribes for spec in self._specs):
            self._camera_info = CameraInfoInput(self, self._on_camera)
        self._make_inputs()

    def _make_inputs(self) -> None:
        """What the first stage takes, and images where another one looks at them."""
        first = self._specs[0]
        if first.beside is not None:
            self._input = PairedInput(self, (first.subscribes[0], first.beside), self._on_message)
        else:
            transport = getattr(self.config_of(first), "transport", RAW)
            self._input = make_input(self, first.subscribes[0], transport, self._on_message)
        viewers = [spec for spec in self._specs if IMAGE in spec.subscribes]
        if viewers and first.subscribes[0] is not IMAGE:
            transport = self.config_of(viewers[0]).transport
            self._images = ImagesBeside(self, transport, lambda: any(link.wants_frames for link in self._links))

    def start(self) -> None:
        """Start the worker, then listen."""
        for link in self._links:
            link.reset()
        self._begin_accounts()
        self._worker = Worker("worker", self._work, self._on_worker_error)
        for offers in self._offers:
            offers.start()
        self.tick()

    def stop(self) -> None:
        """Stop to listen, then finish the present frame."""
        if self._input is not None:
            self._input.close()
        self._silence.reset()
        worker, self._worker = self._worker, None
        if worker is not None and not worker.stop(STOP_WORKER_S):
            self.get_logger().error(f"the worker is stuck since {worker.busy_s():.1f} s and is left behind")
        for offers in self._offers:
            offers.stop()

    def tear_down(self) -> None:
        """Free the stages and publishers."""
        self._input = None
        camera_info, self._camera_info = self._camera_info, None
        if camera_info is not None:
            camera_info.close()
        images, self._images = self._images, None
        if images is not None:
            images.close()
        all_offers, self._offers = self._offers, []
        for offers in all_offers:
            offers.close()
        links, self._links = self._links, []
        for link in links:
            self.destroy_publisher(link.publisher)
            link.views.close()
            link.close()

    def tick(self) -> None:
        """Listen only while somebody listens to us, if so wished; say when nothing comes any more."""
        if self._input is None:
            return
        self._say_notices()
        on_demand = getattr(self.config_of(self._specs[0]), "on_demand", False)
        if on_demand and not any(link.wanted for link in self._links):
            self._input.close()
            self._silence.reset()
        elif not self._input.is_open:
            self._came_at_s = time.monotonic()
            self._input.open()
        else:
            stall_after_s = self.config.stall_after_s
            self._silence.update(self._topic(), self._came_at_s, stall_after_s, lambda: self._verdict()[1])

    def _say_notices(self) -> None:
        """Each once, until there is another one."""
        notices = {link.spec.stage: link.notice for link in self._links}
        for stage, notice in notices.items():
            if notice and notice != self._notices.get(stage):
                self.get_logger().warning(f"{stage}: {notice}")
        self._notices = notices

    def _begin_accounts(self) -> None:
        self._seen = Seen()
        self._shown_at_s = 0.0
        self._stamps = JumpWatch()
        logger = self.get_logger()
        self._silence = SilenceWatch(logger.warning, logger.info)
        self._active_since_s = self._came_at_s = time.monotonic()
        self._rate_in, self._rate_out = Rate(), Rate()

    # Input.

    def _on_message(self, message: Any) -> None:
        self._came_at_s = time.monotonic()
        if self._worker is not None:
            self._worker.mailbox.put(message)

    def _on_camera(self, camera: Camera | None) -> None:
        for link in self._links:
            link.set_camera(camera)

    # In the worker's thread.

    def _work(self, message: Any, accounts: Accounts) -> None:
        values = self._values_of(message)
        item = values[self._specs[0].subscribes[0].name]
        if self._stamps.note(item.header.stamp_ns):
            self.get_logger().warning(self._stamps.jump.text(f"stamps on {self._topic()}"), throttle_duration_sec=5.0)
        self._show_image(item)
        for link in self._links:
            link.configure(self.config_of(link.spec))
            link.process(values, accounts)
        stamp_ns = item.header.stamp_ns
        self._seen = Seen(self._seen.count + 1, stamp_ns, self.age_s(stamp_ns), time.monotonic())
        self._show(values)

    def _values_of(self, message: Any) -> dict[str, Any]:
        """What came in, by topic: one message, or a pair."""
        first = self._specs[0]
        if first.beside is None:
            return {first.subscribes[0].name: to_item(message)}
        given, beside = (to_item(one) for one in message)
        return {first.subscribes[0].name: given, first.beside.name: beside}

    def _show_image(self, item: Any) -> None:
        """To the stages that look at images beside what they are given."""
        images = self._images
        frame = item if isinstance(item, Frame) else images.frame_of(item.header.stamp_ns) if images else None
        if frame is not None:
            for link in self._links:
                link.see(frame)

    def _show(self, values: dict[str, Any]) -> None:
        """What people look at, once the results are out. The frame counts as used, whatever happens here."""
        worker, now_s = self._worker, time.monotonic()
        if worker is not None and worker.mailbox.waiting and now_s - self._shown_at_s < VIEW_GIVES_WAY_S:
            return
        self._shown_at_s = now_s
        try:
            for link in self._links:
                link.views.show(values)
        except Exception:
            text = traceback.format_exc()
            self.get_logger().error(f"an overlay or its like failed: {text}", throttle_duration_sec=5.0)

    def _on_worker_error(self, error: Exception) -> None:
        if isinstance(error, (ImageError, ConversionError)):
            self.get_logger().warning(f"refused from {self._topic()}: {error}", throttle_duration_sec=5.0)
        else:
            text = "".join(traceback.format_exception(error))
            self.get_logger().error(f"a frame failed: {text}", throttle_duration_sec=5.0)

    # Diagnostics.

    def _topic(self) -> str:
        return self._input.topic if self._input is not None else self._specs[0].subscribes[0].name

    def report(self) -> Report:
        """Rates, ages, counts, and why nothing comes out."""
        worker = self._worker
        values = self._values(worker.mailbox.accounts()) if worker is not None else {}
        return Report(*self._verdict(), {"input": self._topic(), **values})

    def _verdict(self) -> tuple[Level, str]:
        worker, topic, links = self._worker, self._input, self._links
        if worker is None or topic is None or not links:
            return Level.STALE, "not active: stopping"
        accounts, now_s, seen = worker.mailbox.accounts(), time.monotonic(), self._seen
        return verdict(
            Situation(
                topic=topic.topic,
                listening=topic.is_open,
                stall_after_s=self.config.stall_after_s,
                worker_busy_s=worker.busy_s(),
                silent_s=now_s - self._came_at_s,
                barren_s=now_s - (seen.at_s or self._active_since_s),
                accounts=accounts,
                faces=links[0].last.faces,
                latency_s=seen.latency_s,
                clock_problem=self.clock_problem(),
                time_jump=self._stamps.recent(f"stamps on {topic.topic}", self.told_for_s()),
                obstacle=topic.obstacle,
            )
        )

    def _values(self, accounts: Accounts) -> dict[str, object]:
        seen = self._seen
        values: dict[str, object] = {
            "rate_in_hz": self._rate_in.update(accounts.received),
            "rate_out_hz": self._rate_out.update(seen.count),
            "received": accounts.received,
            "used": accounts.used,
            "dropped": accounts.dropped,
            **{f"dropped.{reason}": count for reason, count in accounts.reasons},
            "time_jumps": self._stamps.jump.count,
        }
        if isinstance(self._input, PairedInput):
            values["without_partner"] = self._input.alone
        if seen.at_s:
            values |= {"newest_output_age_s": self.age_s(seen.stamp_ns), "latency_ms": seen.latency_s * 1e3}
        for link in self._links:
            prefix = f"{link.spec.stage}." if len(self._links) > 1 else ""
            values |= {prefix + key: value for key, value in link.values().items()}
        return values
