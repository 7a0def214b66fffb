"""MMI: expressions and single action units from neutral over apex back to neutral (Pantic and others, 2005)."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face1d_ros.datasets.base import Card, Completeness, RealSequence, check_split, damaged
from face1d_ros.datasets.files import files_by_stem, first_folder, folders_in, read_text
from face1d_ros.datasets.images import VideoImages
from face1d_ros.errors import DatasetFileError
from face1d_ros.types import Phase

EMOTIONS = {1: "anger", 2: "disgust", 3: "fear", 4: "happiness", 5: "sadness", 6: "surprise"}
"""As numbered in the files; higher numbers are other acts."""
MARKERS = {0: Phase.NEUTRAL, 1: Phase.ONSET, 2: Phase.APEX, 3: Phase.OFFSET}
STRONGEST = (Phase.NEUTRAL, Phase.OFFSET, Phase.ONSET, Phase.APEX)
"""Where action units are in different phases, the face is in the last of these."""
NAME = r"S\d+-\d+"


class Mmi:
    """Reads the video sessions of the MMI facial expression database."""

    card = Card(
        name="mmi",
        title="MMI facial expression database",
        purpose="expression recognition and its phases, onset over apex to offset",
        content="more than 2900 videos and stills of 75 people; about 200 videos with one of six expressions",
        layout="Sessions/1/session.xml\nSessions/1/S001-001.avi\nSessions/1/S001-001.xml (expression)\n"
        "Sessions/1/S001-001-oao_aucs.xml (onset, apex and offset of action units; where coded)\n"
        "… as the site's search result unpacks",
        licence="research only, not commercial; asked for by a signed agreement",
        where="https://mmifacedb.eu",
        splits=("labelled", "unlabelled"),
        paper="sequential expression recognition: ten folds, no subject in two",
    )

    def __init__(self, root: Path) -> None:
        self.root = first_folder(root, "Sessions") or root

    def completeness(self) -> Completeness:
        """Of each session its video and both descriptions. How many sessions there are, the search decides."""
        missing: list[str] = []
        sessions = folders_in(self.root, r"\d+")
        found = {"sessions": len(sessions), "videos": 0, "videos with phases": 0}
        for session in sessions:
            videos = _videos(session)
            found["videos"] += len(videos)
            if not (session / "session.xml").is_file():
                missing.append(f"{session.name}/session.xml")
            if not videos and not files_by_stem(session, (".jpg", ".png")):
                missing.append(f"{session.name}/ (no video)")
            missing += [f"{session.name}/{stem}.xml" for stem in videos if not (session / f"{stem}.xml").is_file()]
            found["videos with phases"] += sum(_phases_file(video).is_file() for video in videos.values())
        if not sessions:
            missing.append("Sessions/: none")
        return Completeness(found, tuple(missing))

    def sequences(self, split: str = "") -> Iterator[RealSequence]:
        """Each video with its description; stills are left out."""
        check_split(self.card, split)
        for session in sorted(folders_in(self.root, r"\d+"), key=lambda path: int(path.name)):
            for stem, video in _videos(session).items():
                if not (session / f"{stem}.xml").is_file():
                    continue
                name, subject = f"{session.name}/{stem}", stem.split("-")[0]
                try:
                    label = _label(session / f"{stem}.xml")
                except DatasetFileError as error:
                    yield damaged(name, VideoImages(video), error, subject=subject)
                    continue
                part = "labelled" if label else "unlabelled"
                if split and part != split:
                    continue
                coded = _phases_file(video).is_file()
                yield RealSequence(
                    name=name,
                    images=VideoImages(video),
                    split=part,
                    subject=subject,
                    video=True,
                    label=label,
                    read_phases=partial(_phases, video) if coded else None,
                )


def _videos(session: Path) -> dict[str, Path]:
    return files_by_stem(session, (".avi",), NAME)


def _phases_file(video: Path) -> Path:
    return video.with_name(f"{video.stem}-oao_aucs.xml")


def _label(path: Path) -> str:
    for tag in _parsed(path).iter("Metatag"):
        if tag.get("Name") == "Emotion":
            value = (tag.get("Value") or "").strip()
            return EMOTIONS.get(int(value), "") if value.isdecimal() else ""
    return ""


def _phases(video: Path) -> NDArray[np.int8]:
    """(T,) of the whole face: that of its strongest action unit. A marker holds until the next; frames count from 1."""
    path = _phases_file(video)
    phases = np.zeros(len(VideoImages(video)), np.int8)
    for unit in _parsed(path).iter("ActionUnit"):
        markers = sorted((_integer(path, mark, "Frame"), _integer(path, mark, "Type")) for mark in unit.iter("Marker"))
        rank = np.zeros_like(phases)
        for frame, kind in markers:
            if kind not in MARKERS or frame < 1:
                raise DatasetFileError(path, f"marker of type {kind} at frame {frame}", "type 0 to 3, frame from 1")
            rank[frame - 1 :] = STRONGEST.index(MARKERS[kind])
        phases = np.maximum(phases, rank)
    return np.array([int(phase) for phase in STRONGEST], np.int8)[phases]


def _parsed(path: Path) -> Xml.Element:
    text = read_text(path)
    if "<!ENTITY" in text:
        raise DatasetFileError(path, "XML with entities of its own", "plain XML")
    try:
        return Xml.fromstring(text.lstrip("\ufeff"))
    except Xml.ParseError as error:
        raise DatasetFileError(path, f"broken XML ({error})", "XML") from error


def _integer(path: Path, element: Xml.Element, name: str) -> int:
    value = element.get(name, "")
    if not value.strip().lstrip("-").isdecimal():
        raise DatasetFileError(path, f"{name}='{value}'", "a whole number")
    return int(value)
