"""The gallery as the identity stage uses it: not touched before somebody enrols, and asked in words of subjects."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from face1d_ros.errors import GalleryError, MissingDependencyError, RequestRefusedError
from face1d_ros.gallery.gallery import Gallery
from face1d_ros.gallery.keys import default_folder, key_source
from face1d_ros.gallery.matching import Match
from face1d_ros.gallery.records import Consent
from face1d_ros.paths import user_path
from face1d_ros.types import FloatArray, Subject

PATIENCE_S = 0.5
"""For another process that is changing it."""


class IdentityGallery:
    """Any thread may call anything. A gallery that is not there counts as empty, and is not made by asking."""

    def __init__(self, folder: str, key: str, algorithm: str, dimension: int, appearance: str = "") -> None:
        """`folder` empty: that of the user; `key` as in `gallery.keys.key_source`. Touches nothing.

        `appearance` is the algorithm of appearances, empty where none is looked at.
        """
        self.folder: Path = user_path(folder).absolute() if folder else default_folder()
        self._key, self._algorithm, self._dimension = key_source(key), algorithm, dimension
        self._appearance = appearance
        self._gallery: Gallery | None = None
        self._mutex = threading.Lock()

    def subjects(self) -> tuple[Subject, ...]:
        """Who is enrolled. Raises GalleryError."""
        gallery = self._there()
        return gallery.subjects() if gallery is not None else ()

    def check_claim(self, handle: str, now_ns: int) -> None:
        """Raises RequestRefusedError where this subject cannot be verified, GalleryError."""
        subjects = {subject.handle: subject for subject in self.subjects()}
        known = subjects.get(handle)
        if known is None:
            raise RequestRefusedError("no subject of this handle is enrolled", "list the subjects, or enrol the person")
        if known.damaged:
            raise RequestRefusedError("the subject's record is damaged", "forget the subject, and enrol again")
        if known.algorithm != self._algorithm:
            raise RequestRefusedError(
                f"the subject was enrolled with {known.algorithm}, this is {self._algorithm}", "enrol the person again"
            )
        if 0 < known.expires_ns <= now_ns:
            raise RequestRefusedError("the subject's enrolment has expired", "enrol the person again")

    def check_addition(self, handle: str, now_ns: int) -> None:
        """Raises RequestRefusedError where nothing can be added to this subject here, GalleryError."""
        self.check_claim(handle, now_ns)
        if face := self.unlooked().get(handle):
            problem = f"the subject was enrolled with the appearance of {face}, which is not looked at here"
            raise RequestRefusedError(problem, "name that model in appearance_model, or enrol a new subject")

    def unlooked(self) -> dict[str, str]:
        """Who was enrolled with an appearance that is not looked at here, and by which model. Raises GalleryError."""
        gallery = self._there()
        found = gallery.appearances() if gallery is not None else {}
        return {handle: name for handle, name in found.items() if name != self._appearance}

    def check_anybody(self, now_ns: int) -> None:
        """Raises RequestRefusedError where nobody can be identified, GalleryError."""
        subjects = self.subjects()
        if not subjects:
            raise RequestRefusedError("nobody is enrolled", "enrol somebody first")
        usable = (one for one in subjects if one.algorithm == self._algorithm and not one.damaged)
        if all(0 < one.expires_ns <= now_ns for one in usable):
            problem = "whoever is enrolled has expired, is damaged, or was enrolled with another model"
            raise RequestRefusedError(problem, "list the subjects, and enrol somebody")

    def matches(self, embedding: FloatArray, now_ns: int, appearance: FloatArray | None = None) -> tuple[Match, ...]:
        """How like each subject's templates a motion (E,) and an appearance (A,) are, the likest motion first.

        Raises GalleryError.
        """
        gallery = self._there()
        return gallery.compare(embedding, appearance, now_ns=now_ns) if gallery is not None else ()

    def make_ready(self) -> None:
        """Make the gallery if there is none. Raises GalleryError where nobody could be stored in it."""
        self._opened()

    def store(
        self,
        embeddings: Sequence[FloatArray],
        consent: Consent,
        now_ns: int,
        expires_ns: int,
        subject: str,
        appearances: Sequence[FloatArray] = (),
    ) -> str:
        """All templates at once; returns the handle. Raises GalleryError: nothing was stored."""
        return self._opened().enrol(
            np.stack(list(embeddings)),
            np.stack(list(appearances)) if appearances else None,
            consent=consent,
            now_ns=now_ns,
            expires_ns=expires_ns,
            subject=subject,
        )

    def forget(self, handle: str) -> int:
        """Returns how many templates went. Raises GalleryError."""
        gallery = self._there()
        if gallery is None:
            raise RequestRefusedError("no subject of this handle is enrolled", "list the subjects")
        return gallery.forget(handle)

    def revoke(self) -> int:
        """Returns how many subjects went. Raises GalleryError."""
        gallery = self._there()
        return gallery.revoke() if gallery is not None else 0

    def remove_expired(self, now_ns: int) -> tuple[str, ...]:
        """Returns the handles of those whose time is over. Raises GalleryError."""
        gallery = self._there()
        return gallery.remove_expired(now_ns) if gallery is not None else ()

    def values(self) -> dict[str, object]:
        """For diagnostics; `notice` where something is wrong."""
        values: dict[str, object] = {"gallery": self.folder}
        try:
            subjects = self.subjects()
            gallery = self._gallery
            notices = gallery.notices if gallery is not None else ()
            if unlooked := self.unlooked():
                models = ", ".join(sorted(set(unlooked.values())))
                notices = (
                    *notices,
                    f"{len(unlooked)} who were enrolled with the appearance of {models} are judged by motion alone; "
                    "name that model in appearance_model",
                )
        except GalleryError as error:
            return values | {"notice": str(error)}
        damaged = [subject.handle for subject in subjects if subject.damaged]
        values |= {"subjects": len(subjects), "subjects damaged": ", ".join(damaged) or "none"}
        if damaged:
            notices = (f"damaged subjects: {', '.join(damaged)}; enrol them again, or forget them", *notices)
        return values | ({"notice": "; ".join(notices)} if notices else {})

    def _there(self) -> Gallery | None:
        if self._gallery is None and not _holds_something(self.folder):
            return None
        return self._opened()

    def _opened(self) -> Gallery:
        with self._mutex:
            if self._gallery is None:
                try:
                    self._gallery = Gallery.open(
                        self.folder,
                        self._key,
                        algorithm=self._algorithm,
                        dimension=self._dimension,
                        appearance_algorithm=self._appearance,
                        patience_s=PATIENCE_S,
                    )
                except MissingDependencyError as error:
                    raise GalleryError(str(error)) from error
            return self._gallery


def _holds_something(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # and opening it says what is wrong
