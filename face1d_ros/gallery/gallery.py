"""The gallery of enrolled subjects: encrypted, transformed, and whole after every change (docs/gallery.md)."""

from __future__ import annotations

import dataclasses
import math
import secrets
from contextlib import suppress
from pathlib import Path

import numpy as np

from face1d_ros import types
from face1d_ros.errors import (
    GalleryKeyError,
    GalleryRemainsError,
    GalleryValueError,
    SubjectDamagedError,
    SubjectUnknownError,
)
from face1d_ros.gallery.crypto import SecretKey
from face1d_ros.gallery.disk import PATIENCE_S
from face1d_ros.gallery.enrolment import APPEARANCE, MOTION, checked_consent, free_handle, joined, rekeyed
from face1d_ros.gallery.keys import KeySource, check_place, with_new_key
from face1d_ros.gallery.matching import Match, Nearest, Table, unit_vectors
from face1d_ros.gallery.records import (
    HANDLE,
    LARGEST_DIMENSION,
    LATEST_NS,
    LONGEST_NAME,
    MOST_SUBJECTS,
    MOST_TEMPLATES,
    Consent,
    Entry,
    Header,
    Record,
    Templates,
)
from face1d_ros.gallery.vault import State, Vault
from face1d_ros.paths import printable
from face1d_ros.types import FloatArray


@dataclasses.dataclass(frozen=True)
class Algorithm:
    """What makes the vectors. Only templates of the same name and dimension are compared."""

    motion: str
    dimension: int
    appearance: str = ""


class Gallery:
    """Subjects under random handles, each with templates and consent. Open it with `Gallery.open`.

    Several processes may have it open: each sees what another has changed at its next call. All calls raise
    GalleryError; after a GalleryWriteError everything is as it was.
    """

    def __init__(self, vault: Vault, algorithm: Algorithm) -> None:
        self._vault = vault
        self._algorithm = algorithm
        self._tables: tuple[State, dict[tuple[str, int], Table]] | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        key_source: KeySource,
        *,
        algorithm: str,
        dimension: int,
        appearance_algorithm: str = "",
        patience_s: float = PATIENCE_S,
    ) -> Gallery:
        """Open the gallery in a folder, or make an empty one there, with a key if the source has none yet."""
        for what, name in (("algorithm", algorithm), ("appearance algorithm", appearance_algorithm)):
            if len(name) > LONGEST_NAME or (what == "algorithm" and not name):
                raise GalleryValueError(what, f"{len(name)} characters", f"1 to {LONGEST_NAME}")
        if not 1 <= dimension <= LARGEST_DIMENSION:
            raise GalleryValueError("dimension", dimension, f"1 to {LARGEST_DIMENSION}")
        gallery = cls(
            Vault(folder.absolute(), key_source, patience_s), Algorithm(algorithm, dimension, appearance_algorithm)
        )
        gallery._vault.state()
        return gallery

    def __repr__(self) -> str:
        return f"Gallery('{printable(self._vault.path)}')"

    @property
    def is_empty(self) -> bool:
        """Nobody is enrolled."""
        return not self._vault.state().header.entries

    @property
    def notices(self) -> tuple[str, ...]:
        """What was mended, or could not be, when the gallery was read."""
        return self._vault.state().notices

    def subjects(self) -> tuple[types.Subject, ...]:
        """Who is enrolled, the longest enrolled first; damaged, expired and other algorithms' subjects, too."""
        state = self._vault.state()
        listed = [entry.subject(handle, handle in state.damage) for handle, entry in state.header.entries.items()]
        return tuple(sorted(listed, key=lambda subject: (subject.enrolled_ns, subject.handle)))

    def damage(self) -> dict[str, str]:
        """What is wrong with which subject."""
        return dict(self._vault.state().damage)

    def consents(self, handle: str) -> tuple[Consent, ...]:
        """What a subject has agreed to."""
        state = self._vault.state()
        _entry(state, handle)
        return _record(state, handle).consents

    def enrol(
        self,
        motion: FloatArray,
        appearance: FloatArray | None = None,
        *,
        consent: Consent | None,
        now_ns: int,
        expires_ns: int = 0,
        subject: str = "",
    ) -> str:
        """Store (R, D) motions and (S, A) appearances of a new subject, or more of one; returns the handle.

        expires_ns 0 is never for a new subject; one that is enrolled already then keeps its own time.
        """
        agreed = checked_consent(consent, now_ns)
        if expires_ns and not now_ns < expires_ns <= LATEST_NS:
            raise GalleryValueError("expires_ns", expires_ns, f"0 for never, or later than now ({now_ns})")
        vectors = unit_vectors("motion", motion, MOST_TEMPLATES, self._algorithm.dimension, LARGEST_DIMENSION)
        faces = appearance
        if faces is not None:
            faces = unit_vectors("appearance", faces, MOST_TEMPLATES, 0, LARGEST_DIMENSION)
        with self._vault.changing() as (folder, state):
            record = Record(
                self._templates(state, MOTION, vectors, now_ns),
                self._templates(state, APPEARANCE, faces, now_ns),
                (agreed,),
            )
            old = _entry(state, subject) if subject else None
            if old:
                record = joined(_record(state, subject), record)
            elif len(state.header.entries) >= MOST_SUBJECTS:
                raise GalleryValueError("gallery", f"{MOST_SUBJECTS} subjects already", "fewer; forget some")
            entry = Entry(
                version=secrets.token_hex(8),
                key=SecretKey.random(),
                templates=len(record.motion.made_ns),
                enrolled_ns=old.enrolled_ns if old else now_ns,
                expires_ns=expires_ns or (old.expires_ns if old else 0),
                consented_ns=agreed.at_ns,
                algorithm=self._algorithm.motion,
            )
            if entry.is_expired(now_ns):
                raise GalleryValueError("subject", "one that has expired", "a later time of expiry, or a new subject")
            handle = subject or free_handle(state.header)
            header = _changed(state.header, {**state.header.entries, handle: entry})
            with suppress(GalleryRemainsError):  # it is stored; the next reading clears away what it replaced
                self._vault.commit(folder, header, {handle: record}, state.key)
        return handle

    def compare(self, motion: FloatArray, appearance: FloatArray | None = None, *, now_ns: int) -> tuple[Match, ...]:
        """How near a (D,) motion and (A,) appearance are to each subject's nearest templates, the nearest first.

        Left out are subjects that are expired, damaged, or enrolled with another algorithm.
        """
        state = self._vault.state()
        motions = self._nearest(state, MOTION, motion, self._algorithm.dimension)
        faces = {} if appearance is None else self._nearest(state, APPEARANCE, appearance, 0)
        with_faces = self._with_appearance(state)
        matches = [
            Match(
                handle,
                near.score,
                faces[handle].score if handle in faces else math.nan,
                near.made_ns,
                handle in with_faces,
            )
            for handle, near in motions.items()
            if not state.header.entries[handle].is_expired(now_ns)
        ]
        return tuple(sorted(matches, key=lambda match: (-match.score, match.subject)))

    def appearances(self) -> dict[str, str]:
        """The algorithm of their appearance, of those subjects who were enrolled with it."""
        records = self._vault.state().records
        return {handle: one.appearance.algorithm for handle, one in records.items() if one.appearance.made_ns}

    def forget(self, handle: str) -> int:
        """Destroy the key of a subject's record, then the record; returns how many templates that were."""
        with self._vault.changing() as (folder, state):
            entry = _entry(state, handle)
            left = {other: value for other, value in state.header.entries.items() if other != handle}
            self._vault.commit(folder, _changed(state.header, left), {}, state.key)
        return entry.templates

    def remove_expired(self, now_ns: int) -> tuple[str, ...]:
        """Forget all whose time is over; returns their handles."""
        with self._vault.changing() as (folder, state):
            entries = state.header.entries
            gone = tuple(handle for handle, entry in entries.items() if entry.is_expired(now_ns))
            if gone:
                left = {handle: entry for handle, entry in entries.items() if handle not in gone}
                self._vault.commit(folder, _changed(state.header, left), {}, state.key)
        return gone

    def revoke(self) -> int:
        """Forget everybody and take a new transformation; returns how many subjects that were."""
        with self._vault.changing() as (folder, state):
            self._vault.commit(folder, Header.empty(state.header.sequence + 1), {}, state.key)
        return len(state.header.entries)

    def rotate_key(self, new_source: KeySource | None = None) -> None:
        """Encrypt everything anew under the key of another source, or under a new key of the same one.

        The same source keeps its old keys behind the new one (`drop_old_keys`). A damaged subject stays as it is.
        """
        with self._vault.changing() as (folder, state):
            source = new_source or self._vault.source
            check_place(source, self._vault.path)
            key = with_new_key(source) if new_source is None else (source.read() or (source.create(),))[0]
            if key == state.key:
                raise GalleryKeyError(source.place, "it is the key in use already", "name a source with another key")
            entries = {
                handle: rekeyed(entry) if handle in state.records else entry
                for handle, entry in state.header.entries.items()
            }
            try:
                self._vault.commit(folder, _changed(state.header, entries), state.records, key)
            except GalleryRemainsError:
                self._vault.source = source
                raise
            self._vault.source = source

    def drop_old_keys(self) -> int:
        """Keep only the key in use in the source, and not those of before; returns how many went.

        Other galleries and backups that need one of them are lost without a copy of it.
        """
        with self._vault.changing() as (_, state):
            keys = self._vault.source.read()
            if keys != (state.key,):
                self._vault.source.store([state.key])
        return len(keys) - 1

    def _templates(self, state: State, space: str, vectors: FloatArray | None, now_ns: int) -> Templates:
        if vectors is None:
            return Templates.none()
        name = self._algorithm.motion if space == MOTION else self._algorithm.appearance
        return Templates(state.transformation(vectors, space), (now_ns,) * len(vectors), name)

    def _nearest(self, state: State, space: str, vector: FloatArray, dimension: int) -> dict[str, Nearest]:
        rows = vector[None] if isinstance(vector, np.ndarray) else vector
        unit = unit_vectors(space, rows, 1, dimension, LARGEST_DIMENSION)
        return self._table(state, space, unit.shape[1]).nearest(state.transformation(unit, space)[0])

    def _with_appearance(self, state: State) -> set[str]:
        name = self._algorithm.appearance
        found = ((handle, record.appearance) for handle, record in state.records.items())
        return {handle for handle, one in found if one.made_ns and one.algorithm == name}

    def _table(self, state: State, space: str, dimension: int) -> Table:
        if self._tables is None or self._tables[0] is not state:
            self._tables = (state, {})
        tables, key = self._tables[1], (space, dimension)
        if key not in tables:
            name = self._algorithm.motion if space == MOTION else self._algorithm.appearance
            all_templates = {handle: getattr(record, space) for handle, record in state.records.items()}
            tables[key] = Table(
                {
                    handle: one
                    for handle, one in all_templates.items()
                    if one.made_ns and one.algorithm == name and one.vectors.shape[1] == dimension
                }
            )
        return tables[key]


def _entry(state: State, handle: str) -> Entry:
    if not HANDLE.match(handle):
        raise SubjectUnknownError("what was given is no handle and")  # and may be a name, which is not repeated
    if handle not in state.header.entries:
        raise SubjectUnknownError(f"subject {handle}")
    return state.header.entries[handle]


def _record(state: State, handle: str) -> Record:
    if handle in state.damage:
        raise SubjectDamagedError(handle, state.damage[handle])
    return state.records[handle]


def _changed(header: Header, entries: dict[str, Entry]) -> Header:
    return dataclasses.replace(header, entries=entries, sequence=header.sequence + 1)
