#!/usr/bin/env bash
# Chromium and its driver, for the tests that look at reports in a browser: from the system's packages, where they are
# missing. A mirror that fails is asked again.
set -euo pipefail

has_browser() { command -v chromium > /dev/null && command -v chromedriver > /dev/null; }

if has_browser; then
  echo "Chromium is there: $(chromium --version 2> /dev/null || command -v chromium)"
  exit 0
fi
if ! command -v apt-get > /dev/null; then
  echo "Chromium is missing, and there is no apt-get: install chromium and chromedriver" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi

for attempt in 1 2 3 4; do
  "${as_root[@]}" apt-get -qq -o Acquire::Retries=3 update || true
  if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=3 \
    install --no-install-recommends chromium chromium-driver fonts-dejavu-core > /dev/null && has_browser; then
    chromium --version
    exit 0
  fi
  echo "attempt $attempt to install Chromium failed" >&2
  sleep $((attempt * 5))
done
echo "Chromium could not be installed: run 'apt-get install chromium chromium-driver' by hand" >&2
exit 1
