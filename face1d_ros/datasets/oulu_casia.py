"""Oulu-CASIA: posed expressions in visible and near-infrared light (Zhao and others, 2011)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from face1d_ros.datasets.base import EXPRESSIONS, Card, Completeness, RealSequence, check_split
from face1d_ros.datasets.files import IMAGE_EXTENSIONS, files_by_stem, gaps
from face1d_ros.datasets.images import ImageFiles

CAMERAS = ("VL", "NI")
"""Visible light, near infrared."""
LIGHTS = ("Strong", "Weak", "Dark")
SUBJECTS = 80
RATE_HZ = 25.0
SHOWN = tuple(name for name in EXPRESSIONS if name not in ("neutral", "contempt"))
TREES = (".", "OriginalImg", "B_OriginalImg", "B_OriginalImg/OriginalImg", "Oulu_CASIA_NIR_VIS")


class OuluCasia:
    """Reads the original images of the Oulu-CASIA NIR&VIS facial expression database."""

    card = Card(
        name="oulu-casia",
        title="Oulu-CASIA NIR&VIS facial expression database",
        purpose="expression recognition from onset to apex, in visible light and near infrared",
        content="80 people, six expressions, two cameras, three lights: 2880 sequences of 320×240 at 25 Hz",
        layout="VL/Strong/P001/Anger/000.jpeg …\nVL, NI × Strong, Weak, Dark × P001 to P080 × Anger, Disgust, Fear,\n"
        "Happiness, Sadness, Surprise (below the root, OriginalImg/, B_OriginalImg/ or Oulu_CASIA_NIR_VIS/)",
        licence="research only, not commercial; asked for by a signed agreement",
        where="https://www.oulu.fi/en/university/faculties-and-units/faculty-information-technology-and-electrical-"
        "engineering/center-machine-vision-and-signal-analysis",
        splits=tuple(f"{camera}-{light}".lower() for camera in CAMERAS for light in LIGHTS),
        paper="sequential expression recognition: VIS and NIR, ten folds, no subject in two",
    )

    def __init__(self, root: Path) -> None:
        places = (root / tree for tree in TREES)
        self.root = next((place for place in places if any((place / one).is_dir() for one in CAMERAS)), root)

    def completeness(self) -> Completeness:
        """Every subject's six expressions under every light, frames without a gap. A whole folder is one line."""
        missing: list[str] = []
        found: dict[str, int] = {}
        for camera in CAMERAS:
            for light in LIGHTS:
                place = f"{camera}/{light}"
                if not (self.root / place).is_dir():
                    missing.append(f"{place}/")
                    continue
                found[place] = 0
                for number in range(1, SUBJECTS + 1):
                    there, lost = self._subject(f"{place}/P{number:03d}")
                    found[place] += there
                    missing += lost
        return Completeness(found, tuple(missing))

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """Each from neutral (first image) to apex (last image)."""
        check_split(self.card, split)
        for camera in CAMERAS:
            for light in LIGHTS:
                part = f"{camera}-{light}".lower()
                if split and part != split:
                    continue
                for number in range(1, SUBJECTS + 1):
                    yield from self._sequences_of(f"{camera}/{light}/P{number:03d}", part)

    def _sequences_of(self, place: str, part: str) -> Iterator[RealSequence]:
        for label in SHOWN:
            images = self._images(f"{place}/{label.capitalize()}")
            if images:
                yield RealSequence(
                    name=f"{place}/{label.capitalize()}",
                    images=ImageFiles(list(images.values())),
                    split=part,
                    subject=place.rsplit("/", 1)[1],
                    video=True,
                    rate_hz=RATE_HZ,
                    label=label,
                )

    def _subject(self, place: str) -> tuple[int, list[str]]:
        """How many sequences are there, and what is not."""
        if not (self.root / place).is_dir():
            return 0, [f"{place}/"]
        there, lost = 0, []
        for label in SHOWN:
            folder = f"{place}/{label.capitalize()}"
            numbers = [int(stem) for stem in self._images(folder)]
            there += bool(numbers)
            if not numbers:
                lost.append(f"{folder}/")
            else:
                lost += [f"{folder}/{number:03d}.jpeg" for number in gaps(numbers, min(numbers), max(numbers))]
        return there, lost

    def _images(self, folder: str) -> dict[str, Path]:
        files = files_by_stem(self.root / folder, IMAGE_EXTENSIONS, r"\d+")
        return dict(sorted(files.items(), key=lambda item: int(item[0])))
