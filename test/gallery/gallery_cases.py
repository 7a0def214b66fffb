"""Small galleries whose subjects and motions are known."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from face1d_ros.gallery.gallery import Gallery
from face1d_ros.gallery.keys import KeyFile, KeySource
from face1d_ros.gallery.records import Consent
from face1d_ros.types import FloatArray

ALGORITHM = "identity_n_pair 1"
D = 16
NOW = 1_000_000_000_000
HOUR = 3_600_000_000_000
AGREED = Consent("Ich bin einverstanden: Frau Mustermann, Raum 7", NOW - 5)


def unit(seed: int, rows: int = 2, dimension: int = D) -> FloatArray:
    """(rows, dimension) unit vectors."""
    values = np.random.default_rng(seed).normal(size=(rows, dimension))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@dataclass
class Case:
    """A gallery in a folder with its key beside, and what was enrolled."""

    root: Path
    motions: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.root / "data" / "gallery"

    @property
    def source(self) -> KeyFile:
        return KeyFile(self.root / "settings" / "gallery.key")

    def open(self, source: KeySource | None = None, algorithm: str = ALGORITHM, patience_s: float = 5.0) -> Gallery:
        return Gallery.open(
            self.folder,
            source or self.source,
            algorithm=algorithm,
            dimension=D,
            appearance_algorithm="face 1",
            patience_s=patience_s,
        )

    def enrol(self, gallery: Gallery, seed: int, expires_ns: int = 0) -> str:
        motion = unit(seed)
        handle = gallery.enrol(motion, unit(seed + 100, 1, 8), consent=AGREED, now_ns=NOW + seed, expires_ns=expires_ns)
        self.motions[handle] = motion
        return handle

    def filled(self, subjects: int = 3) -> tuple[str, ...]:
        """Handles in order of enrolment."""
        gallery = self.open()
        return tuple(self.enrol(gallery, seed) for seed in range(subjects))

    def copied_to(self, root: Path) -> Case:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.root, root)
        return Case(root, dict(self.motions))

    def record(self, handle: str) -> Path:
        (path,) = self.folder.glob(f"{handle}.*")
        return path

    def check(self, gallery: Gallery, damaged: frozenset[str] = frozenset()) -> frozenset[str]:
        """Who is enrolled. Each of them must be found by their own motions, unless damaged, and nobody else by them."""
        listed = {subject.handle: subject for subject in gallery.subjects()}
        assert {handle for handle, subject in listed.items() if subject.damaged} <= damaged
        for handle, subject in listed.items():
            for row in self.motions[handle]:
                scores = {match.subject: match.score for match in gallery.compare(row, now_ns=NOW + HOUR)}
                if subject.damaged:
                    assert handle not in scores
                else:
                    assert abs(scores.pop(handle) - 1.0) < 1e-5
                assert all(score < 0.98 for score in scores.values())
        return frozenset(listed)

    def check_tidy(self, gallery: Gallery) -> None:
        """There is nothing in the folder but what is in use."""
        names = {path.name.split(".")[0] for path in self.folder.iterdir()}
        assert names == {"header", "lock", *(subject.handle for subject in gallery.subjects())}
        assert len(list(self.folder.iterdir())) == 3 + len(gallery.subjects())
