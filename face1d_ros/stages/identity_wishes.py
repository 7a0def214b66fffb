"""What the identity stage may be asked for: what is left open comes from the configuration, the rest is checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from face1d_ros.config import IdentityConfig
from face1d_ros.errors import RequestRefusedError

LONGEST_S = 3600.0
REPETITIONS = (2, 20)


@dataclass(frozen=True)
class Wish:
    """Who is to be enrolled, and how."""

    consent: bool
    consent_text: str = field(repr=False)
    subject: str = ""
    """A handle to add templates to; empty: a new subject."""
    track_id: int = 0
    """0: the largest face."""
    repetitions: int = 0
    """0: as configured."""
    timeout_s: float = 0.0
    """0: as configured."""
    expires_after_ns: int = 0
    """0: never."""


def checked_wish(wish: Wish, config: IdentityConfig) -> Wish:
    """The wish with nothing left open. Raises RequestRefusedError."""
    if not wish.consent or not wish.consent_text.strip():
        missing = "the person's consent" if not wish.consent else "the text that the person agreed to"
        raise RequestRefusedError(f"{missing} is missing", "ask the person, and give both")
    least, most = REPETITIONS
    repetitions = wish.repetitions or config.repetitions
    if not least <= repetitions <= most:
        raise RequestRefusedError(f"{repetitions} repetitions", f"ask for {least} to {most}, or 0 for the default")
    if wish.expires_after_ns < 0:
        raise RequestRefusedError("an expiry in the past", "give a time from now, or 0 for never")
    return replace(wish, repetitions=repetitions, timeout_s=_seconds(wish.timeout_s, config.enrol_timeout_s))


def checked_timeout_s(timeout_s: float, config: IdentityConfig) -> float:
    """For how long a face is waited for that is to be judged. Raises RequestRefusedError."""
    return _seconds(timeout_s, config.judge_timeout_s)


def _seconds(given_s: float, default_s: float) -> float:
    if not 0.0 <= given_s <= LONGEST_S:
        raise RequestRefusedError(f"a timeout of {given_s:g} s", f"give up to {LONGEST_S:g} s, or 0 for the default")
    return given_s or default_s
