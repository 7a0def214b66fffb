"""What `synthetic-test-v1` consists of: blocks of sequences for the tasks that are judged on it.

Nothing here may change: the hash of all plans is fixed (`test_sets`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from face1d_ros.synth.corpus.plans import IN_FRONT
from face1d_ros.synth.motion.free import VARIATIONS
from face1d_ros.synth.motion.types import SIDES, Palsy
from face1d_ros.synth.noise.plan import OCCLUSION_REGIONS, Gap, NoisePlan, Occlusion
from face1d_ros.synth.sequence import SequencePlan, SubjectPlan
from face1d_ros.synth.sequence_draw import Cast, Wish, draw_repetition, draw_sequence, draw_subject
from face1d_ros.synth.splits import Purpose, Split

SEED = 20_260_001
CAST = Cast(Split.TEST, SEED)
GENERAL, IDENTITY = "general", "identity"
BLOCK_NUMBERS = 10_000
"""Subjects and sequences of a block are numbered from its place times this."""
GRADES = 12
DROOPS_FROM, DROOP = 0.6, 0.75
SUBJECTS, MOTIONS, REPETITIONS, IMITATIONS = 59, 5, 10, 2
REPETITION_RATES_HZ = (30.0, 30.0, 25.0, 30.0, 60.0, 30.0, 30.0, 20.0, 30.0, 30.0)


@dataclass(frozen=True)
class Block:
    """Sequences of one kind."""

    name: str
    sequences: int
    seconds: float = 8.0
    """Each; those of `IDENTITY` last as long as their motion."""
    scenarios: tuple[str, ...] = ("mixed",)
    """In turn."""
    rates_hz: tuple[float, ...] = (30.0,)
    """In turn, each for all scenarios."""
    per_subject: int = 2
    occlusions: bool = False
    """A region is hidden, all regions in turn."""
    dropout_frames: int = 0
    """Twice so many frames are lost."""
    yaw_rad: float | None = None
    """The head turns so far to either side."""
    leaves: bool | None = False
    """Whether the person leaves the picture; None: now and then."""
    palsy: str = ""
    """`graded`: all of one side by so much, from none to total; `drawn`: as it comes."""


GENERAL_BLOCKS = (
    Block(
        "smoothing",
        40,
        8.0,
        ("mixed", "expressions", "speech", "free"),
        (10, 15, 24, 25, 30, 48, 50, 60, 90, 120),
        leaves=None,
    ),
    Block("occlusion", 24, 8.0, ("mixed", "speech"), (30, 60, 15), occlusions=True),
    Block("dropout", 16, 8.0, ("mixed", "expressions"), (30, 60), dropout_frames=10),
    Block("mesh", 40, 6.0, ("mixed", "free", "expressions", "speech"), (30, 60), yaw_rad=0.698132),
    Block("expressions", 72, 10.0, ("expressions",), (15, 30, 60, 120), 4),
    Block("speech", 16, 10.0, ("speech",), (30, 60)),
    Block("free", 16, 10.0, ("free",), (30, 60)),
    Block("idle", 8, 10.0, ("idle",), (30, 60)),
    Block("palsy-graded", 2 * GRADES, 8.0, ("expressions", "free"), (30,), 1, palsy="graded"),
    Block("palsy-drawn", 12, 8.0, ("mixed",), (30,), 1, palsy="drawn"),
)
IDENTITY_BLOCKS = (
    Block("repeated", SUBJECTS * MOTIONS * REPETITIONS),
    Block("varied", SUBJECTS * (len(VARIATIONS) - 1)),
    Block("imitated", SUBJECTS * IMITATIONS),
)
PARTS = {GENERAL: GENERAL_BLOCKS, IDENTITY: IDENTITY_BLOCKS}
"""By name. `identity`: 59 subjects repeat five motions ten times each (`repeated`), their first motion in every other
variation (`varied`), and try the first motion of the next subject (`imitated`)."""
SMALL_GENERAL = (
    ("smoothing", 6.0, (0, 5, 10, 15, 18, 23, 25, 28, 33, 38)),
    ("occlusion", 6.0, (0, 5, 9, 16)),
    ("dropout", 6.0, (0, 3, 5, 6)),
    ("mesh", 5.0, (0, 1, 2, 3, 4, 5)),
    ("expressions", 8.0, (0, 1, 2, 3, 4, 5, 6, 8, 9, 13, 17, 21)),
    ("speech", 6.0, (0, 1)),
    ("free", 6.0, (0, 1)),
    ("idle", 4.0, (0, 1)),
    ("palsy-graded", 4.0, (0, 3, 6, 9, 14, 17, 20, 23)),
)
"""Block, seconds and numbers of what is in the small set: as in `general`, but shorter."""
SMALL_IDENTITY = tuple(
    (subject * MOTIONS + slot) * REPETITIONS + count for subject in range(5) for slot in range(2) for count in range(4)
)
"""Numbers in `identity`."""


def small_plans() -> tuple[SequencePlan, ...]:
    """Of the small set."""
    places = {block.name: place for place, block in enumerate(GENERAL_BLOCKS)}
    general = [
        _general(places[name], GENERAL_BLOCKS[places[name]], index, seconds)
        for name, seconds, indices in SMALL_GENERAL
        for index in indices
    ]
    return (*general, *(block_plan(IDENTITY, index) for index in SMALL_IDENTITY))


def block_plan(part: str, index: int) -> SequencePlan:
    """The plan with this number in a part."""
    for place, block in enumerate(PARTS[part]):
        if index < block.sequences:
            make = _general if part == GENERAL else _IDENTITY[block.name]
            return make(place, block, index)
        index -= block.sequences
    raise IndexError(f"{part}: sequence {index} beyond its end")


def _general(place: int, block: Block, index: int, seconds: float | None = None) -> SequencePlan:
    number = place * BLOCK_NUMBERS + index
    subject = _subject(place, block, index)
    scenario = block.scenarios[index % len(block.scenarios)]
    rate_hz = float(block.rates_hz[index // len(block.scenarios) % len(block.rates_hz)])
    wish = Wish(rate_hz=rate_hz, yaw_rad=block.yaw_rad, leaves=block.leaves)
    name = f"{block.name}/{index:03d}"
    plan = draw_sequence(CAST, number, name, subject, scenario, seconds or block.seconds, wish)
    return replace(plan, noise=_events(block, number, index, plan))


def _subject(place: int, block: Block, index: int) -> SubjectPlan:
    number = place * BLOCK_NUMBERS + index // block.per_subject
    subject = draw_subject(CAST, number, with_palsy=block.palsy == "drawn")
    if block.palsy != "graded":
        return subject
    grade = round((index % GRADES + 0.5) / GRADES, 6)
    return replace(subject, style=replace(subject.style, palsy=even_palsy(SIDES[index // GRADES], grade)))


def even_palsy(side: str, weakness: float) -> Palsy:
    """All of one side alike; it hangs where it is very weak."""
    droop = round(DROOP * max(0.0, (weakness - DROOPS_FROM) / (1.0 - DROOPS_FROM)), 6)
    return Palsy(side, weakness, weakness, weakness, droop, 0.0)


def _events(block: Block, number: int, index: int, plan: SequencePlan) -> NoisePlan:
    """The noise, with the events that the block is about in place of its own."""
    rng = CAST.rng(Purpose.EVENTS, number)
    first, second, length = rng.random(3).tolist()
    starts_s = [round(plan.duration_s * share, 6) for share in (0.1 + 0.25 * first, 0.55 + 0.25 * second)]
    if block.occlusions:
        region = OCCLUSION_REGIONS[index % len(OCCLUSION_REGIONS)]
        hidden = tuple(Occlusion(region, start_s, round(0.5 + 1.0 * length, 6)) for start_s in starts_s)
        return replace(plan.noise, occlusions=hidden, dropouts=())
    if block.dropout_frames:
        gap_s = round(block.dropout_frames / plan.camera.rate_hz, 6)
        return replace(plan.noise, occlusions=(), dropouts=tuple(Gap(start_s, gap_s) for start_s in starts_s))
    return plan.noise


def _repeated(place: int, block: Block, index: int) -> SequencePlan:
    motion, count = divmod(index, REPETITIONS)
    subject, slot = divmod(motion, MOTIONS)
    name = f"{block.name}/{subject:02d}/{slot}/{count:02d}"
    return _repetition(place, index, name, subject, motion, REPETITION_RATES_HZ[count])


def _varied(place: int, block: Block, index: int) -> SequencePlan:
    others = [name for name in VARIATIONS if name != "natural"]
    subject, way = divmod(index, len(others))
    name = f"{block.name}/{subject:02d}/0/{others[way].replace(' ', '-')}"
    return _repetition(place, index, name, subject, subject * MOTIONS, 30.0, others[way])


def _imitated(place: int, block: Block, index: int) -> SequencePlan:
    subject, count = divmod(index, IMITATIONS)
    motion = (subject + 1) % SUBJECTS * MOTIONS
    return _repetition(place, index, f"{block.name}/{subject:02d}/{count}", subject, motion, 30.0)


_IDENTITY = {"repeated": _repeated, "varied": _varied, "imitated": _imitated}
IDENTITY_NUMBERS = len(GENERAL_BLOCKS) * BLOCK_NUMBERS


def _repetition(
    place: int, index: int, name: str, subject: int, motion: int, rate_hz: float, variation: str = "natural"
) -> SequencePlan:
    person = draw_subject(CAST, IDENTITY_NUMBERS + subject)
    number = IDENTITY_NUMBERS + place * BLOCK_NUMBERS + index
    return draw_repetition(CAST, number, name, person, motion, variation, replace(IN_FRONT, rate_hz=rate_hz))
