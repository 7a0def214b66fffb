"""What `face1d evaluate mesh` measures on: sequences of a face model, behind a smoothing stage or not."""

from __future__ import annotations

from contextlib import ExitStack, closing

from face1d_ros.config import SmoothingConfig
from face1d_ros.errors import CorpusError, InvalidValueError
from face1d_ros.evaluate.mesh_tracks import SMOOTHED
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.sequence import Sequence

BLOCK = "mesh/"


def smoothing_of(what: str, opened: ExitStack) -> SmoothingStage | None:
    """The default smoothing stage, or none."""
    return opened.enter_context(closing(SmoothingStage(SmoothingConfig()))) if what == SMOOTHED else None


def mesh_sequences(source: tuple[Sequence, ...] | Corpus, what: str, most: int | None) -> list[Sequence]:
    """Those of the block `mesh`, so many at most; `what` is the source as it was named."""
    names = source.names if isinstance(source, Corpus) else [one.name for one in source]
    chosen = [index for index, name in enumerate(names) if name.startswith(BLOCK)]
    if not chosen:
        raise InvalidValueError("WHAT", what, f"a test set with sequences of the block {BLOCK}")
    return [source[index] for index in chosen[:most]]


def check_face_model(source: tuple[Sequence, ...] | Corpus, points: PointModel) -> None:
    """Refuse sequences of other landmarks, or that were made with a face model of another name."""
    if not isinstance(source, Corpus):
        return
    made_with = source.manifest.get("face_model", {}).get("name")
    if source.topology is not points.topology or made_with != points.source_name:
        raise CorpusError(
            f"'{source.folder}' holds {int(source.topology)} landmarks of {made_with}; expected "
            f"{int(points.topology)} of {points.source_name}, the face model that was named"
        )
