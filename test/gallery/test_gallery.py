"""What a gallery does while all is well."""

from __future__ import annotations

import math
import stat

import numpy as np
import pytest
from gallery_cases import AGREED, ALGORITHM, HOUR, NOW, Case, D, unit

from face1d_ros.errors import ConsentMissingError, GalleryValueError, SubjectUnknownError
from face1d_ros.gallery.gallery import Gallery
from face1d_ros.gallery.records import MOST_CONSENTS, Consent


def test_an_empty_gallery_is_made_where_none_is(case: Case) -> None:
    gallery = case.open()
    assert gallery.is_empty and gallery.subjects() == () and gallery.notices == ()
    assert gallery.compare(unit(1)[0], now_ns=NOW) == ()
    assert case.open().is_empty


def test_only_the_owner_may_read_anything(case: Case) -> None:
    case.filled()
    assert stat.S_IMODE(case.folder.stat().st_mode) == 0o700
    for path in (*case.folder.iterdir(), case.source.path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_subjects_are_found_again_after_reopening(case: Case) -> None:
    first, second, third = case.filled()
    gallery = case.open()
    assert case.check(gallery) == {first, second, third}
    nearest, *others = gallery.compare(case.motions[second][1], now_ns=NOW + HOUR)
    assert (nearest.subject, nearest.enrolled_ns) == (second, NOW + 1)
    assert nearest.score > others[0].score >= others[1].score and math.isnan(nearest.appearance_score)


def test_scores_are_the_cosines_of_what_was_given(case: Case) -> None:
    (handle,) = case.filled(1)
    probe = unit(50)[0]
    (match,) = case.open().compare(probe, unit(51, 1, 8)[0], now_ns=NOW + HOUR)
    assert match.score == pytest.approx(float((case.motions[handle] @ probe).max()), abs=1e-6)
    assert match.appearance_score == pytest.approx(float(unit(100, 1, 8)[0] @ unit(51, 1, 8)[0]), abs=1e-6)


def test_the_age_is_that_of_the_nearest_template(case: Case) -> None:
    gallery = case.open()
    handle = gallery.enrol(unit(1), consent=AGREED, now_ns=NOW)
    assert gallery.enrol(unit(2), consent=AGREED, now_ns=NOW + 9, subject=handle) == handle
    ages = [gallery.compare(unit(seed)[0], now_ns=NOW + HOUR)[0].enrolled_ns for seed in (1, 2)]
    assert ages == [NOW, NOW + 9]
    (subject,) = gallery.subjects()
    assert (subject.templates, subject.enrolled_ns, subject.consented_ns) == (4, NOW, AGREED.at_ns)
    assert gallery.consents(handle) == (AGREED, AGREED)


def test_appearance_may_come_later_or_never(case: Case) -> None:
    gallery = case.open()
    one, two = (gallery.enrol(unit(seed), consent=AGREED, now_ns=NOW) for seed in (1, 2))
    gallery.enrol(unit(3), unit(4, 3, 8), consent=AGREED, now_ns=NOW, subject=one)
    scores = {
        match.subject: match.appearance_score for match in gallery.compare(unit(1)[0], unit(4, 3, 8)[1], now_ns=NOW + 1)
    }
    assert scores[one] == pytest.approx(1.0, abs=1e-5) and math.isnan(scores[two])
    assert all(
        math.isnan(match.appearance_score) for match in gallery.compare(unit(1)[0], unit(4, 1, 9)[0], now_ns=NOW + 1)
    ), "faces of another dimension are not compared"


def test_expired_subjects_match_nobody_and_are_removed(case: Case) -> None:
    gallery = case.open()
    kept, gone = case.enrol(gallery, 1), case.enrol(gallery, 2, expires_ns=NOW + HOUR)
    motion = case.motions[gone][0]
    assert gallery.compare(motion, now_ns=NOW + HOUR - 1)[0].subject == gone
    assert [match.subject for match in gallery.compare(motion, now_ns=NOW + HOUR)] == [kept]
    assert gallery.remove_expired(NOW + HOUR - 1) == ()
    assert gallery.remove_expired(NOW + HOUR) == (gone,)
    assert [subject.handle for subject in case.open().subjects()] == [kept]
    assert not list(case.folder.glob(f"{gone}*"))


def test_more_templates_keep_the_time_of_expiry_unless_given(case: Case) -> None:
    gallery = case.open()
    handle = case.enrol(gallery, 1, expires_ns=NOW + HOUR)
    gallery.enrol(unit(2), consent=AGREED, now_ns=NOW + 3, subject=handle)
    assert gallery.subjects()[0].expires_ns == NOW + HOUR
    with pytest.raises(GalleryValueError, match="has expired"):
        gallery.enrol(unit(3), consent=AGREED, now_ns=NOW + HOUR, subject=handle)
    gallery.enrol(unit(3), consent=AGREED, now_ns=NOW + HOUR, expires_ns=NOW + 2 * HOUR, subject=handle)
    assert gallery.subjects()[0].expires_ns == NOW + 2 * HOUR


def test_subjects_of_another_algorithm_are_listed_and_never_matched(case: Case) -> None:
    (handle,) = case.filled(1)
    newer = case.open(algorithm="identity_n_pair 2")
    assert newer.subjects()[0].algorithm == ALGORITHM and not newer.subjects()[0].damaged
    assert newer.compare(case.motions[handle][0], now_ns=NOW + HOUR) == ()
    with pytest.raises(GalleryValueError, match="enrol a new subject"):
        newer.enrol(unit(7), consent=AGREED, now_ns=NOW, subject=handle)
    other = Gallery.open(case.folder, case.source, algorithm=ALGORITHM, dimension=D + 1)
    assert other.compare(unit(1, 1, D + 1)[0], now_ns=NOW + HOUR) == ()


def test_forgetting_leaves_no_file_and_no_match(case: Case) -> None:
    first, second, third = case.filled()
    gallery, other = case.open(), case.open()
    assert gallery.forget(second) == 2
    for one in (gallery, other, case.open()):
        assert case.check(one) == {first, third}
    case.check_tidy(gallery)
    with pytest.raises(SubjectUnknownError, match=second):
        gallery.forget(second)


def test_a_forgotten_record_put_back_is_removed_unread(case: Case) -> None:
    first, second = case.filled(2)
    path = case.record(second)
    record = path.read_bytes()
    case.open().forget(second)
    path.write_bytes(record)
    gallery = case.open()
    assert case.check(gallery) == {first}
    case.check_tidy(gallery)


def test_revoking_takes_everybody_out_and_makes_old_templates_useless(case: Case) -> None:
    handles = case.filled()
    gallery = case.open()
    before = gallery._vault.state()
    old = before.transformation(unit(1), "motion")
    assert gallery.revoke() == len(handles) and gallery.is_empty
    case.check_tidy(gallery)
    after = gallery._vault.state()
    assert after.header.gallery != before.header.gallery and after.key == before.key
    new = after.transformation(unit(1), "motion")
    assert np.abs(np.sum(old * new, axis=1)).max() < 0.9
    assert case.open().enrol(unit(1), consent=AGREED, now_ns=NOW) not in handles


@pytest.mark.parametrize(
    "consent", [None, Consent("", NOW), Consent(" \n", NOW), Consent("yes", 0), Consent("yes", NOW + 1)]
)
def test_nobody_is_enrolled_without_consent(case: Case, consent: Consent | None) -> None:
    gallery = case.open()
    with pytest.raises(ConsentMissingError, match="no consent"):
        gallery.enrol(unit(1), consent=consent, now_ns=NOW)
    assert gallery.is_empty


def test_a_consent_is_kept_as_it_was_worded(case: Case) -> None:
    words = Consent('Sí, "acepto"\n\\ — 同意する \U0001f600', NOW)
    handle = case.open().enrol(unit(1), consent=words, now_ns=NOW)
    assert case.open().consents(handle) == (words,)


@pytest.mark.parametrize(
    ("motion", "came"),
    [
        (unit(1)[0], "shape"),
        (unit(1, 2, D + 1), "shape"),
        (unit(1, 257), "shape"),
        (unit(1, 0), "shape"),
        (unit(1) * 1.1, "another length"),
        (unit(1) * np.float32(np.nan), "not finite"),
        (unit(1) * 0, "another length"),
        (np.ones((2, D), int), "ndarray"),
        ([[1.0] * D], "list"),
    ],
)
def test_what_is_no_motion_is_refused(case: Case, motion: object, came: str) -> None:
    gallery = case.open()
    with pytest.raises(GalleryValueError, match=came):
        gallery.enrol(motion, consent=AGREED, now_ns=NOW)  # type: ignore[arg-type]
    assert gallery.is_empty


def test_times_and_names_that_cannot_be_are_refused(case: Case) -> None:
    gallery = case.open()
    for now_ns, expires_ns in ((0, 0), (-1, 0), (NOW, NOW), (NOW, -1), (NOW, 2**63)):
        with pytest.raises(GalleryValueError):
            gallery.enrol(unit(1), consent=AGREED, now_ns=now_ns, expires_ns=expires_ns)
    for algorithm, dimension in (("", D), ("x" * 201, D), ("x", 0), ("x", 5000)):
        with pytest.raises(GalleryValueError):
            Gallery.open(case.folder, case.source, algorithm=algorithm, dimension=dimension)


def test_a_subject_does_not_grow_for_ever(case: Case) -> None:
    gallery = case.open()
    handle = gallery.enrol(unit(1, 200), consent=AGREED, now_ns=NOW)
    with pytest.raises(GalleryValueError, match="256 at most"):
        gallery.enrol(unit(2, 57), consent=AGREED, now_ns=NOW, subject=handle)
    gallery.forget(handle)
    handle = gallery.enrol(unit(1, 1), consent=AGREED, now_ns=NOW)
    for _ in range(MOST_CONSENTS - 1):
        gallery.enrol(unit(1, 1), consent=AGREED, now_ns=NOW, subject=handle)
    with pytest.raises(GalleryValueError, match="enrolments already"):
        gallery.enrol(unit(1, 1), consent=AGREED, now_ns=NOW, subject=handle)
    assert case.open().subjects()[0].templates == MOST_CONSENTS


@pytest.mark.parametrize("claim", ["Erika Mustermann", "../header", "", "0123456789abcdef\n", "0123456789abcde"])
def test_what_is_no_handle_is_refused_and_not_repeated(case: Case, claim: str) -> None:
    gallery = case.open()
    for call in (gallery.forget, gallery.consents):
        with pytest.raises(SubjectUnknownError) as caught:
            call(claim)
        assert not claim or claim not in str(caught.value)
