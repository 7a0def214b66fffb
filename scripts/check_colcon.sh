#!/usr/bin/env bash
# Builds this checkout with colcon against the active environment: copied, linked, and interfaces only.
# Then proves that each overlay works by itself: imports, executables, and every message between two processes.
# Run it through `make colcon`, which activates the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
base=$root/build/colcon-$(basename "${VIRTUAL_ENV:?run it through: make colcon}")-${ROS_DISTRO:-wheels}
export CMAKE_PREFIX_PATH=${CMAKE_PREFIX_PATH:-$AMENT_PREFIX_PATH}
export ROS_DOMAIN_ID=$((RANDOM % 100 + 1)) ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST

build() { # build-folder install-folder colcon-options…
  local build=$base/$1 install=$base/$2
  shift 2
  rm -rf "$install"
  local cmake_args=(-DBUILD_TESTING=OFF "-DPython3_EXECUTABLE=$(command -v python3)")
  colcon --log-base "$base/log" build --paths "$root" --build-base "$build" --install-base "$install" \
    --event-handlers console_cohesion- desktop_notification- summary+ \
    "$@" --cmake-args "${cmake_args[@]}" "${extra_cmake_args[@]}"
}

check() { # install-folder check-options…
  local install=$base/$1
  shift
  (
    set +u # the files that colcon writes use variables that are not set
    source "$install/local_setup.bash"
    set -u
    for folder in "$root" /; do
      cd "$folder"
      python3 "$root/test/packaging/check_overlay.py" "$install/face1d_ros" "$@"
    done
    cd /
    python3 "$root/test/packaging/exchange.py"
  )
}

echo "== colcon build"
extra_cmake_args=(-DFACE1D_INTERFACES_ONLY=OFF)
build build install
check install

echo "== colcon build, interfaces only"
extra_cmake_args=(-DFACE1D_INTERFACES_ONLY=ON)
build build install-interfaces
check install-interfaces --interfaces-only

echo "== colcon build --symlink-install"
extra_cmake_args=(-DFACE1D_INTERFACES_ONLY=OFF)
build build-linked install-linked --symlink-install
check install-linked
