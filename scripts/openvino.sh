#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Tests with an ONNX Runtime that has a second execution provider: the wheel onnxruntime-openvino brings one that runs on
# any x86-64 processor. It is unpacked into .cache/ of this checkout; nothing is installed.
#
#   scripts/openvino.sh              the tests of avrec-infer, of the elements, and the switch between two providers
#   scripts/openvino.sh COMMAND ...  any command with that library: target/debug/avrec providers, gst-launch-1.0 ...
#
# Where it cannot run, it says why in one line and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The last that was published.
VERSION=1.24.1
# ONNX Runtime 1.24 itself recurses without end on functions that call themselves, and divides integers by zero: of the
# models that mean harm some end a process with it, whichever the provider.
LEFT_OUT=crafted::no_model_ends_the_process_or_holds_up_a_change_of_state
FOLDER=$PWD/.cache/openvino
LIBRARY=$FOLDER/onnxruntime/capi/libonnxruntime.so.$VERSION

say() { printf 'openvino: %s\n' "$*"; }
skip() { say "skipped: $*"; exit 0; }

fetch() {
  local wheels
  wheels=$(mktemp -d)
  trap 'rm -rf "$wheels"' RETURN
  # The library in it does not depend on the version of Python.
  python3 -m pip download --quiet --no-deps --only-binary :all: --implementation cp --python-version 3.11 --abi cp311 \
    --platform manylinux_2_28_x86_64 --dest "$wheels" "onnxruntime-openvino==$VERSION" || return 1
  rm -rf "$FOLDER"
  mkdir -p "$FOLDER"
  python3 -m zipfile -e "$wheels"/*.whl "$FOLDER"
}

[ "$(uname -sm)" = "Linux x86_64" ] || skip "the wheel is for Linux on x86-64"
python3 -m pip --version >/dev/null 2>&1 || skip "it needs Python with pip"
[ -f "$LIBRARY" ] || fetch || skip "the wheel onnxruntime-openvino $VERSION cannot be had here"

export ORT_DYLIB_PATH=$LIBRARY
export G_DEBUG=${G_DEBUG:-fatal-criticals} GST_PLUGIN_PATH=$PWD/target/debug GST_REGISTRY=$PWD/target/gst-registry.bin
export AVREC_CLIP=$PWD/.cache/bigbuckbunny.mp4
if [ $# -ne 0 ]; then
  exec "$@"
fi
cargo build --locked
target/debug/avrec providers
status=0
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --locked --no-fail-fast --test infer --test elements -E "not test($LEFT_OUT)" || status=$?
  cargo nextest run --locked --no-fail-fast --test switch providers || status=$?
else
  cargo test --locked --no-fail-fast --test infer --test elements -- --skip "$LEFT_OUT" || status=$?
  cargo test --locked --no-fail-fast --test switch providers || status=$?
fi
exit "$status"
