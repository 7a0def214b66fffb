"""`pip install .`: runs the CMake build that colcon runs, and packs the tree it installs into a wheel."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import setuptools
from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))

from ros_distribution import (  # noqa: E402
    RosDistribution,
    cmake_environment,
    find_ros,
    read_requirements,
)

PYTHON_FOLDER = "lib/python{}.{}/site-packages".format(*sys.version_info[:2])
ROS = find_ros(os.environ)


class BuildWithCMake(build_py):
    """Takes the Python package from CMake's install tree; the rest becomes the wheel's data files."""

    def run(self) -> None:
        """Build, install into a staging folder, and hand its files to setuptools."""
        with tempfile.TemporaryDirectory(prefix="face1d_ros-") as temporary:
            build = persistent_build_folder(ROS) or Path(temporary) / "build"
            staging = Path(self.build_lib).resolve().parent / "staging"
            shutil.rmtree(staging, ignore_errors=True)
            shutil.rmtree(Path(self.build_lib) / "face1d_ros", ignore_errors=True)
            run_cmake(ROS, build, staging)
        name_final_prefix(staging)
        python_package = staging / PYTHON_FOLDER / "face1d_ros"
        shutil.copytree(
            python_package, Path(self.build_lib) / "face1d_ros", ignore=shutil.ignore_patterns("__pycache__")
        )
        shutil.rmtree(staging / PYTHON_FOLDER)
        self.distribution.data_files = data_files(staging)


class PlatformDistribution(Distribution):
    """A distribution with compiled parts, so that the wheel is named after this Python and platform."""

    def has_ext_modules(self) -> bool:
        """Say so although CMake, not setuptools, compiles them."""
        return True


def persistent_build_folder(ros: RosDistribution) -> "Path | None":
    """A build folder to come back to, or None if the tools live in pip's temporary build environment."""
    own_folders = (Path(sys.prefix), Path(sys.base_prefix))
    if not any(folder in Path(setuptools.__file__).parents for folder in own_folders):
        return None
    key = hashlib.sha256(f"{ros.prefix} {sys.prefix} {sys.version}".encode()).hexdigest()[:8]
    return ROOT / "build" / f"cmake-{ros.name}-{key}"


def run_cmake(ros: RosDistribution, build: Path, staging: Path) -> None:
    """Configure, build, and install into `staging`, the Python package into a folder of its own there."""
    environment = cmake_environment(ros, os.environ)
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    configure = [
        *("cmake", "-S", str(ROOT), "-B", str(build), *generator),
        f"-DCMAKE_INSTALL_PREFIX={staging}",
        f"-DPYTHON_INSTALL_DIR={PYTHON_FOLDER}",
        f"-DPython3_EXECUTABLE={sys.executable}",
        "-DCMAKE_BUILD_TYPE=Release",
        "-DBUILD_TESTING=OFF",
    ]
    subprocess.run(configure, check=True, env=environment)
    subprocess.run(["cmake", "--build", str(build), "--parallel"], check=True, env=environment)
    subprocess.run(["cmake", "--install", str(build)], check=True, env=environment, stdout=subprocess.DEVNULL)


def name_final_prefix(staging: Path) -> None:
    """Let the two files that name the prefixes of this build name the environment instead."""
    share = staging / "share"
    setup_file = share / "face1d_ros" / "local_setup.sh"
    setup_file.write_text(setup_file.read_text().replace(str(staging), sys.prefix))
    if not ROS.is_native:
        (share / "ament_index" / "resource_index" / "parent_prefix_path" / "face1d_ros").write_text(sys.prefix)


def data_files(staging: Path) -> "list[tuple[str, list[str]]]":
    """The files under `staging` as setuptools takes them: (folder under the prefix, [files])."""
    folders: dict[str, list[str]] = {}
    for path in sorted(staging.rglob("*")):
        if path.is_file():
            folders.setdefault(str(path.parent.relative_to(staging)), []).append(os.path.relpath(path, ROOT))
    return list(folders.items())


setup(
    packages=["face1d_ros"],
    distclass=PlatformDistribution,
    cmdclass={"build_py": BuildWithCMake},
    install_requires=ROS.run_requirements(),
    extras_require={"dev": read_requirements("dev"), "keyring": read_requirements("keyring")},
)
