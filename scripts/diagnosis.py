"""Reads the log of a failed step and says what to do. Standard library only, Python 3.6."""

import re
from typing import List, Optional, Pattern, Tuple

from machine import SYSTEM_LIBRARIES, apt

TAIL_LINES = 25

# First match wins: causes before their consequences.
ADVICE: List[Tuple[Pattern[str], str]] = [
    (
        re.compile(r"No space left on device|\[Errno 28\]|Disk quota exceeded"),
        "The disk is full. Free some space (`pip cache purge` often helps; TMPDIR needs room too) and run it again.",
    ),
    (
        re.compile(r"Temporary failure in name resolution|Name or service not known|Failed to resolve"),
        "No network: the name of the package index cannot be resolved. Check the connection "
        "(behind a proxy: set HTTPS_PROXY), and run it again: what was downloaded is kept.",
    ),
    (
        re.compile(
            r"Network is unreachable|Failed to establish a new connection|Connection refused|ConnectTimeout|"
            r"Read timed out|ReadTimeoutError|Cannot connect to proxy|ProxyError|Connection reset by peer|"
            r"RemoteDisconnected|No route to host"
        ),
        "No network: the package index cannot be reached. Check the connection "
        "(behind a proxy: set HTTPS_PROXY), and run it again: what was downloaded is kept.",
    ),
    (
        re.compile(r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError"),
        "The package index shows a certificate that this machine does not trust. Behind a proxy that "
        "inspects traffic, name its certificate: PIP_CERT=/path/to/ca.pem. Otherwise: " + apt("ca-certificates") + ".",
    ),
    (
        re.compile(
            r"Could not find a version that satisfies the requirement (\S+)|"
            r"No matching distribution found for (\S+)"
        ),
        "The package index has no build of {0} for this Python and platform. Another index may be "
        "configured (see `pip config list`), or this platform is not supported.",
    ),
    (
        re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file"),
        "The system library {0} is missing. {library}",
    ),
    (
        re.compile(r"fatal error: Python\.h: No such file"),
        "The C headers of Python are missing. " + apt("python3-dev") + ".",
    ),
    (
        re.compile(r"No CMAKE_C(?:XX)?_COMPILER could be found|is not a full path to an existing compiler"),
        "No C/C++ compiler. " + apt("build-essential") + ".",
    ),
    (
        re.compile(r"Killed signal|internal compiler error: Killed|signal 9|MemoryError"),
        "The machine ran out of memory. Close other programs, or build with one compiler at a time: "
        "CMAKE_BUILD_PARALLEL_LEVEL=1.",
    ),
    (
        re.compile(r"Could not find a package configuration file provided by \"(\w+)\""),
        "The ROS 2 package {0} is missing. With a native ROS 2: "
        "`rosdep install --from-paths . --ignore-src`, or "
        "sudo apt install ros-$ROS_DISTRO-<name> with dashes for underscores.",
    ),
    (
        re.compile(r"No module named '?(catkin_pkg|em|lark|ament_package)'?"),
        "The Python module {0}, which ROS 2 generates interfaces with, is missing. " + apt("ros-dev-tools") + ".",
    ),
    (
        re.compile(r"Permission denied: '?([^'\n]+)"),
        "No permission to write {0}. Was an earlier setup run as another user? Remove that folder as that "
        "user, and run it again.",
    ),
]


def advise(log: str) -> Optional[str]:
    """What to do about the failure that this log records, or None if it says nothing known."""
    for pattern, advice in ADVICE:
        match = pattern.search(log)
        if match:
            groups = [group for group in match.groups() if group] or [""]
            return advice.format(groups[0], library=_library_advice(groups[0]))
    return None


def tail(log: str, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, indented."""
    return "\n".join("    " + line for line in log.rstrip().splitlines()[-lines:])


def _library_advice(library: str) -> str:
    package = SYSTEM_LIBRARIES.get(library)
    if package:
        return apt(package) + "."
    return "Debian/Ubuntu: `apt-file search {}` names the package that brings it.".format(library)
