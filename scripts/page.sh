#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Looks at the live page of the tracer avrec-metrics with a real browser: Chromium without a window plays an operator who
# clicks, taps and types, and every fault that a script or the console tells fails.
#
#   scripts/page.sh [FOLDER [SECONDS]]
#
# FOLDER is where the pictures go (target/page). With SECONDS the page stays open for so long at the end, and what it holds is
# measured. The plugin is found as GStreamer finds it (GST_PLUGIN_PATH). It takes Chromium from the path, else, as root, from
# Debian's package; where there is none, it says so in one line and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() { printf 'page: skipped: %s\n' "$*"; exit 0; }

install_chromium() {
  [[ $EUID == 0 ]] || skip "no chromium on the path, and only root may install the package chromium"
  command -v apt-get >/dev/null || skip "no chromium on the path, and no apt-get"
  apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1 \
    || skip "apt-get cannot install the package chromium"
}

command -v chromium >/dev/null || install_chromium
exec python3 -B scripts/live_page.py "${1:-target/page}" "${2:-0}"
