from __future__ import annotations

import numpy as np
import pytest
import torch
from train.small_corpus import small_corpus

from face1d_ros.errors import CorpusError
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.train.tracks import LONGEST_LOSS_S, Changes, Tracks, Window, check_topology, stretches, whole
from face1d_ros.types import Topology

FRAMES = 6


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory.mktemp("corpus"))


def tracks(corpus: Corpus, changes: Changes | None = None, seed: int = 1) -> Tracks:
    return Tracks(corpus, Topology.FACE_68, 3, FRAMES, seed, changes)


def differs(one: Window, other: Window) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))


def test_windows_follow_one_another_until_a_new_face_begins(corpus: Corpus):
    source = tracks(corpus)
    first, second = source.next(), source.next()
    assert first.fresh.all() and not second.fresh.all()
    on = ~second.fresh
    assert (first.dt[:, 0] == 0.0).all() and (second.dt[on, 0] > 0.0).all()
    step = (second.truth[on, 0] - first.truth[on, -1]).abs().amax(dim=(1, 2))
    assert (step < 0.1 * second.size[on, 0, 0]).all()


def test_what_comes_depends_on_the_seed_and_the_place_alone(corpus: Corpus):
    one, other = tracks(corpus, Changes()), tracks(corpus, Changes())
    windows = [one.next() for _ in range(8)]
    other.go_on_from(one.passes, one.places)
    assert not differs(one.next(), other.next())
    assert differs(windows[0], tracks(corpus, Changes(), seed=2).next())


def test_changes_keep_errors_and_distances_within_the_face(corpus: Corpus):
    plain, rolled = tracks(corpus).next(), tracks(corpus, Changes(25.0, (0.0, 0.0))).next()
    seen = plain.confidence > 0.0
    before, after = ((w.landmarks - w.truth).norm(dim=-1)[seen] for w in (plain, rolled))
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(plain.truth[..., :2], rolled.truth[..., :2], atol=0.5)


def test_shapes_beyond_the_model_move_truth_and_measurement_alike(corpus: Corpus):
    plain, moved = tracks(corpus).next(), tracks(corpus, Changes(0.0, (3.0, 3.0))).next()
    seen = (plain.confidence > 0.0)[..., None]
    shift = moved.truth - plain.truth
    torch.testing.assert_close(((moved.landmarks - plain.landmarks) * seen), shift * seen, rtol=1e-3, atol=2e-3)
    percent = 100.0 * shift.square().mean(dim=(2, 3)).sqrt() / plain.size[..., 0]
    assert ((percent > 0.5) & (percent < 9.0)).all()


def test_a_frame_without_the_face_is_zeros_and_counts_as_hidden(corpus: Corpus):
    source = tracks(corpus)
    windows = [source.next() for _ in range(30)]
    unseen = [(w.confidence.amax(dim=2) == 0.0) for w in windows]
    assert any(missing.any() for missing in unseen)
    for window, missing in zip(windows, unseen, strict=True):
        assert not window.landmarks[missing].any() and window.hidden[missing].all()
        assert all(tensor.isfinite().all() for tensor in vars(window).values())


def test_a_long_loss_parts_two_stretches(corpus: Corpus):
    for sequence in corpus:
        for part in stretches(sequence):
            known = sequence.stamps_s[part][sequence.seen[part]]
            assert sequence.seen[part.start] and sequence.seen[part.stop - 1]
            assert np.diff(known).max(initial=0.0) <= LONGEST_LOSS_S


def test_a_corpus_with_fewer_landmarks_is_refused(corpus: Corpus):
    with pytest.raises(CorpusError, match="--points 478"):
        check_topology(corpus, Topology.MESH_478)


def test_a_whole_stretch_is_as_the_sequence_has_it(corpus: Corpus):
    sequence = corpus[0]
    part = stretches(sequence)[0]
    window, seen = whole(sequence, part, Topology.FACE_68), sequence.seen[part]
    assert window.fresh.tolist() == [True] and window.dt.shape == (1, part.stop - part.start, 1)
    np.testing.assert_array_equal(window.landmarks[0].numpy()[seen], sequence.observed[part][seen])
    np.testing.assert_array_equal(window.truth[0].numpy(), sequence.clean_px[part])
    assert not window.landmarks[0].numpy()[~seen].any()
