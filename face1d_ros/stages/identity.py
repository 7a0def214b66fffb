"""Whose enrolled motion a face makes. No face's motion is looked at until somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from face1d_ros.config import IdentityConfig
from face1d_ros.errors import GalleryError
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.stages.appearance_views import NOTHING_SEEN, Sight, Views
from face1d_ros.stages.face_memory import BACK, REPEATED, TWICE
from face1d_ros.stages.identity_desk import SHOW_FACE, IdentityDesk
from face1d_ros.stages.identity_enrolment import Enrolment
from face1d_ros.stages.identity_judge import GALLERY_FAILED
from face1d_ros.stages.identity_motion import Motion, MotionReader, Posed
from face1d_ros.stages.identity_requests import Request
from face1d_ros.types import (
    Decision,
    FaceIdentity,
    FaceIdentityArray,
    FaceLandmarks,
    FaceLandmarksArray,
    Frame,
    StageInfo,
)


class IdentityStage(IdentityDesk):
    """Frames come in one thread, requests in any. The same frames and requests give the same decisions."""

    name = "identity"

    def __init__(self, config: IdentityConfig) -> None:
        """Raises InvalidValueError as `IdentityDesk`."""
        super().__init__(config)
        self._reader = MotionReader()
        self._frame: Frame | None = None

    def set_camera(self, camera: Camera | None) -> None:
        """The camera of the frames to come; None: it is not calibrated. Called by any thread."""
        self._reader.camera = camera

    @property
    def wants_frames(self) -> bool:
        """Whether somebody is asked about, and a model looks at faces."""
        enrolment = self._enrolment
        is_asked = bool(self._requests) or (enrolment is not None and not enrolment.is_complete)
        return self._onlooker is not None and is_asked

    def see(self, frame: Frame) -> None:
        """An image, kept for its landmarks if somebody is asked about."""
        if self._onlooker is not None and self.wants_frames:
            self._onlooker.see(frame)

    def process(self, frame: FaceLandmarksArray) -> FaceIdentityArray:
        """What is decided of each face, in their order."""
        with self._lock:
            goes_on = self._begin_frame(frame)
            faces = self._different(frame.faces)
            self._faces = {face.track_id: face for face in faces if face.track_id}
            if goes_on and (self._requests or self._enrolment is not None):
                self._go_on(frame)
            self._let_go()
            told = tuple(self._told(face.track_id) for face in faces)
        runner = self._runner
        return FaceIdentityArray(
            header=frame.header,
            faces=told,
            ended_track_ids=frame.ended_track_ids,
            info=StageInfo(self.name, runner.model if runner else "none", runner.engine if runner else "none"),
        )

    def prepare(self, config: IdentityConfig) -> None:
        """Refuse a rate of false matches at which nothing was measured."""
        self._judge.rule_of(config)

    def configure(self, config: IdentityConfig) -> None:
        """Take over rate and times; everything else needs a new stage."""
        with self._lock:
            self._config, self._judge.rule = config, self._judge.rule_of(config)

    def diagnostics(self) -> Mapping[str, object]:
        """Model, threshold, gallery, what is going on, what was refused."""
        values: dict[str, object] = {"camera": "assumed" if self._reader.camera is None else "calibrated"}
        notices = [self._notice]
        if self._runner is not None:
            gallery = self._gallery.values()
            notices.append(str(gallery.pop("notice", "")))
            values |= {"model chosen because": self._runner.why, **self._runner.values(), **gallery}
        if self._onlooker is not None:
            values |= self._onlooker.values()
        with self._lock:
            stamp_ns, enrolment = self._stamp_ns, self._enrolment
            values["threshold"] = self._judge.rule.threshold
            values["requests"] = len(self._requests)
            values["enrolment"] = "none" if enrolment is None else enrolment.progress.state.name.lower()
            values["locked out for s"] = 0.0 if stamp_ns is None else self._judge.refused_s("", stamp_ns)
            values |= {f"identity.{reason}": count for reason, count in sorted(self._counts.items())}
        notice = "; ".join(filter(None, notices))
        return values | ({"notice": notice} if notice else {})

    def reset(self) -> None:
        """Forget all faces and end all requests. Failures are remembered, and the camera stays."""
        with self._lock:
            self._stamp_ns, self._faces = None, {}
            self._end_requests("identity was stopped")
            self._let_go()

    def _begin_frame(self, frame: FaceLandmarksArray) -> bool:
        """Whether time goes on with it."""
        stamp_ns, before_ns = frame.header.stamp_ns, self._stamp_ns
        self._stamp_ns = stamp_ns
        if before_ns is not None and stamp_ns < before_ns:
            self._counts[BACK] += 1
            self._end_requests("time went back")
        elif stamp_ns == before_ns:
            self._counts[REPEATED] += 1
        self._decisions.drop(frame.ended_track_ids)
        self._decisions.drop_old(stamp_ns)
        for track_id in frame.ended_track_ids:
            self._requests.pop(track_id, None)
        enrolment = self._enrolment
        if enrolment is not None and enrolment.track_id in frame.ended_track_ids and not enrolment.is_complete:
            self._end_enrolment("the face was lost", f"{SHOW_FACE}, and begin anew")
        return stamp_ns != before_ns

    def _different(self, faces: Sequence[FaceLandmarks]) -> list[FaceLandmarks]:
        found: list[FaceLandmarks] = []
        ids: set[int] = set()
        for face in faces:
            if face.track_id in ids:
                self._counts[TWICE] += 1
                continue
            ids |= {face.track_id} - {0}
            found.append(face)
        return found

    def _go_on(self, frame: FaceLandmarksArray) -> None:
        """With what was asked for."""
        if remark := self._reader.remark(frame):
            self._counts[remark] += 1
        self._frame = None if self._onlooker is None else self._onlooker.frame_of(frame.header.stamp_ns)
        if self._enrolment is not None and not self._enrolment.is_complete:
            self._go_on_enrolling(self._enrolment, frame)
        stamp_ns = frame.header.stamp_ns
        for request in list(self._requests.values()):
            face = self._faces.get(request.track_id)
            decided = None if face is None else self._judged(request, frame, face)
            if decided is None and request.is_late(stamp_ns):
                decided = request.told(Decision.NOT_ENOUGH_MOTION)
            if decided is not None:
                self._decide(decided, stamp_ns)

    def _judged(self, request: Request, frame: FaceLandmarksArray, face: FaceLandmarks) -> FaceIdentity | None:
        seen = self._reader.read(frame, face)
        if isinstance(seen, str):
            self._counts[seen] += 1
            return None
        stamp_ns = frame.header.stamp_ns
        self._look(request.views, stamp_ns, face, seen)
        motion = request.watch.update(seen, stamp_ns)
        return (
            None
            if motion is None
            else self._judge.decided(request, motion, stamp_ns, self._sight(request.views, motion))
        )

    def _go_on_enrolling(self, enrolment: Enrolment, frame: FaceLandmarksArray) -> None:
        stamp_ns, chosen = frame.header.stamp_ns, self._chosen_face(enrolment.track_id)
        enrolment.begin_frame(stamp_ns, chosen)
        if chosen and enrolment.outcome is None:
            self._requests.pop(chosen, None)
            seen = self._reader.read(frame, self._faces[chosen])
            if isinstance(seen, str):
                self._counts[seen] += 1
                enrolment.cannot_see()
            else:
                self._look(enrolment.views, stamp_ns, self._faces[chosen], seen)
                motion = enrolment.see(seen, stamp_ns)
                if motion is not None:
                    self._capture(enrolment, motion, stamp_ns)
        if enrolment.outcome is not None:
            self._enrolment = None

    def _capture(self, enrolment: Enrolment, motion: Motion, stamp_ns: int) -> None:
        sight = self._sight(enrolment.views, motion)
        if self._onlooker is not None and not self._onlooker.has_all(sight):
            enrolment.was_not_seen()
            return
        embedding = self._judge.embedding(motion, sight)
        if embedding is None:
            return
        try:
            near = self._judge.near(embedding, enrolment.wish.subject, stamp_ns, sight.appearance)
        except GalleryError as error:
            self._counts[GALLERY_FAILED] += 1
            enrolment.fail("the gallery cannot be read", str(error))
            return
        if near.is_other_face:
            enrolment.fail("this is not the face that the subject was enrolled with", "enrol a new subject")
        else:
            enrolment.add(embedding, near.other, sight.appearance)

    def _look(self, views: Views, stamp_ns: int, face: FaceLandmarks, posed: Posed) -> None:
        if self._onlooker is not None:
            self._onlooker.look(views, self._frame, stamp_ns, face, posed)

    def _sight(self, views: Views, motion: Motion) -> Sight:
        return NOTHING_SEEN if self._onlooker is None else self._onlooker.sight(views, motion)

    def _let_go(self) -> None:
        """Of images, as soon as nobody needs them."""
        self._frame = None
        if self._onlooker is not None and not self.wants_frames:
            self._onlooker.forget_frames()

    def _told(self, track_id: int) -> FaceIdentity:
        request = self._requests.get(track_id)
        return self._decisions.of(track_id) if request is None else request.told()
