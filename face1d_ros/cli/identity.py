"""`face1d identity`: enrol people by a motion of their face, and recognise them by it."""

from __future__ import annotations

import click

from face1d_ros.cli.identity_enroll import enroll
from face1d_ros.cli.identity_judge import identify, verify
from face1d_ros.cli.identity_subjects import expire, forget, list_, revoke, rotate_key


@click.group("identity")
def command() -> None:
    """Enrol people by a motion of their face, and recognise them by it.

    A person chooses a motion and repeats it; later the same motion by the same person is recognised. Subjects are
    random handles: no name is ever stored. Presentation attacks are not detected: do not use this alone to control
    access. docs/identity_command.md goes through all of it.
    """


for _command in (enroll, verify, identify, list_, forget, revoke, rotate_key, expire):
    command.add_command(_command)
