#!/usr/bin/env bash
# `pip install .` as a user does it: in a clean virtual environment, with build isolation, all dependencies included.
# Then every message between two processes. Run it through `make pip`.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
venv=$root/build/check-pip

rm -rf "$venv"
python3 -c 'import sys, venv; venv.create(sys.argv[1], with_pip=True)' "$venv"
unset VIRTUAL_ENV _ROS_WHEELS_BOOTSTRAP_COMPLETE
if [ -z "${ROS_DISTRO:-}" ]; then unset AMENT_PREFIX_PATH LD_LIBRARY_PATH; fi
"$venv/bin/pip" install -qq --disable-pip-version-check "$root"

cd /
if [ -n "${ROS_DISTRO:-}" ]; then
  set +u # the files that ROS 2 generates use variables that are not set
  source "$venv/share/face1d_ros/local_setup.bash"
  set -u
fi
export ROS_DOMAIN_ID=$((RANDOM % 100 + 1)) ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
"$venv/bin/python" "$root/test/packaging/exchange.py"
"$venv/bin/face1d" --help > /dev/null
rm -rf "$venv"
echo "pip install . in a clean environment: works"
