"""Which clips are compared, folds of subjects, and the figures of them."""

from __future__ import annotations

import numpy as np
import pytest
from evaluate.identity_faces import clip, repeated, vectors_of

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.identity_clips import Clips
from face1d_ros.evaluate.identity_protocol import (
    across_sample,
    across_subjects,
    between,
    folds,
    outcome,
    product_scorer,
    within_subjects,
)


def test_a_full_subject_has_225_genuine_and_1000_impostor_pairs() -> None:
    pairs = within_subjects(repeated(2, 5, 10))
    for subject in (0, 1):
        genuine = pairs.genuine[pairs.subject == subject]
        assert (int(genuine.sum()), int((~genuine).sum())) == (225, 1000)


def test_pairs_are_of_two_clips_of_one_subject_and_each_comes_once() -> None:
    clips = repeated(3, 2, 3)
    pairs = within_subjects(clips)
    assert (clips.subject[pairs.first] == clips.subject[pairs.second]).all()
    assert len(set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))) == len(pairs)
    assert (pairs.first < pairs.second).all()


def test_ten_folds_hold_every_subject_once_every_tenth_in_order() -> None:
    found = folds(range(59, 0, -1))
    assert len(found) == 10 and sorted(np.concatenate(found).tolist()) == list(range(1, 60))
    assert found[0].tolist() == [1, 11, 21, 31, 41, 51] and {len(one) for one in found} == {5, 6}
    assert [one.tolist() for one in folds([7, 3])] == [[3], [7]]
    with pytest.raises(GeometryError, match="subjects"):
        folds([])


def test_motions_told_apart_have_perfect_figures_and_random_ones_have_not() -> None:
    clips = repeated(12, 3, 4)
    pairs = within_subjects(clips)
    found = outcome(product_scorer(vectors_of(clips))(pairs.first, pairs.second), pairs)
    assert found.ap == found.f1 == 1.0 and found.pooled.eer == 0.0 and len(found.by_fold) == 10
    noise = np.random.default_rng(0).random(len(pairs))
    guessed = outcome(noise, pairs)
    assert guessed.ap < 0.5 and guessed.as_row()["ap_worst_fold"] <= guessed.ap


def test_the_mean_over_folds_is_of_the_folds_figures() -> None:
    clips = repeated(11, 2, 3)
    pairs = within_subjects(clips)
    found = outcome(product_scorer(vectors_of(clips, 1.5))(pairs.first, pairs.second), pairs)
    assert found.ap == pytest.approx(np.mean([ap for ap, _ in found.by_fold]))
    assert found.ap != pytest.approx(found.pooled.average_precision, abs=1e-9)


def test_without_two_motions_there_is_nothing_to_tell() -> None:
    pairs = within_subjects(repeated(2, 1, 3))
    with pytest.raises(GeometryError, match="two motions"):
        outcome(np.zeros(len(pairs)), pairs)


def test_across_subjects_every_pair_of_two_subjects_is_an_impostor() -> None:
    clips = repeated(3, 2, 3)
    vectors = vectors_of(clips, 0.5)
    scores, genuine = across_subjects(vectors, clips)
    expected = [
        float(vectors[i] @ vectors[j])
        for i in range(len(clips))
        for j in range(i + 1, len(clips))
        if clips.subject[i] != clips.subject[j]
    ]
    assert np.sort(scores[~genuine]) == pytest.approx(np.sort(expected), abs=1e-6)
    own = within_subjects(clips)
    assert int(genuine.sum()) == int(own.genuine.sum()) == 18


def test_drawn_pairs_are_different_ones_of_two_subjects() -> None:
    clips = repeated(4, 2, 3)
    every, some = across_sample(clips, 10_000), across_sample(clips, 20)
    assert int((~every.genuine).sum()) == 4 * 3 // 2 * 36 and int((~some.genuine).sum()) == 20
    far = some.chosen(~some.genuine)
    assert (clips.subject[far.first] != clips.subject[far.second]).all()
    assert len(set(zip(far.first.tolist(), far.second.tolist(), strict=True))) == 20
    assert int(some.genuine.sum()) == int(every.genuine.sum())


def test_a_changed_clip_is_not_compared_with_itself_as_it_was() -> None:
    clips = repeated(1, 2, 2)
    pairs = between(clips, clips)
    assert (pairs.first != pairs.second).all() and len(pairs) == 12 and int(pairs.genuine.sum()) == 4
    assert len(between(Clips(()), clips)) == 0
    assert len(between(Clips((clip(5, 0),)), clips)) == 0


def test_two_motions_made_of_the_same_gestures_are_no_pair_unless_asked_for() -> None:
    named = ((1, 0, "AU4"), (1, 1, "AU4"), (2, 0, "AU4"), (3, 0, "AU12"), (4, 0, ""))
    made = [clip(1, motion, count, gestures=gestures) for motion, count, gestures in named]
    clips = Clips(tuple(made))
    assert len(within_subjects(clips, with_twins=True)) == 10
    pairs = within_subjects(clips)
    assert len(pairs) == 8 and pairs.genuine.sum() == 1
