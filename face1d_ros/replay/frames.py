"""The frames of a job: from the source through all stages into the bag, with checkpoints on the way."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face1d_ros.config import CameraConfig, build
from face1d_ros.errors import Face1dError, LookingDiedError, RecordingError, SourceUnreadableError
from face1d_ros.graph import CAMERA, LANDMARKS, STAGES
from face1d_ros.paths import printable
from face1d_ros.replay import checkpoint as kept
from face1d_ros.replay.bag_writer import BagWriter
from face1d_ros.replay.checkpoint import Checkpoint
from face1d_ros.replay.fingerprint import changed
from face1d_ros.replay.job import DONE, FAILED, REPLAYING, RESUMING, STOPPED, Job, Outcome, Progress, Tell, unexpected
from face1d_ros.replay.looking import Look, State, Task
from face1d_ros.replay.looking_apart import LookingApart
from face1d_ros.replay.own_bag import frames_with_landmarks, landmarks
from face1d_ros.replay.pipeline import Begun, Elsewhere, Pipeline, Step, make_steps
from face1d_ros.replay.tally import Tally
from face1d_ros.sources import DEVICE, PORTRAIT
from face1d_ros.sources.calibration import load_calibration

if TYPE_CHECKING:
    from face1d_ros.replay.report.content import Run
    from face1d_ros.replay.report.moments import Moments
    from face1d_ros.replay.reporting import Reporting

TOPICS = tuple(spec.publishes[0] for spec in STAGES)
AUTO, SAME_THROUGHOUT = "auto", "onnxruntime"
"""Engines: `auto` changes over when a faster one is ready, which no two runs do at the same frame."""
NO_STATE = "begun anew: the state of this detector cannot be kept"
NO_CHECKPOINT = "begun anew: there was no checkpoint to go on from"
TOO_LITTLE = "begun anew: the results recorded before cannot be read as far as the checkpoint"


class Frames:
    """Opens source and stages, and works through the frames."""

    def __init__(
        self,
        job: Job,
        folder: Path,
        reporting: Reporting,
        tell: Tell,
        stopped: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._job, self._folder, self._reporting = job, folder, reporting
        self._tell, self._stopped, self._clock = tell, stopped, clock
        self._tally = Tally()
        self._resumed_at, self._note = 0, ""
        self._wall_before_s = 0.0
        self._moments: Moments | None = None
        self.looking_died = False
        """Whether the process has died that looks at the frames, and nobody has asked for an end."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Source and stages. Raises SourceError, ConfigError and what else keeps them from being there."""
        self._began_s = self._clock()
        with ExitStack() as stack:
            configs = configured(self._job)
            landmarks_config = configs[LANDMARKS.name]
            # Another process loads MediaPipe while this one loads the other stages.
            task = Task(_camera(self._job), landmarks_config, self._job.max_frames)
            self._looking = stack.enter_context(LookingApart(task))
            first = Step(LANDMARKS.configured(landmarks_config), Elsewhere())
            others = make_steps(configs, STAGES[1:])
            self._pipeline = stack.enter_context(Pipeline([first, *others], time.perf_counter))
            path, facts = task.camera.calibration, self._looking.facts
            camera = load_calibration(path, facts.width, facts.height).camera if path else facts.camera
            self._pipeline.set_camera(camera)
            yield

    def work_through(self, goes_on: bool) -> Outcome:
        """All frames, or until it is stopped or fails; `goes_on`: from the checkpoint, if there is a usable one."""
        checkpoint = self._usable_checkpoint() if goes_on else None
        self._make_room(checkpoint)
        self._moments = self._opened_moments(checkpoint)
        self._reporting.begin()
        bag = BagWriter(self._folder / kept.RESULTS, TOPICS)
        ended, error = False, ""
        try:
            ended = self._again(checkpoint, bag) and self._frames(checkpoint, bag)
        except LookingDiedError as raised:
            self.looking_died = not self._stopped()
            error = printable(raised) if self.looking_died else ""
        except Face1dError as raised:
            error = printable(raised)
        except Exception as raised:  # what was worked through before is complete
            error = unexpected(raised)
        try:
            bag.close()
            self._save_moments()
        except RecordingError as raised:
            error = error or printable(raised)
        if ended and not error and not self._tally.frames:
            nothing = f"{printable(self._looking.facts.description)} gives no frame"
            error = "; ".join(self._looking.account.damage) or nothing
        return self._outcome(FAILED if error else DONE if ended else STOPPED, error)

    def run(self, outcome: Outcome) -> Run:
        """What the report says of it."""
        from face1d_ros.evaluate.measurement import conditions
        from face1d_ros.replay.report.content import Run

        facts = self._looking.facts
        return Run(
            command=self._job.command,
            source=printable(facts.description),
            topic=facts.topic,
            frames=outcome.frames,
            duration_s=outcome.duration_s,
            rate_hz=self._tally.rate_hz,
            width=facts.width,
            height=facts.height,
            settings=changed(self._job.settings),
            models=self._tally.models,
            conditions=conditions(),
            wall_s=outcome.wall_s,
            left_out=outcome.left_out,
            damage=tuple(outcome.damage),
        )

    @property
    def _wall_s(self) -> float:
        return self._wall_before_s + self._clock() - self._began_s

    def _usable_checkpoint(self) -> Checkpoint | None:
        found = kept.load_checkpoint(self._folder)
        if found is None:
            self._note = NO_CHECKPOINT if self._looking.facts.is_resumable else NO_STATE
            return None
        bags = [self._folder / name for name in (kept.PARTIAL, kept.RESULTS)]
        bag = next((each for each in bags if each.exists()), bags[0])
        if not self._looking.facts.is_resumable or frames_with_landmarks(bag, found.frames) < found.frames:
            self._note = TOO_LITTLE
            return None
        return found

    def _make_room(self, checkpoint: Checkpoint | None) -> None:
        """For the bag that is to be written."""
        try:
            if checkpoint is not None:
                kept.set_aside(self._folder)
                return
            kept.remove_checkpoint(self._folder)
            for name in (kept.PARTIAL, kept.RESULTS):
                kept.remove_folder(self._folder / name)
            shutil.rmtree(self._folder / kept.PICTURES, ignore_errors=True)
        except OSError as error:
            why = error.strerror or str(error)
            raise RecordingError(f"cannot make room in {printable(self._folder)}: {why}") from error

    def _again(self, checkpoint: Checkpoint | None, bag: BagWriter) -> bool:
        """What the landmark stage has given before, to the other stages. False: stopped; it stays set aside."""
        if checkpoint is None:
            return True
        partial = self._folder / kept.PARTIAL
        for raw in landmarks(partial, checkpoint.frames):
            values = self._pipeline.go_on(Begun(None, raw, raw.info.duration_s))
            self._pass_on(raw.header.stamp_ns, values)
            bag.write(values)
            self._tell_progress(RESUMING)
            if self._stopped():
                return False
        bag.flush()
        self._resumed_at, self._wall_before_s = checkpoint.frames, checkpoint.wall_s
        kept.remove_folder(partial)
        return True

    def _frames(self, checkpoint: Checkpoint | None, bag: BagWriter) -> bool:
        """Whether all frames of the source were worked through."""
        with closing(self._looking.looks(checkpoint)) as looks:
            for look in looks:
                self._take(look, bag)
                if self._stopped():
                    bag.flush()
                    self._keep(look.state)
                    return False
        return True

    def _take(self, look: Look, bag: BagWriter) -> None:
        values = self._pipeline.go_on(Begun(look.frame, look.result, look.duration_s))
        self._pass_on(look.frame.header.stamp_ns, values)
        if self._moments is not None:
            self._moments.take(look.frame, values)
        if bag.write(values):
            self._keep(look.state)
        self._tell_progress(REPLAYING)

    def _pass_on(self, stamp_ns: int, values: Mapping[str, Any]) -> None:
        self._tally.note(stamp_ns, values)
        self._reporting.take(values)

    def _keep(self, state: State | None) -> None:
        """That all frames so far are in the bag for good."""
        if state is not None:
            self._save_moments()
            Checkpoint(self._tally.frames, self._tally.stamp_ns, self._wall_s, state).save(self._folder)

    def _opened_moments(self, checkpoint: Checkpoint | None) -> Moments | None:
        if not self._job.pictures:
            return None
        from face1d_ros.replay.report.moments import Moments

        folder = self._folder / kept.PICTURES
        return Moments(folder) if checkpoint is None else Moments.resumed(folder, checkpoint.frames)

    def _save_moments(self) -> None:
        if self._moments is not None:
            try:
                self._moments.save()
            except OSError as error:
                raise RecordingError(f"cannot keep pictures: {error.strerror or error}") from error

    def _tell_progress(self, phase: str) -> None:
        self._tell(Progress(self._tally.frames, self._announced, self._tally.duration_s, phase))

    @property
    def _announced(self) -> int | None:
        counts = [count for count in (self._looking.facts.length, self._job.max_frames) if count is not None]
        return min(counts, default=None)

    def _outcome(self, state: str, error: str) -> Outcome:
        frames, wall_s, account = self._tally.frames, self._wall_s, self._looking.account
        if error:
            frames = frames_with_landmarks(self._folder / kept.RESULTS, frames)
        return Outcome(
            source=self._job.source,
            folder=self._job.folder,
            state=state,
            frames=frames,
            announced=self._announced,
            duration_s=self._tally.duration_s,
            wall_s=wall_s,
            realtime_factor=self._tally.duration_s / wall_s if wall_s > 0.0 else None,
            left_out=dict(account.left_out),
            damage=list(account.damage),
            oddities=list(account.notes),
            error=error,
            resumed_at=self._resumed_at,
            note=self._note,
        )


def configured(job: Job) -> dict[str, Any]:
    """The stages' configurations. Raises ConfigError."""
    configs = {spec.name: build(spec.config, job.settings.get(spec.name, {}), spec.name) for spec in STAGES}
    for name, config in configs.items():
        if getattr(config, "engine", None) == AUTO:
            configs[name] = dataclasses.replace(config, engine=SAME_THROUGHOUT)  # type: ignore[call-arg]
    return configs


def _camera(job: Job) -> CameraConfig:
    values = {"image_topic": job.topic, **job.settings.get(CAMERA.name, {}), "source": job.source, "loop": False}
    return build(CameraConfig, values, CAMERA.name)


def check_source(job: Job) -> None:
    """Refuse what has no end. Raises SourceUnreadableError."""
    if job.source == PORTRAIT and job.max_frames is None:
        raise SourceUnreadableError(job.source, "never ends; say after how many frames it shall")
    if job.source.isdecimal() or DEVICE.fullmatch(job.source):
        raise SourceUnreadableError(
            job.source, "is a camera, which cannot be replayed; record it with 'ros2 bag record', or use 'face1d run'"
        )
