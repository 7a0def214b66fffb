"""The second factor: whoever was enrolled with their appearance is verified by it as well, and by nothing less."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stages.appearance_bundles import frame_of, write_aggregator, write_embedder, write_features, write_map_encoder
from stages.identity_faces import (
    BROWS,
    JAW,
    NS,
    RATE_HZ,
    SMILE,
    Clip,
    Frames,
    enrolled,
    face,
    motion,
    moving,
    resting,
    stage_of,
    wish,
    write_encoder,
)

from face1d_ros.errors import EngineError, InvalidValueError, RequestRefusedError
from face1d_ros.gallery.gallery import Gallery
from face1d_ros.gallery.keys import KeyFile
from face1d_ros.gallery.matching import Match
from face1d_ros.stages import appearance
from face1d_ros.stages.appearance_model import FaceEmbedder
from face1d_ros.stages.base import SeesFrames
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.stages.identity_judge import Rule, judged
from face1d_ros.stages.identity_motion import Motion
from face1d_ros.stages.identity_requests import Request
from face1d_ros.types import Decision, FaceIdentity, FaceIdentityArray, FaceLandmarks, Factor

VERIFIED, REJECTED, NO_MATCH = Decision.VERIFIED, Decision.REJECTED, Decision.NO_MATCH
UNKNOWN, NOT_ENOUGH, LOCKED_OUT = Decision.UNKNOWN, Decision.NOT_ENOUGH_MOTION, Decision.LOCKED_OUT
ADA, BOB = 1, 2
BOTH = Factor.MOTION | Factor.APPEARANCE


class Folders:
    """Bundles that are made once."""

    def __init__(self, folder: Path) -> None:
        self.encoder = write_encoder(folder / "deformation")
        self.embedder = write_embedder(folder / "projection")
        self.other = write_embedder(folder / "other", name="other")
        self.aggregator = write_aggregator(folder / "fading")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(tmp_path_factory.mktemp("bundles"))


class Seen(Frames):
    """Somebody's face, with the image behind it; nobody's image where `person` is 0."""

    person = ADA

    def show(self, *faces: FaceLandmarks, ended: Any = (), stamp_ns: int = 0) -> FaceIdentityArray:
        stamp_ns = stamp_ns or self.stamp_ns + round(NS / RATE_HZ)
        if self.person:
            self.stage.see(frame_of(self.person, stamp_ns))
        return super().show(*faces, ended=ended, stamp_ns=stamp_ns)

    def play_as(self, person: int, clip: Clip) -> FaceIdentity:
        """What is told of whoever makes a motion."""
        self.person = person
        return self.play(clip)

    def counts(self) -> dict[str, object]:
        return {key: value for key, value in self.stage.diagnostics().items() if key.startswith("identity.")}


def seen_by(stage: IdentityStage) -> Seen:
    made = Seen(stage)
    made.play(resting(0.2))
    return made


@pytest.fixture
def frames(bundles: Folders, tmp_path: Path) -> Iterator[Seen]:
    stage = stage_of(bundles.encoder, tmp_path / "gallery", appearance_model=str(bundles.embedder))
    with closing(stage):
        yield seen_by(stage)


@pytest.fixture
def ada(frames: Seen) -> str:
    """Drops the jaw, and was enrolled with her face."""
    return enrolled(frames, JAW)


def without_appearance(bundles: Folders, folder: Path) -> Seen:
    """Another stage on the same gallery, that looks at motion alone."""
    return seen_by(stage_of(bundles.encoder, folder / "gallery"))


# Two factors.


def test_the_same_motion_of_the_same_face_is_verified_by_both(frames: Seen, ada: str) -> None:
    frames.stage.verify(ada)
    told = frames.play_as(ADA, motion(JAW))
    assert (told.decision, told.subject, told.factors) == (VERIFIED, ada, BOTH)
    assert told.threshold == pytest.approx(0.65) and told.score >= told.threshold, "the score is that of the motion"


def test_the_same_motion_of_another_face_is_rejected(frames: Seen, ada: str) -> None:
    frames.stage.verify(ada)
    told = frames.play_as(BOB, motion(JAW))
    assert (told.decision, told.factors, told.claimed) == (REJECTED, BOTH, True)
    assert told.score >= told.threshold, "it was the face"
    assert frames.counts()["identity.appearance of somebody else"] == 1


def test_the_same_face_with_another_motion_is_rejected(frames: Seen, ada: str) -> None:
    frames.stage.verify(ada)
    told = frames.play_as(ADA, motion(BROWS))
    assert (told.decision, told.factors) == (REJECTED, BOTH) and told.score < told.threshold


def test_faces_of_others_count_as_failures_until_the_subject_is_locked(bundles: Folders, tmp_path: Path) -> None:
    stage = stage_of(bundles.encoder, tmp_path / "gallery", appearance_model=str(bundles.embedder), max_failures=2)
    with closing(stage):
        frames = seen_by(stage)
        ada = enrolled(frames, JAW)
        for _ in range(2):
            stage.verify(ada)
            assert frames.play_as(BOB, [*motion(JAW), *resting()]).decision is REJECTED
        with pytest.raises(RequestRefusedError, match="too many failures"):
            stage.verify(ada)


def test_identification_finds_whose_motion_and_face_it_is(frames: Seen, ada: str) -> None:
    frames.person = BOB
    bob = enrolled(frames, BROWS)
    for person, shape, found in ((ADA, JAW, ada), (BOB, BROWS, bob)):
        frames.stage.identify()
        told = frames.play_as(person, motion(shape))
        assert (told.decision, told.subject, told.factors) == (VERIFIED, found, BOTH)
    frames.stage.identify()
    told = frames.play_as(ADA, motion(BROWS))
    assert (told.decision, told.subject, told.factors) == (NO_MATCH, "", BOTH)


MOVED = Motion(np.zeros((1, 1), np.float32), np.ones(1, np.float32), 1, 2, 1.0, 0.0)
RULE = Rule(0.7, 0.01, 0.5)


@pytest.mark.parametrize(
    ("matches", "subject", "margin"),
    [
        ([Match("ada", 0.9, 0.1, 0, True), Match("bob", 0.8, 0.6, 0, True)], "bob", -0.1),
        ([Match("ada", 0.9, 0.5, 0, True), Match("bob", 0.8, 0.6, 0, True)], "ada", 0.1),
        ([Match("ada", 0.9, 0.1, 0, True), Match("bob", 0.8, math.nan, 0, False)], "bob", -0.1),
        ([Match("ada", 0.9, 0.1, 0, True), Match("bob", 0.6, 0.9, 0, True)], "", 0.3),
        ([Match("ada", 0.9, math.nan, 0, True), Match("bob", 0.8, math.nan, 0, False)], "bob", math.nan),
    ],
)
def test_identified_is_whose_motion_is_likest_of_those_whose_face_it_is(
    matches: list[Match], subject: str, margin: float
) -> None:
    told = judged(Request(1, "", 0), MOVED, matches, RULE, 5)
    assert told is not None
    assert (told.decision, told.subject) == (VERIFIED if subject else NO_MATCH, subject)
    assert told.margin == pytest.approx(margin, nan_ok=True), "of whom was not seen nothing is told"


def test_where_all_were_enrolled_with_a_face_and_none_was_seen_nothing_is_told() -> None:
    matches = [Match("ada", 0.9, math.nan, 0, True), Match("bob", 0.8, math.nan, 0, True)]
    assert judged(Request(1, "", 0), MOVED, matches, RULE, 5) is None
    assert judged(Request(1, "ada", 0), MOVED, matches, RULE, 5) is None


# What was not seen.


def test_without_images_nobody_is_verified_who_was_enrolled_with_a_face(frames: Seen, ada: str) -> None:
    frames.stage.verify(ada, timeout_s=5.0)
    told = frames.play_as(0, motion(JAW))
    assert (told.decision, told.subject) == (UNKNOWN, ada), "nothing is told of how like the motion was"
    counts = frames.counts()
    assert counts["identity.appearance not seen"] == 1
    assert counts["identity.motions not judged without the appearance that was enrolled"] == 1
    assert int(str(counts["identity.no image of this stamp"])) > 10
    assert frames.play_as(0, [*motion(JAW), *resting(3.0)]).decision is NOT_ENOUGH


def test_a_request_goes_on_until_the_face_is_seen(frames: Seen, ada: str) -> None:
    frames.stage.verify(ada, timeout_s=20.0)
    assert frames.play_as(0, motion(JAW)).decision is UNKNOWN
    assert frames.play_as(ADA, motion(JAW)).decision is VERIFIED


def test_images_of_other_stamps_are_not_of_this_face(frames: Seen, ada: str) -> None:
    frames.stage.verify(ada, timeout_s=5.0)
    frames.person = 0
    for points in motion(JAW):
        frames.stage.see(frame_of(ADA, frames.stamp_ns + round(NS / RATE_HZ) + 1))
        frames.show(face(points))
    assert frames.told().decision is UNKNOWN


def test_a_face_that_is_too_small_or_outside_the_image_is_not_seen(frames: Seen, ada: str) -> None:
    for place, size in (((320.0, 240.0), 0.06), ((5.0, 240.0), 1.0)):
        frames.stage.verify(ada, timeout_s=5.0)
        for points in motion(JAW):
            frames.show(face(points, place=place, size=size))
        assert frames.told().decision is UNKNOWN
    counts = frames.counts()
    assert counts["identity.face partly outside the image"] and counts["identity.face too small to see its appearance"]


def test_somebody_who_takes_the_place_during_the_motion_is_found_out(frames: Seen, ada: str) -> None:
    frames.stage.verify(ada, timeout_s=5.0)
    clip = motion(JAW)
    half = len(resting()) + len(moving(JAW)) // 2
    frames.play_as(BOB, clip[:half])
    assert frames.play_as(ADA, clip[half:]).decision is UNKNOWN
    assert frames.counts()["identity.appearance changed during the motion"] == 1


def test_a_face_that_hides_while_it_moves_is_not_seen_though_it_rests_in_view(frames: Seen, ada: str) -> None:
    """Else somebody else could make the motion between two looks at hers."""
    frames.stage.verify(ada, timeout_s=5.0)
    frames.play_as(ADA, resting())
    frames.play_as(0, moving(JAW))
    assert frames.play_as(ADA, resting(1.4)).decision is UNKNOWN
    assert frames.counts()["identity.appearance not seen"] == 1


def test_a_single_image_that_is_lost_hides_nobody(frames: Seen, ada: str) -> None:
    frames.stage.verify(ada, timeout_s=5.0)
    for index, points in enumerate(motion(JAW)):
        frames.person = 0 if index % 10 in (4, 5) else ADA
        frames.show(face(points))
    assert frames.told().decision is VERIFIED


def test_operating_points_of_high_rates_let_nobody_stand_in_for_half_of_a_motion(
    bundles: Folders, tmp_path: Path
) -> None:
    points = [[0.999, -1.0], [0.1, 0.3], [0.001, 0.6]]
    embedder = write_embedder(tmp_path / "projection", settings={"operating_points": points})
    with closing(stage_of(bundles.encoder, tmp_path / "gallery", appearance_model=str(embedder))) as stage:
        frames = seen_by(stage)
        ada = enrolled(frames, JAW)
        stage.verify(ada, timeout_s=5.0)
        clip = motion(JAW)
        half = len(resting()) + len(moving(JAW)) // 2
        frames.play_as(BOB, clip[:half])
        assert frames.play_as(ADA, clip[half:]).decision is UNKNOWN
        assert frames.counts()["identity.appearance changed during the motion"] == 1


def test_an_embedder_that_fails_verifies_nobody(frames: Seen, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object) -> None:
        raise EngineError("test", "broken")

    monkeypatch.setattr(FaceEmbedder, "embed", fail)
    frames.stage.verify(ada, timeout_s=5.0)
    assert frames.play_as(ADA, motion(JAW)).decision is UNKNOWN
    assert frames.counts()["identity.engine failed"]


def test_who_hides_the_face_fails_by_motion_where_motion_is_enough_for_somebody(
    frames: Seen, ada: str, bundles: Folders, tmp_path: Path
) -> None:
    """Else one could try motions without an end."""
    plain = without_appearance(bundles, tmp_path)
    with closing(plain.stage):
        bob = enrolled(plain, BROWS)
    frames.stage.identify()
    told = frames.play_as(0, motion(SMILE))
    assert (told.decision, told.factors) == (NO_MATCH, Factor.MOTION)
    frames.play(resting())
    frames.stage.identify()
    assert frames.play_as(0, motion(BROWS)).subject == bob
    frames.stage.identify(timeout_s=5.0)
    assert frames.play_as(0, motion(JAW)).decision is NO_MATCH, "hers is not told without her face"


# Who was enrolled otherwise.


def test_a_subject_without_appearance_is_judged_by_motion_and_the_answer_says_so(
    bundles: Folders, tmp_path: Path, frames: Seen
) -> None:
    plain = without_appearance(bundles, tmp_path)
    with closing(plain.stage):
        ada = enrolled(plain, JAW)
    frames.stage.verify(ada)
    told = frames.play_as(BOB, motion(JAW))
    assert (told.decision, told.factors) == (VERIFIED, Factor.MOTION)


@pytest.mark.parametrize("changes", [{}, {"appearance_model": "other"}, {"appearance_aggregator": "aggregator"}])
def test_appearances_of_another_model_are_not_compared(
    bundles: Folders, tmp_path: Path, frames: Seen, ada: str, changes: dict[str, str]
) -> None:
    given = {key: str(getattr(bundles, value)) for key, value in changes.items()}
    if "appearance_aggregator" in changes:
        given["appearance_model"] = str(bundles.embedder)
    with closing(stage_of(bundles.encoder, tmp_path / "gallery", **given)) as stage:
        other = seen_by(stage)
        stage.verify(ada)
        told = other.play_as(BOB, motion(JAW))
        assert str(stage.diagnostics()["notice"]).startswith("1 who were enrolled with the appearance of projection 1")
    assert (told.decision, told.factors) == (VERIFIED, Factor.MOTION)


def test_a_learned_aggregator_enrols_and_verifies(bundles: Folders, tmp_path: Path) -> None:
    given = {"appearance_model": str(bundles.embedder), "appearance_aggregator": str(bundles.aggregator)}
    with closing(stage_of(bundles.encoder, tmp_path / "gallery", **given)) as stage:
        frames = seen_by(stage)
        ada = enrolled(frames, JAW)
        for person, decision in ((ADA, VERIFIED), (BOB, REJECTED)):
            stage.verify(ada)
            assert frames.play_as(person, motion(JAW)).decision is decision
        assert stage.diagnostics()["appearance"] == "projection 1 fading 1"


# Enrolment.


def test_appearances_are_enrolled_of_the_same_repetitions(
    frames: Seen, ada: str, tmp_path: Path, bundles: Folders
) -> None:
    gallery = Gallery.open(
        tmp_path / "gallery", KeyFile(tmp_path / "gallery.key"), algorithm="deformation 1", dimension=204
    )
    assert gallery.appearances() == {ada: "projection 1 mean"}
    record = gallery._vault.state().records[ada]
    assert len(record.appearance.made_ns) == len(record.motion.made_ns) == 2


def test_a_repetition_whose_face_was_not_seen_is_not_taken_and_says_what_to_do(frames: Seen) -> None:
    enrolment = frames.stage.enrol(wish())
    frames.play_as(0, [*resting(), *moving(JAW), *resting(1.4)])
    assert (enrolment.progress.captured, enrolment.progress.hint) == (
        0,
        "show your whole face to the camera, from nearer by",
    )
    frames.play_as(ADA, [*moving(JAW), *resting(1.4), *moving(JAW), *resting(1.4)])
    assert enrolment.is_complete and len(enrolment.appearances) == 2


def test_repetitions_of_two_people_do_not_make_one_subject(frames: Seen) -> None:
    enrolment = frames.stage.enrol(wish(repetitions=3))
    frames.play_as(ADA, [*resting(), *moving(JAW), *resting(1.4)])
    frames.play_as(BOB, [*resting(), *moving(JAW), *resting(1.4)])
    assert (enrolment.progress.captured, enrolment.progress.hint) == (1, "repeat the same motion")


def test_nobody_else_is_added_to_a_subject(frames: Seen, ada: str) -> None:
    enrolment = frames.stage.enrol(wish(subject=ada))
    frames.play_as(BOB, [*resting(), *moving(BROWS), *resting(1.4)])
    assert enrolment.outcome is not None
    assert "not the face that the subject was enrolled with" in enrolment.outcome.message
    frames.play_as(ADA, resting())
    assert enrolled(frames, BROWS, subject=ada) == ada


@pytest.mark.parametrize("changes", [{}, {"appearance_model": "other"}])
def test_nothing_is_added_to_a_subject_without_the_appearance_that_was_enrolled(
    bundles: Folders, tmp_path: Path, ada: str, changes: dict[str, str]
) -> None:
    """Else a motion of anybody would be as good as hers."""
    given = {key: str(getattr(bundles, value)) for key, value in changes.items()}
    with closing(stage_of(bundles.encoder, tmp_path / "gallery", **given)) as stage:
        with pytest.raises(
            RequestRefusedError, match=r"enrolled with the appearance of projection 1 mean, which is not"
        ):
            stage.enrol(wish(subject=ada))
        assert stage.enrol(wish()).outcome is None, "a new one can be"


# Privacy.


def test_no_face_is_looked_at_of_whom_nobody_asks(frames: Seen, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []
    real = appearance.face_crop

    def noted(image: Any, points: Any) -> Any:
        looked.append(float(points[:, 0].mean()))
        return real(image, points)

    monkeypatch.setattr(appearance, "face_crop", noted)
    assert not frames.stage.wants_frames
    frames.play_as(ADA, motion(JAW))
    assert looked == []
    frames.stage.verify(ada, track_id=1)
    assert frames.stage.wants_frames
    for points in motion(JAW):
        frames.show(face(points, 1), face(points, 2, place=(550.0, 240.0)))
    assert frames.told().decision is VERIFIED
    assert looked and max(looked) < 400.0, "only the one who was asked about"
    assert not frames.stage.wants_frames


def test_images_are_let_go_as_soon_as_nobody_needs_them(frames: Seen, ada: str) -> None:
    onlooker = frames.stage._onlooker
    assert onlooker is not None
    frames.stage.verify(ada)
    for _ in range(50):
        frames.stamp_ns += 1
        frames.stage.see(frame_of(ADA, frames.stamp_ns))
    assert len(onlooker._frames) == appearance.MOST_FRAMES
    frames.play_as(ADA, motion(JAW))
    assert not onlooker._frames
    frames.stage.verify(ada)
    frames.stage.see(frame_of(ADA, frames.stamp_ns + 1))
    frames.stage.reset()
    assert not onlooker._frames


def test_neither_pixels_nor_vectors_are_in_answers_files_or_diagnostics(frames: Seen, ada: str, tmp_path: Path) -> None:
    frames.stage.verify(ada)
    told = frames.play_as(ADA, motion(JAW))
    onlooker = frames.stage._onlooker
    assert onlooker is not None and onlooker._embedder is not None
    crop = appearance.face_crop(frame_of(ADA, 1).image, face(resting(0.1)[0]).points)
    assert not isinstance(crop, str)
    vector = onlooker._embedder.embed(crop).tobytes()[:16]
    written = b"".join(path.read_bytes() for path in (tmp_path / "gallery").iterdir())
    said = pickle.dumps((told, dict(frames.stage.diagnostics())))
    for secret in (vector, crop.tobytes()[:64]):
        assert secret not in written and secret not in said


# Settings.


def test_without_a_model_nothing_asks_for_images(bundles: Folders, tmp_path: Path) -> None:
    plain = without_appearance(bundles, tmp_path)
    with closing(plain.stage) as stage:
        assert isinstance(stage, SeesFrames)
        stage.enrol(wish())
        plain.play(resting())
        assert not stage.wants_frames and "appearance" not in stage.diagnostics()


def test_a_rate_that_was_not_measured_is_refused_also_while_it_runs(
    bundles: Folders, tmp_path: Path, frames: Seen
) -> None:
    config = replace(frames.stage._config, appearance_false_match_rate=1e-8)
    with pytest.raises(InvalidValueError, match=r"appearance_false_match_rate: .*as measured for projection 1"):
        frames.stage.prepare(config)
    with pytest.raises(InvalidValueError, match="appearance_false_match_rate"):
        stage_of(
            bundles.encoder,
            tmp_path / "gallery",
            appearance_model=str(bundles.embedder),
            appearance_false_match_rate=0.2,
        )
    frames.stage.configure(replace(frames.stage._config, appearance_false_match_rate=1e-5))
    assert frames.stage._judge.rule.appearance_threshold == pytest.approx(0.8)


# Encoders that read features of the crop.


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("maps")
    return {
        "encoder": str(write_map_encoder(folder / "mean_map")),
        "features": str(write_features(folder / "grey_means")),
    }


def test_an_encoder_of_maps_judges_what_the_images_show(maps: dict[str, str], tmp_path: Path) -> None:
    stage = stage_of(Path(maps["encoder"]), tmp_path / "gallery", features_model=maps["features"])
    with closing(stage):
        frames = seen_by(stage)
        ada = enrolled(frames, JAW)
        for person, decision in ((ADA, VERIFIED), (BOB, REJECTED)):
            stage.verify(ada)
            told = frames.play_as(person, motion(JAW))
            assert (told.decision, told.factors) == (decision, Factor.MOTION)
        frames.play(resting())
        stage.verify(ada, timeout_s=5.0)
        assert frames.play_as(0, motion(JAW)).decision is UNKNOWN
        assert frames.counts()["identity.features not seen"] == 1


@pytest.mark.parametrize(("model", "given", "says"), [("maps", {}, "got ''"), ("curves", {"features": ""}, "nothing")])
def test_features_are_named_where_they_are_read_and_nowhere_else(
    maps: dict[str, str], bundles: Folders, tmp_path: Path, model: str, given: dict[str, str], says: str
) -> None:
    encoder = Path(maps["encoder"]) if model == "maps" else bundles.encoder
    features = {"features_model": maps["features"]} if "features" in given else {}
    with pytest.raises(InvalidValueError, match=f"features_model: .*{says}"):
        stage_of(encoder, tmp_path / "gallery", **features)
