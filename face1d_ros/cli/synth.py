"""`face1d synth`: faces in motion with exact truth."""

from face1d_ros.cli.lazy import LazyGroup

command = LazyGroup(
    "synth",
    help="Make and look at synthetic face motion with exact truth (docs/synthetic_data.md).",
    lazy={
        "make": ("face1d_ros.cli.synth_make", "Make a corpus or the fixed test set."),
        "show": ("face1d_ros.cli.synth_show", "Draw a sequence as animation or contact sheet."),
        "baselines": ("face1d_ros.cli.synth_baselines", "What averaging alone makes of the landmarks."),
        "fit-noise": ("face1d_ros.cli.synth_fit_noise", "Measure the detector's noise and fit its model."),
        "face": ("face1d_ros.cli.synth_face", "Draw a 3D face model with its landmarks."),
        "register": ("face1d_ros.cli.synth_register", "Lay MediaPipe's 478 points on a 3D face model."),
        "convert-model": ("face1d_ros.cli.synth_convert_model", "Turn a Basel Face Model into an .npz."),
    },
)
