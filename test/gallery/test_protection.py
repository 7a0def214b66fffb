"""What somebody learns who has the disk, the logs or an error message, but not the key."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from gallery_cases import AGREED, HOUR, NOW, Case, unit
from numpy.typing import NDArray

from face1d_ros.errors import GalleryError
from face1d_ros.gallery.crypto import NONCE_BYTES, PREAMBLE, SecretKey
from face1d_ros.gallery.records import Consent, record_bytes
from face1d_ros.gallery.transform import Transformation, gaussian, orthogonal_matrix

D = 128
FIRST_ROW = [0.627715724222, -0.139100981751, 0.322226456236, 0.694833791163]


def traces(vectors: NDArray[np.float32]) -> set[bytes]:
    """What single values of vectors would leave in a file: four neighbours, in any usual form."""
    forms = [vectors.astype(kind) for kind in ("<f4", ">f4", "<f8", ">f8", "<f2")]
    return {row[start : start + 4].tobytes() for form in forms for row in form for start in range(row.size - 3)}


def words(text: str) -> set[bytes]:
    return {word.encode(code) for word in text.split() if len(word) > 4 for code in ("utf-8", "utf-16-le", "utf-32-le")}


def everything_below(folder: Path) -> bytes:
    return b"".join(path.name.encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file())


def found(needles: Iterable[bytes], hay: bytes) -> int:
    return sum(needle in hay for needle in needles)


def test_nothing_of_a_template_or_a_consent_is_on_the_disk(case: Case) -> None:
    handles = case.filled()
    gallery = case.open()
    gallery.enrol(unit(8), consent=AGREED, now_ns=NOW, subject=handles[0])
    gallery.rotate_key()
    gallery.forget(handles[1])
    state = gallery._vault.state()
    plain = np.concatenate([unit(0), unit(8), unit(2)])
    needles = traces(plain) | traces(state.transformation(plain, "motion")) | words(AGREED.text)
    hay = everything_below(case.root)
    assert found(needles, hay) == 0 and len(needles) > 300
    assert found([state.header.transformation.hex().encode(), b"motion", b"expires"], hay) == 0
    assert found([case.source.path.read_bytes()[:64]], everything_below(case.folder)) == 0
    opened = b"".join(record_bytes(record) for record in state.records.values())
    assert found(words(AGREED.text), opened) and found(traces(state.transformation(plain, "motion")), opened)
    assert found(traces(plain), opened) == 0, "the given templates are not even in what is encrypted"


def test_nothing_secret_is_shown_by_objects_errors_or_logs(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    handles = case.filled()
    gallery, state = case.open(), case.open()._vault.state()
    record = state.records[handles[0]]
    shown = [repr(one) for one in (gallery, state, state.header, record, record.motion, state.key, AGREED, case.source)]
    shown += [repr(gallery.subjects()), repr(gallery.consents(handles[0])), str(gallery.notices)]
    for wrong in (unit(0) * 1.1, unit(0)[:, :3], unit(0).T):
        with pytest.raises(GalleryError) as caught:
            gallery.enrol(wrong, consent=Consent("Mustermann", NOW), now_ns=NOW)
        shown.append(f"{caught.value!r} {caught.value.__context__!r}")
    with pytest.raises(GalleryError) as caught:
        gallery.enrol(unit(0), consent=Consent("Mustermann" * 1000, NOW), now_ns=NOW)
    text = " ".join([*shown, str(caught.value), caplog.text])
    secrets = [state.key.hex(), state.header.transformation.hex(), state.header.entries[handles[0]].key.hex()]
    values = [f"{abs(value):.4f}" for value in (*unit(0).ravel(), *record.motion.vectors.ravel())]
    assert not [needle for needle in (*secrets, *values, "Mustermann", "einverstanden") if needle in text]


def test_keys_are_not_pickled_and_compare_by_value() -> None:
    key = SecretKey(bytes(32))
    with pytest.raises(TypeError, match="not serialised"):
        pickle.dumps(key)
    assert key == SecretKey(bytes(32)) != SecretKey.random() and key != bytes(32)
    with pytest.raises(ValueError, match="31 bytes"):
        SecretKey(bytes(31))


def test_no_nonce_and_no_file_key_comes_twice(case: Case) -> None:
    gallery, changes = case.open(), 20
    nonces, keys, expected = set(), set(), 0
    for change in range(changes):
        if change % 7 == 6:
            gallery.rotate_key()
            expected += len(gallery.subjects())
        else:
            case.enrol(gallery, change)
            expected += 1
        nonces.add((case.folder / "header").read_bytes()[PREAMBLE.size : PREAMBLE.size + NONCE_BYTES])
        keys |= {entry.key for entry in gallery._vault.state().header.entries.values()}
    assert (len(nonces), len(keys)) == (changes, expected) and expected > 30


def test_what_the_matrices_are_drawn_from_is_normal() -> None:
    values = gaussian(bytes(32), 200_001)
    assert values.shape == (200_001,) and abs(values.mean()) < 0.01 and abs(values.std() - 1.0) < 0.01
    shares = [float((np.abs(values) < sigmas).mean()) for sigmas in (1, 2, 3)]
    np.testing.assert_allclose(shares, [0.6827, 0.9545, 0.9973], atol=0.004)
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.01
    assert abs(np.corrcoef(values, gaussian(bytes(31) + b"1", 200_001))[0, 1]) < 0.01


def test_the_transformation_keeps_cosines_and_is_the_same_at_every_opening() -> None:
    secret, vectors = SecretKey(bytes(range(32))), unit(1, 50, D)
    first, second = (Transformation(secret, b"gallery")(vectors, "motion") for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first @ first.T, vectors @ vectors.T, atol=1e-6)
    other = Transformation(secret, b"gallery")(vectors, "appearance")
    assert np.abs(np.sum(first * other, axis=1)).max() < 0.5, "each space is turned in its own way"


def test_the_matrix_of_a_seed_is_what_it_was_when_galleries_were_made() -> None:
    matrix = orthogonal_matrix(bytes(range(32)), 4)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(matrix[0], FIRST_ROW, atol=1e-9)


def area_under_curve(of_same: NDArray[np.float64], of_others: NDArray[np.float64]) -> float:
    """How often a pair of the same clip scores above a pair of different ones; half is chance."""
    ranks = np.concatenate([of_same, of_others]).argsort().argsort()[: of_same.size] + 1.0
    return float((ranks.sum() - of_same.size * (of_same.size + 1) / 2) / (of_same.size * of_others.size))


def linking_scores(pairs: int, is_same_gallery: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores between two galleries' templates of the same 60 clips, by twelve people, and of different ones."""
    people = np.repeat(unit(5, 12, D), 5, axis=0) + 0.4 * unit(6, 60, D)
    clips = (people / np.linalg.norm(people, axis=1, keepdims=True)).astype(np.float32)
    same, others = [], []
    for number in range(pairs):
        keys = [SecretKey(bytes([number, 0 if is_same_gallery else side] * 16)) for side in (0, 1)]
        one, two = (Transformation(key, b"gallery")(clips, "motion") for key in keys)
        scores = (one @ two.T).astype(np.float64)
        same.append(np.diag(scores))
        others.append(scores[~np.kron(np.eye(12, dtype=bool), np.ones((5, 5), bool))])
    return np.concatenate(same), np.concatenate(others)


def test_templates_of_two_galleries_cannot_be_linked_by_their_scores() -> None:
    same, others = linking_scores(40, is_same_gallery=False)
    assert abs(area_under_curve(same, others) - 0.5) < 0.04
    assert abs(same.mean()) < 0.02 and same.std() == pytest.approx(D**-0.5, rel=0.15)
    assert others.std() == pytest.approx(D**-0.5, rel=0.15), "as random vectors in so many dimensions"
    assert area_under_curve(*linking_scores(2, is_same_gallery=True)) > 0.999, "within a gallery they are"


def test_a_template_taken_from_one_gallery_is_nobody_in_another(case: Case, tmp_path: Path) -> None:
    (handle,) = case.filled(1)
    other = Case(tmp_path / "other")
    other.filled(1)
    stolen = case.open()._vault.state().records[handle].motion.vectors[0]
    for gallery in (case.open(), other.open()):
        (match,) = gallery.compare(stolen, now_ns=NOW + HOUR)
        assert match.score < 0.9
