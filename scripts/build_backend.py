"""PEP 517 backend: setuptools, plus the build requirements that depend on which ROS 2 is there."""

import os
from typing import Any, Dict, List, Optional

from ros_distribution import find_ros
from setuptools import build_meta
from setuptools.build_meta import (
    build_sdist,
    build_wheel,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_wheel",
]


def get_requires_for_build_wheel(config_settings: Optional[Dict[str, Any]] = None) -> List[str]:
    """The wheels of ROS 2 and its tools, or only the Python side of them where a native ROS 2 is sourced."""
    return list(build_meta.get_requires_for_build_wheel(config_settings)) + find_ros(os.environ).build_requirements()
