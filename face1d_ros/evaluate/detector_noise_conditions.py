"""The designed set of conditions under which the detector's errors are measured."""

from __future__ import annotations

from dataclasses import replace

from face1d_ros.evaluate.detector_noise import FACE_PX, POINTS, Condition
from face1d_ros.sources.portrait_imaging import PortraitImaging
from face1d_ros.sources.portrait_motion import Constant, PortraitMotion, Wave
from face1d_ros.synth.noise.hidden import occluded_points
from face1d_ros.synth.noise.plan import OCCLUSION_REGIONS

SIZES_PX = (40.0, 56.0, 80.0, 112.0, 160.0, 224.0, 320.0, 500.0)
GRAINS = (0.0, 4.0, 8.0, 16.0, 32.0)
USUAL_GRAIN = 4.0
"""At which all but size and grain are varied."""
PACES = (0.0, 0.3, 1.0, 3.0, 8.0, 16.0)
EXPOSURES_S = (1.0 / 120.0, 1.0 / 60.0, 1.0 / 30.0)
BLURRED_PACES = (3.0, 8.0, 16.0)
DEFOCUS_SHARES = (0.005, 0.01, 0.02, 0.03, 0.045)
LIGHTS = (0.06, 0.1, 0.2, 0.4, 0.7)
ROLLS_RAD = (-1.0, -0.5, 0.5, 1.0)
RATES_HZ = (15.0, 60.0)
TURNS_RAD = (0.0, 0.2, 0.4, 0.6, 0.8)
FAR_TURNS_RAD = (1.0, 1.2)
"""Only for how often the face is lost: the photo no longer looks like a turned face."""
SMALL_PX = (20.0, 24.0, 28.0, 32.0, 36.0)
COVER_GREYS = (40, 128, 200)
FRAMES, LONG_FRAMES, COVER_FRAMES = 300, 900, 120


def head_motion(pace: float = 1.0, roll_rad: float = 0.0) -> PortraitMotion:
    """A head that sways as in the demo, with a slight tremor and no expression, so many times as fast."""
    if pace == 0.0:
        return PortraitMotion(roll_rad=(Constant(roll_rad),))
    return PortraitMotion(
        shift_x=(Wave(0.09, 10.0 / pace), Wave(0.03, 4.0 / pace, 0.7), Wave(0.004, 1.37 / pace, 0.2)),
        shift_y=(Wave(0.04, 5.0 / pace, 2.0), Wave(0.004, 0.91 / pace, 1.1)),
        roll_rad=(Constant(roll_rad), Wave(0.07, 20.0 / 3.0 / pace, 1.0), Wave(0.004, 1.13 / pace)),
        zoom=(Wave(0.05, 8.0 / pace, 0.5),),
    )


def expression_motion() -> PortraitMotion:
    """Every part of the face goes through its range in a time of its own, while the head sways."""
    head = head_motion(0.5)
    half = Constant(0.5)
    return PortraitMotion(
        shift_x=head.shift_x,
        shift_y=head.shift_y,
        roll_rad=head.roll_rad,
        zoom=head.zoom,
        jaw=(Constant(0.3), Wave(0.45, 1.9)),
        lips_closed=(half, Wave(0.6, 3.1, 2.0)),
        smile_left=(Wave(0.6, 4.3), Wave(0.4, 2.3, 1.0)),
        smile_right=(Wave(0.6, 4.3, 0.4), Wave(0.4, 2.9, 2.0)),
        brow_left=(Wave(0.8, 3.7, 0.5), Wave(0.3, 1.7)),
        brow_right=(Wave(0.8, 3.7), Wave(0.3, 2.1, 2.0)),
        eye_closed_left=(Constant(0.3), Wave(0.75, 1.43)),
        eye_closed_right=(Constant(0.3), Wave(0.75, 1.43, 0.2)),
    )


def grid() -> list[Condition]:
    """Size of the face by sensor grain."""
    return [
        Condition(
            f"{size:.0f} px, grain {grain:.0f}",
            size,
            PortraitImaging(noise=grain, seed=1),
            head_motion(),
            frames=FRAMES,
            values={"size": size, "grain": grain},
        )
        for size in SIZES_PX
        for grain in GRAINS
    ]


def factors() -> dict[str, list[Condition]]:
    """One thing varied at a time, around a face of usual size and grain that moves at a usual pace."""
    usual = PortraitImaging(noise=USUAL_GRAIN, seed=2)
    kinds: dict[str, list[Condition]] = {"usual": [_moving("usual", usual, 1.0)]}
    kinds["speed"] = [_moving(f"pace {pace:g}", usual, pace) for pace in PACES]
    kinds["blur"] = [
        _moving(f"pace {pace:g}, 1/{1 / exposure:.0f} s", _blurred(exposure), pace, exposure_s=exposure)
        for pace in BLURRED_PACES
        for exposure in EXPOSURES_S
    ]
    kinds["defocus"] = [
        _moving(f"defocus {share:g}", replace(usual, defocus_px=share * FACE_PX), defocus=share)
        for share in DEFOCUS_SHARES
    ]
    kinds["light"] = [
        _moving(f"light {light:g}", replace(usual, light=(Constant(light - 1.0),)), light=light) for light in LIGHTS
    ]
    kinds["roll"] = [
        Condition(f"roll {roll:g} rad", FACE_PX, usual, head_motion(1.0, roll), values={"roll": roll})
        for roll in ROLLS_RAD
    ]
    kinds["rate"] = [
        Condition(f"{rate:g} Hz", FACE_PX, usual, head_motion(), int(10 * rate), rate, values={"rate": rate})
        for rate in RATES_HZ
    ]
    kinds["turn"] = [
        Condition(f"{axis} to {turn:g} rad", FACE_PX, usual, turn=axis, turn_rad=turn, values={axis: turn})
        for axis in ("yaw", "pitch")
        for turn in TURNS_RAD
    ]
    kinds["far turn"] = [
        Condition(f"{axis} to {turn:g} rad", FACE_PX, usual, turn=axis, turn_rad=turn, values={axis: turn})
        for axis in ("yaw", "pitch")
        for turn in FAR_TURNS_RAD
    ]
    kinds["small"] = [
        Condition(f"{size:.0f} px", size, usual, head_motion(), frames=FRAMES // 2, values={"size": size})
        for size in SMALL_PX
    ]
    return kinds


def expressions() -> list[Condition]:
    """To learn how the detector follows expressions, and, with other motion, to check what was learnt."""
    clean, usual = PortraitImaging(), PortraitImaging(noise=USUAL_GRAIN, seed=3)
    return [
        Condition("all expressions", FACE_PX, clean, expression_motion(), frames=LONG_FRAMES),
        Condition("demo", FACE_PX, usual, None, frames=2 * FRAMES),
    ]


def covers() -> dict[str, list[Condition]]:
    """Each region hidden by things of several brightness, and not hidden (first), with expressions."""
    usual = PortraitImaging(noise=USUAL_GRAIN, seed=4)
    clear = Condition("not hidden", FACE_PX, usual, expression_motion(), frames=COVER_FRAMES)
    kinds = {"": [clear]}
    for name in OCCLUSION_REGIONS:
        points = tuple(int(i) for i in occluded_points(name, POINTS))
        kinds[name] = [
            Condition(
                f"{name} hidden, grey {grey}",
                FACE_PX,
                usual,
                expression_motion(),
                frames=COVER_FRAMES,
                cover=points,
                cover_grey=grey,
            )
            for grey in COVER_GREYS
        ]
    return kinds


def _moving(name: str, imaging: PortraitImaging, pace: float = 1.0, **values: float) -> Condition:
    return Condition(name, FACE_PX, imaging, head_motion(pace), values={"pace": pace, **values})


def _blurred(exposure_s: float) -> PortraitImaging:
    return PortraitImaging(exposure_s=exposure_s, exposure_samples=5, noise=USUAL_GRAIN, seed=2)
