"""Clips as encoders get them, and encoders as the evaluation runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evaluate.identity_bundles import SIZE, encoded, write_encoder
from evaluate.identity_faces import clip, repeated

from face1d_ros.engines.bundle import load_bundle, shipped_bundles
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.identity_clips import ClipMaker, Clips
from face1d_ros.evaluate.identity_encoder import Encoder, lasting, times_s
from face1d_ros.evaluate.identity_portrait import MOTIONS, portrait_row, repetition
from face1d_ros.geometry.motion_clip import FRAMES, MARGIN, RATE_HZ, Stretch
from face1d_ros.sources.portrait_motion import LIMITS
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select


def test_a_synthetic_clip_is_of_its_subject_and_motion_and_rests_at_first() -> None:
    sequence = select(load_small_test_set(), "repeated")[3]
    maker = ClipMaker()
    made = maker.of_sequence(sequence)
    maker.close()
    assert made is not None and made.moving is not None
    assert (made.subject, made.motion) == (sequence.subject_id, sequence.plan.motion.free[0].motion_id)
    assert abs(len(made.grid_cm) - sequence.plan.duration_s * RATE_HZ) <= 4
    off = np.abs(made.offsets())
    assert off[: made.moving.begin].max() < 0.5 * off[made.moving.begin : made.moving.end].max()
    assert made.block == "repeated" and made.variation == "natural"


def test_a_face_that_is_never_seen_makes_no_clip() -> None:
    from dataclasses import replace

    sequence = select(load_small_test_set(), "repeated")[0]
    maker = ClipMaker()
    assert maker.of_sequence(replace(sequence, seen=np.zeros(len(sequence), np.bool_))) is None
    maker.close()


def test_a_spotted_clip_is_what_lies_around_the_stretch_and_a_whole_one_all_of_it() -> None:
    longer = np.zeros((2 * MARGIN + 12, 68, 3), np.float32)
    longer[MARGIN + 4 : MARGIN + 8, :, 1] = 1.0
    one = clip(1, 2, grid_cm=longer, moving=Stretch(MARGIN + 4, MARGIN + 8))
    whole, spotted = one.network_input(is_spotted=False), one.network_input(is_spotted=True)
    assert whole[1].sum() == len(longer) and spotted[1].sum() == 2 * MARGIN + 4
    assert np.array_equal(spotted[0][: 2 * MARGIN + 4], whole[0][4 : 2 * MARGIN + 8])
    still = clip(1, 2, grid_cm=longer, moving=None)
    assert np.array_equal(still.network_input(is_spotted=True)[1], whole[1])


def test_encoders_give_each_clip_its_own_vector_however_many_there_are(tmp_path: Path) -> None:
    clips = repeated(3, 2, 2)
    done: list[int] = []
    with Encoder(load_bundle(write_encoder(tmp_path / "m", seed=3))) as encoder:
        vectors = encoder.vectors(clips, advance=done.append)
        alone = encoder.vectors(clips.chosen([9]))
        assert encoder.vectors(Clips(())).shape[0] == 0
    points, mask = (
        np.stack(part) for part in zip(*(one.network_input(is_spotted=False) for one in clips.all), strict=True)
    )
    assert vectors == pytest.approx(encoded(points, mask, 3), abs=1e-5)
    assert alone[0] == pytest.approx(vectors[9], abs=1e-6)
    assert vectors.shape == (12, SIZE) and sum(done) == 12


def test_a_bundle_of_another_task_is_no_motion_encoder() -> None:
    with pytest.raises(InvalidValueError, match="identity model"):
        Encoder(load_bundle(shipped_bundles()[0]))


def test_what_is_timed_lasts_four_seconds(tmp_path: Path) -> None:
    long = lasting(clip(0, 0), 4.0)
    assert len(long.grid_cm) == 80 <= FRAMES and len(lasting(clip(0, 0), 1.0).grid_cm) == 20
    with Encoder(load_bundle(write_encoder(tmp_path / "m"))) as encoder:
        ((paced, tight),) = times_s([encoder], clip(0, 0), 3)
    assert len(paced) == len(tight) == 3 and min(*paced, *tight) > 0.0


@pytest.mark.parametrize("name", MOTIONS)
def test_the_portrait_repeats_a_motion_never_quite_the_same(name: str) -> None:
    made = [repetition(MOTIONS[name], np.random.default_rng(seed)) for seed in range(4)]
    assert len({round(length_s, 4) for _, length_s in made}) == 4
    moving = [channel for part in MOTIONS[name] for channel, _ in part.amounts]
    for motion, length_s in made:
        times = np.arange(0.0, length_s, 1.0 / 30.0)
        tracks = np.array([[getattr(motion.at(t), channel) for channel in moving] for t in times])
        assert (np.ptp(tracks, axis=0) > 0.4).all()
        for channel, track in zip(moving, tracks.T, strict=True):
            assert LIMITS[channel][0] <= track.min() and track.max() <= LIMITS[channel][1]
        assert tracks[0] == pytest.approx(tracks[-1], abs=1e-6)


def test_the_portraits_motions_are_apart_where_their_ranges_are() -> None:
    clips = repeated(1, 2, 2)
    scores = np.array([0.9, 0.1, 0.2, 0.3, 0.4, 0.8])
    row = portrait_row("m", "whole clip", scores, clips, 0.35)
    assert (row["same_lowest"], row["other_highest"], row["separate"]) == (0.8, 0.4, True)
    assert (row["wrongly_rejected"], row["wrongly_accepted"]) == (0, 1)
    assert portrait_row("m", "whole clip", scores, clips, None)["wrongly_accepted"] is None
