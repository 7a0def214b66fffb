"""What `looking_apart` and `looking_process` say to each other."""

from __future__ import annotations

OPENED, REFUSED = "opened", "refused"
"""With `Facts`; with the reason."""
LOOKED, ENDED = "looked", "ended"
"""With the parts of a `Look`, its image as the place where it lies; with the `Account` and the reason, '' for none."""
TAKEN, STOP = b"taken", b"stop"
"""A look is done with, and the place of its image free; no more are wanted."""
