#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Builds avrec for aarch64 on another machine and runs it there under QEMU: in a Debian 12 root in .cache/ of this checkout
# (debian_root.sh), with Debian's cross compiler and its packages of GStreamer for arm64. docs/aarch64.md says what was run.
#
#   scripts/aarch64.sh                the build, the tests and the pipelines
#   scripts/aarch64.sh COMMAND ...    any command there, in the checkout: cargo test ..., bash
#
# Where it cannot run, it says why in one line and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/debian_root.sh

SUITE=bookworm
ROOT=$PWD/.cache/debian-$SUITE-arm64
TARGET=aarch64-unknown-linux-gnu
PACKAGES=(
  gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static pkg-config ca-certificates
  libgstreamer1.0-dev:arm64 libgstreamer-plugins-base1.0-dev:arm64 gstreamer1.0-tools:arm64
  gstreamer1.0-plugins-base:arm64 gstreamer1.0-plugins-good:arm64 gstreamer1.0-plugins-bad:arm64
)
NEEDED_MEGABYTES=8000

# Installs into a fresh root what the build and the tests need.
install_packages() {
  in_root "$1" -- bash -euc '
    dpkg --add-architecture arm64
    apt-get update -q
    apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "$@"
    apt-get clean
  ' bash "${PACKAGES[@]}"
}

# In a namespace of users the kernel has handlers of programs of its own, so that programs for aarch64 can start each other,
# and nothing of it is seen outside.
there() {
  local UNSHARED=(--user --map-root-user)
  in_checkout "$ROOT" "$SUITE-arm64" \
    CARGO_BUILD_TARGET="$TARGET" CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig \
    GST_REGISTRY="/avrec/target/$SUITE-arm64/gst-registry.bin" G_DEBUG=fatal-criticals \
    GST_PLUGIN_PATH="/avrec/target/$SUITE-arm64/$TARGET/debug" AVREC_CLIP=/avrec/.cache/bigbuckbunny.mp4 \
    ORT_DYLIB_PATH=/avrec/.cache/onnxruntime-aarch64/libonnxruntime.so \
    bash -euc 'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
      cat /usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register
      exec "$@"' bash "$@"
}

# One model on either backend: every frame comes out, twice as large, and both make the same of them but for a few roundings.
models() {
  local backend
  for backend in ort rten; do
    gst-launch-1.0 -q videotestsrc num-buffers=20 ! video/x-raw,format=I420,width=320,height=180 \
      ! avrec-infer backend=$backend model-file=models/small.onnx ! filesink location="/tmp/$backend.yuv"
    [ "$(stat -c %s "/tmp/$backend.yuv")" -eq $((20 * 640 * 360 * 3 / 2)) ] || { echo "frames are missing"; return 1; }
  done
  echo "of 6912000 samples $({ cmp -l /tmp/ort.yuv /tmp/rten.yuv || true; } | wc -l) differ between ONNX Runtime and rten"
}

# A switch decides while three frames a second come: as many leave as came in, all of one size, and it swaps at least once
# beyond its start.
switch() {
  local swaps
  gst-launch-1.0 -m videotestsrc num-buffers=90 pattern=ball \
    ! video/x-raw,format=I420,width=64,height=36,framerate=3/1 ! identity sleep-time=333000 \
    ! avrec-switch.\( start=wait floor=plain reference=large output-caps=video/x-raw,width=128,height=72 \
      videoscale name=plain \
      avrec-infer name=small model-file=models/small.onnx \
      avrec-infer name=large model-file=models/large.onnx \) \
    ! filesink location=/tmp/switched.yuv >/tmp/switch.log
  swaps=$(grep 'avrec/switch, ' /tmp/switch.log | grep -vc 'reason=(string)start') || true
  echo "$(($(stat -c %s /tmp/switched.yuv) / (128 * 72 * 3 / 2))) of 90 frames; $swaps swaps:"
  grep -o 'avrec/switch, .* frame=[^,]*' /tmp/switch.log
  [ "$(stat -c %s /tmp/switched.yuv)" -eq $((90 * 128 * 72 * 3 / 2)) ] && [ "$swaps" -ne 0 ]
}

need_roots "$ROOT" "$NEEDED_MEGABYTES"
command -v cargo >/dev/null || die "Rust is missing; see https://rustup.rs"
rustup target add "$TARGET" >/dev/null 2>&1 || [ -d "$(rustc --print sysroot)/lib/rustlib/$TARGET" ] \
  || skip "Rust's library for $TARGET is missing: rustup target add $TARGET"
make_root "$ROOT" "$SUITE" "$(printf '%s\n' "$SUITE" "${PACKAGES[@]}")" install_packages
scripts/setup.sh aarch64
there true 2>/dev/null || skip "the kernel gives a namespace no handlers of programs of its own (Linux 6.7 does)"
for target in "$TARGET" "$(rustc -vV | sed -n 's/^host: //p')"; do
  cargo fetch --quiet --locked --target "$target"
done
if [ $# -ne 0 ]; then
  there "$@"
  exit
fi
there cargo build --locked --offline
there bash -euo pipefail -c "$(declare -f models switch); models; switch"
# What takes QEMU less than half an hour; what is left out takes it far longer.
there cargo test --locked --offline --lib -- decode:: runtime:: score:: media:: policy:: --skip noise_takes_intelligibility
there cargo test --locked --offline --test media
there cargo test --locked --offline --test infer -- models:: answers:: inputs:: --skip bytes_changed_at_random
