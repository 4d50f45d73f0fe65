#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Lets a real collector take what the tracer avrec-spans sends: Rotel (https://rotel.dev), from PyPI, receives the spans of a
# pipeline of gst-launch-1.0 and writes them down, and they are read from there.
#
#   scripts/spans.sh
#
# The plugin, built with the feature opentelemetry, is found as GStreamer finds it (GST_PLUGIN_PATH). Where Rotel cannot be had
# or does not run, it says so in one line and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ROTEL_VERSION=0.0.1a15
VENV=.cache/rotel

say() { printf 'spans: %s\n' "$*"; }
skip() { say "skipped: $*"; exit 0; }
die() { printf 'spans: %s\n' "$*" >&2; exit 1; }

if [[ ! -d $VENV ]]; then
  { python3 -m venv "$VENV" && "$VENV/bin/pip" install -q "rotel==$ROTEL_VERSION"; } >/dev/null 2>&1 \
    || { rm -rf "$VENV"; skip "rotel $ROTEL_VERSION cannot be installed from PyPI"; }
fi
ROTEL=$(find "$VENV" -name rotel-agent -type f)
"$ROTEL" --version >/dev/null 2>&1 || skip "rotel does not run here"

FOLDER=$(mktemp -d)
PROGRAM=
finish() {
  [[ -z $PROGRAM ]] || kill "$PROGRAM" 2>/dev/null || true
  wait
  rm -rf "$FOLDER"
}
trap finish EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
PORT=$(free_port) GRPC=$(free_port)

"$ROTEL" start --exporter blackhole --otlp-http-endpoint "127.0.0.1:$PORT" --otlp-grpc-endpoint "127.0.0.1:$GRPC" \
  --debug-log traces --debug-log-verbosity detailed >"$FOLDER/rotel.txt" 2>&1 &
PROGRAM=$!
end=$((SECONDS + 30))
until (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; do
  ((SECONDS < end)) || die "rotel does not listen: $(tail -3 "$FOLDER/rotel.txt")"
  sleep 0.2
done

FRAMES=50
GST_DEBUG=avrec-spans:4 GST_DEBUG_NO_COLOR=1 OTEL_SERVICE_NAME=avrec-test \
  GST_TRACERS="avrec-spans(endpoint=http://127.0.0.1:$PORT,ratio=1)" gst-launch-1.0 -q \
  videotestsrc num-buffers=$FRAMES ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 \
  ! avrec-switch.\( name=s late-policy=wait identity name=a \) ! fakesink 2>"$FOLDER/program.txt"
taken=$(grep -o '[0-9]* spans were taken, 0 not, and 0 records dropped' "$FOLDER/program.txt" | cut -d' ' -f1)
[[ -n $taken ]] || die "not all was taken: $(tail -3 "$FOLDER/program.txt")"

# Rotel writes its log when it has time.
end=$((SECONDS + 10))
count() { grep -c "$1" "$FOLDER/rotel.txt" || true; }
until [[ $(count 'Span #') == "$taken" ]]; do
  ((SECONDS < end)) || die "rotel has $(count 'Span #') of $taken spans: $(tail -3 "$FOLDER/rotel.txt")"
  sleep 0.2
done
for name in frame out; do
  found=$(grep -cE "Name *: $name\$" "$FOLDER/rotel.txt" || true)
  [[ $found == "$FRAMES" ]] || die "rotel has $found spans $name for $FRAMES frames"
done
grep -q 'avrec-test' "$FOLDER/rotel.txt" || die "rotel does not know the service"
say "Rotel $ROTEL_VERSION has all $taken spans of $FRAMES frames"
