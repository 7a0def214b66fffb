"""What may become a subject, and how more is added to one."""

from __future__ import annotations

import dataclasses
import secrets

from face1d_ros.errors import ConsentMissingError, GalleryError, GalleryValueError
from face1d_ros.gallery.crypto import SecretKey
from face1d_ros.gallery.records import (
    LATEST_NS,
    LONGEST_CONSENT,
    MOST_CONSENTS,
    MOST_TEMPLATES,
    Consent,
    Entry,
    Header,
    Record,
)

MOTION, APPEARANCE = "motion", "appearance"


def checked_consent(consent: Consent | None, now_ns: int) -> Consent:
    """The consent, if that is one. Raises ConsentMissingError."""
    if not 0 < now_ns <= LATEST_NS:
        raise GalleryValueError("now_ns", now_ns, "nanoseconds after zero")
    if consent is None:
        raise ConsentMissingError("none was given")
    text = consent.text.strip()
    if not text:
        raise ConsentMissingError("the text that was agreed to is empty")
    if len(text) > LONGEST_CONSENT:
        raise ConsentMissingError(f"the text has {len(text)} characters, more than {LONGEST_CONSENT}")
    if not 0 < consent.at_ns <= now_ns:
        raise ConsentMissingError(f"it is of {consent.at_ns} ns, which is not between zero and now ({now_ns} ns)")
    return Consent(text, consent.at_ns)


def joined(old: Record, new: Record) -> Record:
    """An old record with a new one behind it. Raises GalleryValueError."""
    for what in (MOTION, APPEARANCE):
        before, more = getattr(old, what), getattr(new, what)
        if before.made_ns and more.made_ns:
            came, expected = ((one.algorithm, one.vectors.shape[1]) for one in (more, before))
            if came != expected:
                raise GalleryValueError(what, f"vectors of {came}", f"{expected}, as enrolled; enrol a new subject")
            if len(before.made_ns) + len(more.made_ns) > MOST_TEMPLATES:
                raise GalleryValueError(what, f"{len(before.made_ns)} templates already", f"{MOST_TEMPLATES} at most")
    if len(old.consents) >= MOST_CONSENTS:
        raise GalleryValueError("subject", f"{MOST_CONSENTS} enrolments already", "fewer; forget and enrol anew")
    return Record(old.motion.joined(new.motion), old.appearance.joined(new.appearance), old.consents + new.consents)


def rekeyed(entry: Entry) -> Entry:
    """The same for a record that is to be written anew."""
    return dataclasses.replace(entry, version=secrets.token_hex(8), key=SecretKey.random())


def free_handle(header: Header) -> str:
    """A new random handle."""
    handle = secrets.token_hex(8)
    if handle in header.entries:
        raise GalleryError("the system's random numbers repeat themselves; check its entropy source")
    return handle
