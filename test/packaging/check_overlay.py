"""Checks that a colcon overlay is complete and is what Python and the loader really use.

python3 check_overlay.py <prefix of the package> [--interfaces-only]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("msg", "srv", "action")


def main() -> None:
    """Exit with a message at the first thing that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prefix", type=Path)
    parser.add_argument("--interfaces-only", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, os.getcwd())  # as `python -m` and the interactive Python do
    check_interfaces(options.prefix)
    if options.interfaces_only:
        check_interfaces_only(options.prefix)
    else:
        check_python_package(options.prefix)
        check_executables(options.prefix)
    print(f"overlay {options.prefix} used from {os.getcwd()}: as it should be")


def check_interfaces(prefix: Path) -> None:
    """Every interface file is installed and imports; modules and libraries come from this prefix."""
    from rclpy.type_support import check_for_type_support

    for kind in KINDS:
        module = importlib.import_module(f"face1d_ros.{kind}")
        expect(prefix in Path(str(module.__file__)).parents, f"face1d_ros.{kind} comes from {module.__file__}")
        for source in sorted((ROOT / kind).glob(f"*.{kind}")):
            installed = prefix / "share" / "face1d_ros" / kind / source.name
            expect(installed.is_file(), f"{installed} is missing")
            check_for_type_support(getattr(module, source.stem))
    libraries = {
        line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libface1d_ros__" in line
    }
    expect(bool(libraries), "no library of face1d_ros is loaded")
    for library in libraries:
        real_folders = {
            prefix.resolve(),
            prefix.parents[1].resolve(),
        }  # with --symlink-install: the build folder
        expect(bool(real_folders & set(Path(library).resolve().parents)), f"the loader took {library}")


def check_interfaces_only(prefix: Path) -> None:
    """Nothing that needs Python dependencies is installed."""
    expect(not (prefix / "lib" / "face1d_ros").exists(), "executables are installed")
    expect(not (prefix / "bin" / "face1d").exists(), "bin/face1d is installed")
    expect(not list(prefix.glob("lib/python3*/*-packages/face1d_ros/nodes")), "the nodes are installed")


def check_python_package(prefix: Path) -> None:
    """All Python sources are installed, none is stale, and the checkout wins only where Python runs in it."""
    (package,) = prefix.glob("lib/python3*/*-packages/face1d_ros")
    for source in (ROOT / "face1d_ros").rglob("*.py"):
        installed = package / source.relative_to(ROOT / "face1d_ros")
        expect(installed.read_bytes() == source.read_bytes(), f"{installed} differs from {source}")
    import face1d_ros

    expected = ROOT / "face1d_ros" if Path.cwd() == ROOT else package
    found = Path(str(face1d_ros.__file__)).parent
    expect(found == expected, f"face1d_ros comes from {found} instead of {expected}")
    from face1d_ros.paths import share_dir

    expect((share_dir() / "package.xml").is_file(), f"{share_dir()} has no package.xml")


def check_executables(prefix: Path) -> None:
    """One launcher per node, and the command line, which starts."""
    for source in sorted((ROOT / "face1d_ros" / "nodes").glob("*_node.py")):
        launcher = prefix / "lib" / "face1d_ros" / source.stem
        expect(os.access(launcher, os.X_OK), f"{launcher} is missing or not executable")
    answer = subprocess.run([prefix / "bin" / "face1d", "--help"], capture_output=True, text=True)
    expect(answer.returncode == 0, f"face1d --help failed: {answer.stderr}")


def expect(condition: bool, otherwise: str) -> None:
    """Exit with the message if the condition does not hold."""
    if not condition:
        sys.exit(f"overlay: {otherwise}")


if __name__ == "__main__":
    main()
