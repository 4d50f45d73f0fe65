#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Runs in a clean root of Debian, for ../test_deb.sh: installs the package, uses it as a user does, and removes it.
#
#   installed.sh SUITE PACKAGE VERSION
set -euo pipefail
suite=$1 package=$2 version=$3

say() { printf 'test_deb: %s: %s\n' "$suite" "$*"; }
die() { say "$*" >&2; exit 1; }
quietly() { "$@" >/demo/log 2>&1 || { cat /demo/log; die "failed: $*"; }; }

# has TEXT: whether the last log says so.
has() { grep -qF -- "$1" /demo/log || { cat /demo/log; die "it does not say: $1"; }; }

# Fifty frames through the switch and through one model, each of which must come out, and twice as large.
fifty_frames() {
  local element bytes
  for element in 'avrec-switch start=wait catalog=/usr/share/avrec/models/upscale.toml' \
    'avrec-infer model-file=/usr/share/avrec/models/small.onnx'; do
    # At some 30 frames a second, so that the models are there before the end, and not live, where none may be lost.
    # shellcheck disable=SC2086
    quietly gst-launch-1.0 videotestsrc num-buffers=50 ! video/x-raw,format=I420,width=320,height=180 \
      ! identity sleep-time=33000 ! $element ! filesink location=/demo/frames
    bytes=$(stat -c %s /demo/frames)
    [ "$bytes" -eq $((50 * 640 * 360 * 3 / 2)) ] || die "50 frames became $bytes bytes"
    has "$1"
  done
  say "$(grep -F "$1" /demo/log)"
}

quietly apt-get update
quietly apt-get install -y -o Dpkg::Options::=--force-unsafe-io "$package"
# All but the root itself.
dpkg -L avrec | grep -vx '/\.' >/demo/files

[ "$(avrec --version)" = "avrec ${version%-*}" ] || die "the command is of version $(avrec --version)"
for element in avrec-infer avrec-probe avrec-switch avrec-fuse; do
  quietly gst-inspect-1.0 "$element"
done
has "${version%-*}"
gst-inspect-1.0 avrec | sed -n 1,12p
quietly gst-inspect-1.0 -b
! grep -q avrec /demo/log || die "GStreamer will not load it"

fifty_frames 'Models run on rten'
sh page.sh >/demo/log 2>&1 || { cat /demo/log; die "docs/install.md says what does not run"; }
say "the lines of docs/install.md ran"

if [ "$suite" != bookworm ]; then
  library=$(dpkg -s avrec | sed -n 's/^Suggests: \([^ ,]*\).*/\1/p')
  quietly apt-get install -y -o Dpkg::Options::=--force-unsafe-io "$library"
  fifty_frames 'Models run on ONNX Runtime, found at libonnxruntime.so'
  avrec providers 2>/dev/null | sed -n 1p
fi

quietly apt-get remove -y avrec
left=$(while read -r path; do
  # Folders of other packages stay.
  { [ ! -d "$path" ] && [ -e "$path" ]; } || { [ -d "$path" ] && ! dpkg -S "$path" >/dev/null 2>&1; } && echo "$path" || true
done </demo/files)
[ -z "$left" ] || die "its removal leaves $left"
! gst-inspect-1.0 avrec-switch >/dev/null 2>&1 || die "GStreamer still has it"
say "removed without a trace"
