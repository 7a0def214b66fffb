"""The one tree of errors. Each says what was wrong, what came, what was expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class Face1dError(Exception):
    """Anything this package refuses or cannot do."""


class ConfigError(Face1dError):
    """A setting that cannot be used."""


class UnknownKeyError(ConfigError):
    """A setting nobody knows."""

    def __init__(self, key: str, known: Iterable[str], where: str) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known)}"
        super().__init__(f"{where}: unknown key '{key}'; {hint}")


class InvalidValueError(ConfigError):
    """A setting whose value is of the wrong type or out of range."""

    def __init__(self, key: str, value: object, expected: str) -> None:
        super().__init__(f"{key}: got {value!r}, expected {expected}")


class ConfigFileError(ConfigError):
    """A configuration file that cannot be read."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"configuration file {path}: {problem}")


class PathError(ConfigError):
    """A path that stands for no file on any machine."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"path '{path}': {problem}")


class MissingDependencyError(Face1dError):
    """Something that has to be installed for what was asked."""

    def __init__(self, what: str, needed_for: str, how: str) -> None:
        super().__init__(f"{what} is missing, which {needed_for} needs; {how}")


class ConversionError(Face1dError):
    """A message that cannot be turned into arrays, or arrays that fit no message."""

    def __init__(self, field: str, came: object, expected: str) -> None:
        super().__init__(f"{field}: got {came}, expected {expected}")


class ImageError(Face1dError):
    """An image that cannot be used. `reason` is a short word for counters."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}")


class SourceError(Face1dError):
    """A source of frames that cannot be opened or read."""


class SourceNotFoundError(SourceError):
    """A source that is not there."""

    def __init__(self, source: object, what_to_do: str) -> None:
        super().__init__(f"source '{source}' was not found; {what_to_do}")


class SourceUnreadableError(SourceError):
    """A source that is there but gives no frames."""

    def __init__(self, source: object, problem: str) -> None:
        super().__init__(f"source '{source}': {problem}")


class SourceBrokenOffError(SourceUnreadableError):
    """A file that gave frames and then ended before its time: truncated or damaged."""


class GeometryError(Face1dError):
    """Points, or a name of points, that a geometric function cannot work with."""

    def __init__(self, what: str, came: object, expected: str) -> None:
        super().__init__(f"{what}: got {came}, expected {expected}")


class DetectorError(Face1dError):
    """The face detector cannot be made or used."""


class LookingError(Face1dError):
    """What another process that looks at frames could not do, in its words."""


class LookingDiedError(LookingError):
    """The process that looks at frames has ended without a word."""

    def __init__(self, exit_code: int) -> None:
        how = f"exit code {exit_code}" if exit_code >= 0 else f"by signal {-exit_code}"
        super().__init__(
            f"the process that looks at the frames has died ({how}); if it was killed, memory may be short"
        )


class DetectorMissingError(DetectorError):
    """Neither bundled models nor what was asked for is there."""

    def __init__(self, problem: str, what_to_do: str) -> None:
        super().__init__(f"no face detector: {problem}; {what_to_do}")


class ModelFileError(DetectorError):
    """A model file that the detector cannot use."""

    def __init__(self, path: object, problem: str, what_to_do: str) -> None:
        super().__init__(f"model file '{path}' {problem}; {what_to_do}")


class MeasurementFileError(Face1dError):
    """A measurement that cannot be read, or not be compared."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"measurement {path}: {problem}; name two files that one bench command wrote with --json")


class ProcessError(Face1dError):
    """A child process that could not be started or kept alive."""


class ReportError(Face1dError):
    """A report that cannot be made, written or read."""


class ReportFileError(ReportError):
    """A report's file, or one of its truth, that cannot be read or written."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"report '{path}': {problem}")


class TruthError(ReportError):
    """What is given as truth of a source and cannot be used."""

    def __init__(self, truth: object, problem: str) -> None:
        super().__init__(f"truth '{truth}': {problem}")


class RecordingError(Face1dError):
    """A recording that cannot be written or read."""


class ReplayMismatchError(RecordingError):
    """A folder that holds the replay of something else, or with other settings."""

    def __init__(self, folder: object, differences: Iterable[str]) -> None:
        super().__init__(
            f"'{folder}' holds another replay: {'; '.join(differences)}; replace it with --anew, or name another "
            "folder with --out"
        )


class FaceModelError(Face1dError):
    """A 3D face model that cannot be used for what was asked."""


class FaceModelMissingError(FaceModelError):
    """No 3D face model was named, or it is not there."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"no 3D face model: {problem}; get ICT-FaceKit (MIT) by `git clone https://github.com/ICT-VGL/ICT-FaceKit`"
            " and name its folder FaceXModel with --face-model or in the environment variable FACE1D_FACE_MODEL"
            " (docs/face_models.md lists the other models)"
        )


class FaceModelFileError(FaceModelError):
    """A file or folder that is not the face model it should be."""

    def __init__(self, path: object, came: str, expected: str) -> None:
        super().__init__(f"face model '{path}': {came}; expected {expected} (docs/face_models.md)")
        self.came = came
        self.expected = expected


class CoefficientsError(Face1dError):
    """Coefficients that cannot be read, or that belong to another face model."""

    def __init__(self, what: object, came: str, expected: str) -> None:
        super().__init__(f"{what}: got {came}, expected {expected} (docs/mesh_node.md)")


class CorpusError(Face1dError):
    """A synthetic corpus that cannot be made or read."""


class CorpusMismatchError(CorpusError):
    """A folder that holds a corpus of other parameters."""

    def __init__(self, path: object, differences: Iterable[str]) -> None:
        super().__init__(
            f"corpus '{path}' was made with other parameters: {'; '.join(differences)}; "
            "give the same ones to carry on with it, or name another folder"
        )


class DiskFullError(CorpusError):
    """Not enough room for what is to be written."""

    def __init__(self, path: object, needed_bytes: float, free_bytes: float) -> None:
        super().__init__(
            f"'{path}' has {free_bytes / 1e9:.2f} GB free, {needed_bytes / 1e9:.2f} GB are needed; "
            "make room, ask for fewer or shorter sequences, or name a folder on another disk"
        )


class BundleError(Face1dError):
    """A model bundle that is not loaded: damaged, foreign, or not what its manifest says."""

    def __init__(self, path: object, what: str, came: object, expected: str) -> None:
        super().__init__(
            f"model bundle '{path}': {what}: got {came}, expected {expected};"
            " take the bundle as it was shipped, or make it again (`face1d models` shows the command)"
        )


class EngineError(Face1dError):
    """An engine that cannot be made, or fails at a run."""

    def __init__(self, engine: str, problem: str) -> None:
        super().__init__(f"engine {engine}: {problem}")


class CheckpointError(Face1dError):
    """A file that holds no network of this package."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"checkpoint '{path}': {problem}; expected a file that `face1d train` has written")


class TrainingError(Face1dError):
    """A training that cannot go on."""


class ExportError(Face1dError):
    """A network that does not become a bundle, or a bundle that does not become a network."""

    def __init__(self, network: str, problem: str) -> None:
        super().__init__(f"export of {network}: {problem}")


class NoiseModelError(Face1dError):
    """A file that is not the noise model it should be."""

    def __init__(self, path: object, came: str, expected: str) -> None:
        super().__init__(
            f"noise model '{path}': got {came}, expected {expected}; make it again with `face1d synth fit-noise`"
        )


class DatasetError(Face1dError):
    """A dataset that cannot be used."""


class DatasetMissingError(DatasetError):
    """Nothing of a dataset is where it was said to be."""

    def __init__(self, name: str, root: object, problem: str, where_to_get: str) -> None:
        super().__init__(
            f"dataset {name}: '{root}' {problem}; give the folder that holds it "
            f"(`face1d datasets show {name}` shows the layout), or get it from {where_to_get}"
        )


class DatasetIncompleteError(DatasetError):
    """A dataset of which files are missing."""

    FIRST = 10

    def __init__(self, name: str, root: object, missing: Sequence[str], where_to_get: str) -> None:
        shown = "".join(f"\n  {line}" for line in missing[: self.FIRST])
        more = f"\n  and {len(missing) - self.FIRST} more" if len(missing) > self.FIRST else ""
        super().__init__(
            f"dataset {name}: {len(missing)} missing below '{root}':{shown}{more}\n"
            f"copy it again from {where_to_get}, or use what is there with --partial; "
            f"`face1d datasets check {name} --root …` lists more"
        )


class DatasetFileError(DatasetError):
    """A file of a dataset that is not what it should be."""

    def __init__(self, path: object, came: str, expected: str) -> None:
        super().__init__(f"'{path}': got {came}, expected {expected}; copy this file again")


class CaptureFileError(Face1dError):
    """A capture of a face's motion that cannot be used."""

    def __init__(self, path: object, problem: str, what_to_do: str) -> None:
        super().__init__(f"capture '{path}': {problem}; {what_to_do}")


class GalleryError(Face1dError):
    """The gallery of enrolled subjects refuses something or cannot do it."""


class GalleryValueError(GalleryError):
    """Something that cannot be enrolled or compared."""

    def __init__(self, what: str, came: object, expected: str) -> None:
        super().__init__(f"{what}: got {came}, expected {expected}")


class ConsentMissingError(GalleryError):
    """An enrolment to which nobody is known to have agreed."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"no consent: {problem}; ask the person, and give the text they agreed to and when, before enrolling"
        )


class SubjectUnknownError(GalleryError):
    """A handle that nobody in the gallery has."""

    def __init__(self, handle: str) -> None:
        super().__init__(f"{handle} is not in the gallery; expected the handle of an enrolled subject, as listed")


class SubjectDamagedError(GalleryError):
    """A subject whose record cannot be read."""

    def __init__(self, handle: str, problem: str) -> None:
        super().__init__(f"subject {handle} is damaged: {problem}; restore its file from a backup, or forget it")
        self.handle = handle


class GalleryFileError(GalleryError):
    """A folder or file of the gallery that is not what it should be."""

    def __init__(self, path: object, came: str, expected: str, what_to_do: str) -> None:
        super().__init__(f"gallery '{path}': got {came}, expected {expected}; {what_to_do} (docs/gallery.md)")
        self.came = came


class GalleryKeyError(GalleryError):
    """The key of a gallery that is missing, badly kept, or of no use."""

    def __init__(self, place: object, problem: str, what_to_do: str) -> None:
        super().__init__(f"gallery key in {place}: {problem}; {what_to_do} (docs/gallery.md)")


class GalleryWrongKeyError(GalleryKeyError):
    """A key that is not the one the gallery was closed with."""

    def __init__(self, place: object, folder: object) -> None:
        super().__init__(
            place, f"it is not the key of the gallery '{folder}'", "name the right key, or restore it from a backup"
        )


class GalleryBusyError(GalleryError):
    """Another process is changing the gallery and does not finish."""

    def __init__(self, folder: object, waited_s: float) -> None:
        super().__init__(
            f"gallery '{folder}': another process has held it for {waited_s:g} s; wait for it, or end it, and try again"
        )


class GalleryWriteError(GalleryError):
    """A change that could not be written. The gallery is as it was."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(
            f"gallery '{path}' could not be written: {problem}; nothing was changed: make room on the disk, or make "
            "the folder writable, and try again"
        )


class GalleryUnsureError(GalleryWriteError):
    """A change of which the disk does not say whether it was made; the gallery is whole either way."""

    def __init__(self, path: object, problem: str) -> None:
        GalleryError.__init__(
            self,
            f"gallery '{path}': the disk did not confirm a change: {problem}; it was made or it was not, and nothing "
            "else was touched: check the disk, list the subjects, and try again",
        )


class GalleryRemainsError(GalleryWriteError):
    """A change that was made, but of which the disk still holds what should be gone."""

    def __init__(self, path: object, problem: str) -> None:
        GalleryError.__init__(
            self,
            f"gallery '{path}' is changed, but what should be gone is still on the disk: {problem}; make the folder "
            "writable and open the gallery again, which removes it",
        )


class RequestRefusedError(Face1dError):
    """What the identity stage is asked for and does not do now."""

    def __init__(self, problem: str, what_to_do: str) -> None:
        super().__init__(f"{problem}; {what_to_do}")


class ResultsError(Face1dError):
    """Results of an evaluation that cannot be read."""

    def __init__(self, path: object, problem: str) -> None:
        super().__init__(f"results {path}: {problem}; write them with `face1d evaluate all DIR --out FOLDER`")


class GroupsError(Face1dError):
    """A file of groups that cannot be used."""

    def __init__(self, path: object, problem: str, expected: str) -> None:
        super().__init__(f"groups {path}: {problem}; expected {expected} (docs/fairness.md)")


class ClusterError(Face1dError):
    """A Dask cluster that cannot be reached or used, or that is lost."""
