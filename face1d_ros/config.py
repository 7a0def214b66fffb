"""The one truth for settings: ROS parameters, YAML files, command-line options and documentation read it.

A configuration is a frozen dataclass whose fields are made with `setting`. Nothing here knows ROS or the command line.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias, TypeVar, cast, get_type_hints

from face1d_ros.errors import InvalidValueError, UnknownKeyError

Value: TypeAlias = bool | int | float | str
LONGEST_BRIDGE_S = 2.0
"""More than this is no prediction any more."""
TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True)
class Setting:
    """One field of a configuration, with all that a descriptor, an option or a table needs."""

    name: str
    type: type
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Value, ...] = ()
    dynamic: bool = False
    """May change while the node is active."""

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        kind = TYPE_NAMES[self.type]
        if self.minimum is None:
            return kind
        return f"{kind} from {self.minimum:g} to {self.maximum:g}"

    def check(self, value: object, where: str = "") -> Value:
        """The value in the setting's own type; an integer is taken for a float, nothing else is converted."""
        key = f"{where}{self.name}"
        if self.type is float and type(value) is int:
            value = float(value)
        if self.type is str and isinstance(value, bool):
            raise InvalidValueError(
                key, value, f"{self.expected}; YAML takes on, off, yes and no for that without quotes"
            )
        if type(value) is not self.type or not self._admits(value):
            raise InvalidValueError(key, value, self.expected)
        return cast(Value, value)

    def _admits(self, value: Any) -> bool:
        if self.choices and value not in self.choices:
            return False
        if isinstance(value, float) and not math.isfinite(value):
            return False
        return self.minimum is None or self.maximum is None or self.minimum <= value <= self.maximum


def setting(
    default: Value,
    description: str,
    *,
    between: tuple[float, float] | None = None,
    choices: tuple[Value, ...] = (),
    dynamic: bool = False,
) -> Any:
    """A dataclass field that is a `Setting`."""
    minimum, maximum = between if between else (None, None)
    details = {
        "description": description,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "dynamic": dynamic,
    }
    return field(default=default, metadata={"setting": details})


@dataclass(frozen=True)
class NodeConfig:
    """What every node can be told."""

    autostart: bool = setting(True, "Configure and activate at start; false leaves that to a lifecycle manager.")
    diagnostics_period_s: float = setting(
        1.0, "Seconds between two messages on /diagnostics.", between=(0.1, 60.0), dynamic=True
    )
    stall_after_s: float = setting(
        2.0,
        "Seconds without input after which diagnostics warn, and say why.",
        between=(0.1, 3600.0),
        dynamic=True,
    )


@dataclass(frozen=True)
class CameraConfig(NodeConfig):
    """A source of frames as a ROS camera."""

    name: ClassVar[str] = "camera_node"

    source: str = setting(
        "portrait",
        "'portrait' (built-in animated face), a V4L2 device, a video file, an image folder, or a rosbag2.",
    )
    image_topic: str = setting("", "Image topic to read when the source is a bag; empty: the only one there is.")
    width: int = setting(640, "Pixels; of the portrait, and asked of a camera.", between=(64, 7680))
    height: int = setting(480, "Pixels; of the portrait, and asked of a camera.", between=(64, 4320))
    rate_hz: float = setting(
        30.0,
        "Frames a second; of the portrait and image folders, and asked of a camera.",
        between=(0.1, 240.0),
    )
    loop: bool = setting(False, "Start a file again when it ends.")
    end_with_source: bool = setting(
        False, "Play a file once: begin when somebody listens, within 10 s; end the process when the source ends."
    )
    frame_id: str = setting(
        "camera_optical_frame", "Frame of the images' headers (REP-103 optical frame) where a bag brings none."
    )
    calibration: str = setting(
        "", "Camera calibration as camera_calibration writes it (YAML); empty: what a bag brings."
    )


@dataclass(frozen=True)
class LandmarksConfig(NodeConfig):
    """The face detector and tracker."""

    name: ClassVar[str] = "landmarks_node"

    transport: str = setting("raw", "Image transport to subscribe to.", choices=("raw", "compressed"))
    on_demand: bool = setting(False, "Subscribe to images only while somebody listens to the landmarks.")
    max_faces: int = setting(4, "Faces at most.", between=(1, 8))
    topology: int = setting(478, "Points of a face: 478 with irises, 468 without.", choices=(478, 468))
    detection_range: str = setting(
        "short",
        "Where faces are found at first: 'short' up to 2 m, 'full' up to 5 m.",
        choices=("short", "full"),
    )
    min_detection_confidence: float = setting(0.5, "Confidence a new face needs.", between=(0.0, 1.0))
    min_tracking_confidence: float = setting(
        0.5, "Confidence below which a face is searched again.", between=(0.0, 1.0)
    )
    min_face_px: float = setting(32.0, "Smaller faces are ignored (larger side of the box).", between=(0.0, 4320.0))
    lost_after_s: float = setting(
        1.0, "Seconds a track survives unseen before its id ends.", between=(0.0, 60.0), dynamic=True
    )
    model_file: str = setting(
        "", "A face_landmarker.task file to use in place of the bundled models; gives blendshapes too."
    )


@dataclass(frozen=True)
class SmoothingConfig(NodeConfig):
    """What steadies the landmarks over time."""

    name: ClassVar[str] = "smoothing_node"

    model: str = setting(
        "auto",
        "'auto' (the shipped model for the landmarks' topology), the name or folder of a model bundle, a filter "
        "(exponential, one_euro, kalman, savitzky_golay, mediapipe), or 'none' (landmarks stay as measured).",
        dynamic=True,
    )
    strength: float = setting(
        1.0,
        "How far landmarks are moved: 0 stays as measured, 1 is the model's answer.",
        between=(0.0, 1.0),
        dynamic=True,
    )
    bridge_s: float = setting(
        0.4,
        "Seconds at most for which a face that is not seen is predicted, while its track has not ended.",
        between=(0.0, LONGEST_BRIDGE_S),
        dynamic=True,
    )
    engine: str = setting("auto", "What runs a model bundle.", choices=("auto", "onnxruntime", "tensorrt"))


@dataclass(frozen=True)
class MeshConfig(NodeConfig):
    """What tells 3D coefficients, head pose and asymmetry from landmarks."""

    name: ClassVar[str] = "mesh_node"

    model: str = setting(
        "auto",
        "'auto' (the shipped model), the name or folder of a mesh bundle, or 'none' (pose and asymmetry alone, in "
        "closed form).",
    )
    field_of_view_deg: float = setting(
        60.0,
        "Horizontal field of view that is assumed while no camera_info of the images' size comes.",
        between=(10.0, 150.0),
        dynamic=True,
    )
    engine: str = setting("auto", "What runs a model bundle.", choices=("auto", "onnxruntime", "tensorrt"))


@dataclass(frozen=True)
class ExpressionConfig(NodeConfig):
    """What tells expressions, their phases and facial actions."""

    name: ClassVar[str] = "expression_node"

    input: str = setting(
        "both",
        "What it reads: 'landmarks' (distances and angles of the landmarks on face1d/landmarks), 'mesh' (coefficients "
        "on face1d/mesh), or 'both' together.",
        choices=("both", "landmarks", "mesh"),
    )
    model: str = setting(
        "auto", "'auto' (the shipped model for that input), or the name or folder of an expression bundle."
    )
    labels: str = setting(
        "all",
        "'all' of the model's labels, some of them with commas between (the others count as none of these), or 'off': "
        "no labels of emotion, the intensity of facial actions alone.",
    )
    enter: float = setting(0.7, "Probability from which a label is taken.", between=(0.05, 1.0), dynamic=True)
    leave: float = setting(
        0.3, "Probability below which a label is given up; at most `enter`.", between=(0.0, 0.95), dynamic=True
    )
    hold_s: float = setting(
        0.15, "Seconds for which another label must be likely before it is taken.", between=(0.0, 2.0), dynamic=True
    )
    neutral_s: float = setting(8.0, "Seconds in which a face's own neutral adapts.", between=(0.5, 600.0), dynamic=True)
    engine: str = setting("auto", "What runs a model bundle.", choices=("auto", "onnxruntime", "tensorrt"))

    def __post_init__(self) -> None:
        if self.leave > self.enter:
            key = f"{self.name}.leave"
            raise InvalidValueError(key, self.leave, f"at most {self.name}.enter, which is {self.enter:g}")


@dataclass(frozen=True)
class IdentityConfig(NodeConfig):
    """What enrols people by a motion of their face, and recognises them by it."""

    name: ClassVar[str] = "identity_node"

    gallery: str = setting("", "Folder of the enrolled; empty: face1d/gallery in the user's data folder.")
    key: str = setting(
        "auto",
        "Where the gallery's key is: 'environment' (FACE1D_GALLERY_KEY), 'keyring', the path of a key file, or 'auto': "
        "the environment if it is set there, else face1d/gallery.key in the user's folder of settings.",
    )
    model: str = setting("auto", "'auto' (the shipped model), or the name or folder of a bundle that encodes motions.")
    false_match_rate: float = setting(
        0.01,
        "How often the motion of somebody else may be taken for a subject's; the threshold follows from what was "
        "measured for the model.",
        between=(1e-6, 0.5),
        dynamic=True,
    )
    appearance_model: str = setting(
        "",
        "Folder of a bundle that makes a vector of a face's crop: the face itself is looked at beside its motion while "
        "somebody is enrolled or judged. Empty: motion only.",
    )
    appearance_aggregator: str = setting(
        "mean", "What makes one vector of all views of a face: 'mean', or the folder of a bundle that learned to."
    )
    appearance_false_match_rate: float = setting(
        0.001,
        "How often the face of somebody else may be taken for a subject's; the threshold follows from what was "
        "measured for the appearance model.",
        between=(1e-9, 0.5),
        dynamic=True,
    )
    features_model: str = setting(
        "", "Folder of a bundle that makes features of a face's crop, for a motion encoder that reads those."
    )
    transport: str = setting(
        "raw", "Image transport to subscribe to, where a model looks at images.", choices=("raw", "compressed")
    )
    repetitions: int = setting(
        3, "How often a motion is made to enrol it, unless the goal says otherwise.", between=(2, 20), dynamic=True
    )
    enrol_timeout_s: float = setting(
        90.0, "Seconds for an enrolment, unless the goal says otherwise.", between=(5.0, 3600.0), dynamic=True
    )
    judge_timeout_s: float = setting(
        10.0,
        "Seconds in which a motion that is to be judged must begin, unless the request says otherwise.",
        between=(1.0, 600.0),
        dynamic=True,
    )
    hold_s: float = setting(
        10.0,
        "Seconds for which a decision stays on the topic, unless the face is judged anew or its track ends.",
        between=(1.0, 3600.0),
        dynamic=True,
    )
    max_failures: int = setting(5, "Failures within 300 s that lock a subject.", between=(1, 100))
    lockout_s: float = setting(
        30.0, "Seconds of the first lock; each further one takes twice as long.", between=(1.0, 3600.0)
    )
    engine: str = setting("auto", "What runs a model bundle.", choices=("auto", "onnxruntime", "tensorrt"))


@dataclass(frozen=True)
class PipelineConfig(NodeConfig):
    """All stages in one process. Each stage's own settings follow with its name before them: `landmarks.max_faces`."""

    name: ClassVar[str] = "pipeline_node"

    stages: str = setting("", "Names of the stages to run, with commas between; empty: all.")


@dataclass(frozen=True)
class RecorderConfig(NodeConfig):
    """Records topics to an MCAP bag and measures them."""

    name: ClassVar[str] = "recorder_node"

    path: str = setting("", "Folder of the rosbag2 to write; must not exist yet. Empty: measure only.")
    topics: str = setting("", "Topics to record, with commas between; empty: all results of the graph.")
    images: bool = setting(False, "Record the camera's images too.")


@dataclass(frozen=True)
class BenchConfig(NodeConfig):
    """One end of the measurement of the graph."""

    name: ClassVar[str] = "bench_node"

    role: str = setting(
        "camera", "Which end, of which measurement.", choices=("camera", "listener", "chain_camera", "chain_listener")
    )
    width: int = setting(640, "Pixels.", between=(64, 7680))
    height: int = setting(480, "Pixels.", between=(64, 4320))
    rate_hz: float = setting(30.0, "Images a second.", between=(0.1, 240.0))
    frames: int = setting(1000, "Images that are measured.", between=(1, 1_000_000))
    stages: str = setting("", "Of the chain: names of the stages, with commas between; empty: all.")
    rates: str = setting("10,30,60", "Of the chain: images a second, with commas between.")
    seconds: float = setting(10.0, "Of the chain: how long each rate lasts.", between=(0.5, 60.0))
    rounds: int = setting(3, "Of the chain: how often all is done.", between=(1, 1000))
    highest: bool = setting(True, "Of the chain: also search the highest rate.")


Config = TypeVar("Config")


def settings(config: type) -> tuple[Setting, ...]:
    """All settings of a configuration class, inherited ones first."""
    types = get_type_hints(config)
    return tuple(
        Setting(name=f.name, type=types[f.name], default=f.default, **f.metadata["setting"])  # type: ignore[arg-type]
        for f in dataclasses.fields(config)
    )


def build(config: type[Config], values: Mapping[str, object], where: str = "") -> Config:
    """A configuration with these values and defaults for the rest; unknown keys and bad values are refused."""
    return config(**checked(config, values, where))


def checked(config: type, values: Mapping[str, object], where: str = "") -> dict[str, Value]:
    """Each value by itself, in its setting's own type; unknown keys and bad values are refused."""
    known = {s.name: s for s in settings(config)}
    for key in values:
        if key not in known:
            raise UnknownKeyError(key, known, where or config.__name__)
    prefix = f"{where}." if where else ""
    return {key: known[key].check(value, prefix) for key, value in values.items()}
