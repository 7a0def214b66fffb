"""Synthetic faces that are symmetric, and sequences seen in a mirror."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from face1d_ros.geometry.asymmetry_signals import MIRROR
from face1d_ros.geometry.topology import partner
from face1d_ros.synth.motion.types import SIDES
from face1d_ros.synth.noise.observe import NoiseModel
from face1d_ros.synth.sequence import Sequence, before_the_camera, rotations

YAW_RAD = np.radians(30.0)
FLIP = MIRROR.astype(np.float32)


def symmetric(sequence: Sequence, noise: NoiseModel) -> Sequence:
    """The same face and motion with both halves made equal, the head turned by `YAW_RAD` at most, observed again."""
    turn = sequence.yaw_pitch_roll_rad.copy()
    upright = np.matmul(sequence.points_mm - sequence.translation_mm[:, None], rotations(turn))
    equal = 0.5 * (upright + upright[:, partner(sequence.topology)] * FLIP)
    turn[:, 0] *= min(1.0, YAW_RAD / max(float(np.abs(turn[:, 0]).max()), 1e-6))
    seen = before_the_camera(
        sequence.plan, equal, turn, sequence.translation_mm, sequence.stamps_s, sequence.present, noise
    )
    return replace(sequence, yaw_pitch_roll_rad=turn, **seen)


def mirrored(sequence: Sequence) -> Sequence:
    """The detector's landmarks as of a mirrored image: what was left is right. The truth is not mirrored."""
    camera = sequence.plan.camera
    other = partner(sequence.topology)
    observed = sequence.observed[:, other] * FLIP
    observed[..., 0] += camera.width - 1
    subject = sequence.plan.subject
    if subject.style.palsy is not None:
        side = SIDES[1 - SIDES.index(subject.style.palsy.side)]
        subject = replace(subject, style=replace(subject.style, palsy=replace(subject.style.palsy, side=side)))
    plan = replace(
        sequence.plan, subject=subject, camera=replace(camera, centre_x_px=camera.width - 1 - camera.centre_x_px)
    )
    return replace(sequence, plan=plan, observed=observed, point_confidence=sequence.point_confidence[:, other])
