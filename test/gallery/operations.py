"""Changes of a gallery, each with who is enrolled before and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gallery_cases import AGREED, HOUR, NOW, Case, unit

from face1d_ros.errors import GalleryError, GalleryWrongKeyError
from face1d_ros.gallery.gallery import Gallery
from face1d_ros.gallery.keys import KeyFile

NEW_SEED = 77


@dataclass(frozen=True)
class Operation:
    """`after` takes the handles of three subjects, the third of which expires, to those that are left."""

    run: Callable[[Case, Gallery, list[str]], object]
    after: Callable[[list[str]], list[str]] = lambda handles: handles
    new_subjects: int = 0
    templates: tuple[int, int] = (2, 2)
    """Of the first subject, before and after."""


def other_source(case: Case) -> KeyFile:
    return KeyFile(case.root / "new.key")


def enrol(case: Case, gallery: Gallery, handles: list[str]) -> None:
    gallery.enrol(unit(NEW_SEED), unit(1, 1, 8), consent=AGREED, now_ns=NOW)


def add(case: Case, gallery: Gallery, handles: list[str]) -> None:
    gallery.enrol(unit(NEW_SEED), consent=AGREED, now_ns=NOW, subject=handles[0])


OPERATIONS = {
    "enrol": Operation(enrol, new_subjects=1),
    "add": Operation(add, templates=(2, 4)),
    "forget": Operation(lambda case, gallery, handles: gallery.forget(handles[1]), lambda all: [all[0], all[2]]),
    "remove_expired": Operation(lambda case, gallery, handles: gallery.remove_expired(NOW + HOUR), lambda all: all[:2]),
    "revoke": Operation(lambda case, gallery, handles: gallery.revoke(), lambda all: []),
    "rotate": Operation(lambda case, gallery, handles: gallery.rotate_key()),
    "rotate_to_other": Operation(lambda case, gallery, handles: gallery.rotate_key(other_source(case))),
}


def template(root: Case) -> list[str]:
    """Three subjects, of which the third expires."""
    gallery = root.open()
    return [root.enrol(gallery, seed, NOW + HOUR if seed == 2 else 0) for seed in range(3)]


def reopened(case: Case) -> Gallery:
    """With the old key, or else the new one."""
    try:
        return case.open()
    except GalleryWrongKeyError:
        return case.open(other_source(case))


def outcome(case: Case, gallery: Gallery, operation: Operation, handles: list[str]) -> str:
    """'old' or 'new', by who is whole in the gallery. Anything else is an error."""
    listed = {subject.handle: subject for subject in gallery.subjects()}
    assert not any(subject.damaged for subject in listed.values())
    for handle in set(listed) & set(handles):
        for row in case.motions[handle]:
            scores = {match.subject: match.score for match in gallery.compare(row, now_ns=NOW + 100)}
            assert abs(scores[handle] - 1.0) < 1e-5
    added = set(listed) - set(handles)
    for handle in added:
        assert gallery.compare(unit(NEW_SEED)[1], now_ns=NOW + 100)[0].subject == handle
        assert listed[handle].templates == 2 and gallery.consents(handle) == (AGREED,)
    counts = [listed[handles[0]].templates] if handles[0] in listed else []
    states = {"old": (set(handles), 0, 0), "new": (set(operation.after(handles)), operation.new_subjects, 1)}
    fits = [
        name
        for name, (kept, new, which) in states.items()
        if set(listed) - added == kept and len(added) == new and set(counts) <= {operation.templates[which]}
    ]
    if not fits:
        raise GalleryError(f"neither as before nor as after: {sorted(listed)}, {counts}")
    return fits[0]
