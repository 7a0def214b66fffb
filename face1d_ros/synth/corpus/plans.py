"""The plans of a corpus: the one with number n is a pure function of the parameters and n."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion.types import SCENARIOS
from face1d_ros.synth.sequence import SequencePlan
from face1d_ros.synth.sequence_draw import Cast, Wish, draw_lip_repetition, draw_repetition, draw_sequence, draw_subject
from face1d_ros.synth.splits import IDS_A_SPLIT, Split

ALL = "all"
IDENTITY = "identity"
LIPS = "lips"
CORPUS_SCENARIOS = (ALL, *SCENARIOS, IDENTITY, LIPS)
ROUND = ("expressions", "mixed", "speech", "expressions", "free", "mixed", "expressions", "speech", "free", "idle")
"""The scenarios of `all`, again and again."""
PALSY_EVERY = 6
"""Every so manieth subject has a facial palsy."""
MOTIONS_A_SUBJECT, REPETITIONS = 5, 10
"""Of the scenarios `identity` and `lips`."""
VARIED = ("natural",) * 7 + ("slower", "faster", "weaker")
IN_FRONT = Wish(amplitude=0.6, farthest_m=1.2, leaves=False)
"""Who is verified stands before the camera."""
LONGEST_S = 3600.0


class PlanList(Protocol):
    """Plans by number."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def plan(self, index: int) -> SequencePlan:
        """One of them."""
        ...

    def as_dict(self) -> Mapping[str, Any]:
        """What names them fully."""
        ...


def check_drawn(split: str, seed: int, sequences: int) -> None:
    """Refuse what no plans can be drawn from."""
    if split.upper() not in Split.__members__:
        raise InvalidValueError("split", split, "train, validation or test")
    if not 0 <= seed < 2**63:
        raise InvalidValueError("seed", seed, f"0 to {2**63 - 1}")
    if not 1 <= sequences <= IDS_A_SPLIT:
        raise InvalidValueError("sequences", sequences, f"1 to {IDS_A_SPLIT}")


def cast_for(split: str, seed: int, sequences: int, index: int) -> Cast:
    """Who and what the plan with this number is drawn from."""
    if not 0 <= index < sequences:
        raise InvalidValueError("sequence", index, f"0 to {sequences - 1}")
    return Cast(Split[split.upper()], seed)


@dataclass(frozen=True)
class CorpusPlan:
    """Sequences of one split, drawn from one seed. More of them begin with the same ones."""

    split: str = "train"
    seed: int = 1
    sequences: int = 1000
    seconds: float = 8.0
    """Of each sequence; of `identity` and `lips` each lasts as long as its motion."""
    scenario: str = ALL
    per_subject: int = 4
    """Sequences of one subject; `identity` and `lips` have their own number."""

    def __post_init__(self) -> None:
        check_drawn(self.split, self.seed, self.sequences)
        if self.scenario not in CORPUS_SCENARIOS:
            raise InvalidValueError("scenario", self.scenario, f"one of {', '.join(CORPUS_SCENARIOS)}")
        if not 0.5 <= self.seconds <= LONGEST_S:
            raise InvalidValueError("seconds", self.seconds, f"0.5 to {LONGEST_S:g}")
        if self.per_subject < 1:
            raise InvalidValueError("per_subject", self.per_subject, "1 or more")

    @property
    def count(self) -> int:
        """How many there are."""
        return self.sequences

    def plan(self, index: int) -> SequencePlan:
        """One of them."""
        cast = cast_for(self.split, self.seed, self.sequences, index)
        if self.scenario in (IDENTITY, LIPS):
            return self._repeated(cast, index)
        scenario = ROUND[index % len(ROUND)] if self.scenario == ALL else self.scenario
        number = index // self.per_subject
        subject = draw_subject(cast, number, with_palsy=number % PALSY_EVERY == PALSY_EVERY - 1)
        return draw_sequence(cast, index, f"{self.split}/{scenario}/{index:06d}", subject, scenario, self.seconds)

    def _repeated(self, cast: Cast, index: int) -> SequencePlan:
        """Each subject's motions, or words, one after another, each repeated."""
        motion, repetition = divmod(index, REPETITIONS)
        subject, slot = divmod(motion, MOTIONS_A_SUBJECT)
        name = f"{self.split}/{self.scenario}/{subject:05d}/{slot}/{repetition:02d}"
        variation = VARIED[index % len(VARIED)]
        if self.scenario == LIPS:
            return draw_lip_repetition(cast, index, name, subject, slot, variation, IN_FRONT)
        return draw_repetition(cast, index, name, draw_subject(cast, subject), motion, variation, IN_FRONT)

    def as_dict(self) -> Mapping[str, Any]:
        """What names them fully."""
        return asdict(self)
