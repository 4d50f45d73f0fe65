#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Builds and tests the cargo feature `analytics`, which needs GStreamer 1.26, on a machine that has an older one:
# in a Debian 13 root in .cache/ of this checkout (debian_root.sh).
# Then tests programs that load other libraries before the plugin with what that system has.
#
#   scripts/analytics.sh              the tests that concern the feature or the system
#   scripts/analytics.sh COMMAND ...  any command there, in the checkout: cargo clippy ..., gst-launch-1.0 ..., bash
#
# AVREC_SUITE names another suite of Debian (trixie), and thereby a later GStreamer. Where it cannot run, it says why
# in one line and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/debian_root.sh

SUITE=${AVREC_SUITE:-trixie}
ROOT=$PWD/.cache/debian-$SUITE
# Only its headers are wanted of this one: it depends on OpenCV's, and those on most of a desktop.
HEADERS=libgstreamer-plugins-bad1.0-dev
PACKAGES=(
  gcc libc6-dev pkgconf ca-certificates libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
)
# Root and build together, with room to spare.
NEEDED_MEGABYTES=6000
# Without the command and without optimized dependencies, for the time it takes to build.
TEST=(
  cargo test --locked --offline --config 'profile.dev.package."*".opt-level=0'
  --no-default-features --features analytics
)

# Installs into a fresh root what the build and the tests need.
install_packages() {
  in_root "$1" -- bash -euc '
    headers=$1
    shift
    apt-get update -q
    apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "$@"
    cd /tmp
    apt-get download -q "$headers"
    dpkg-deb --extract "$headers"_*.deb /
    rm "$headers"_*.deb
    apt-get clean
  ' bash "$HEADERS" "${PACKAGES[@]}"
}

there() {
  in_checkout "$ROOT" "$SUITE" ORT_DYLIB_PATH=/onnxruntime/libonnxruntime.so \
    GST_REGISTRY="/avrec/target/$SUITE/gst-registry.bin" GST_PLUGIN_PATH="/avrec/target/$SUITE/debug" \
    G_DEBUG=fatal-criticals "$@"
}

need_roots "$ROOT" "$NEEDED_MEGABYTES"
command -v cargo >/dev/null || die "Rust is missing; see https://rustup.rs"
make_root "$ROOT" "$SUITE" "$(printf '%s\n' "$SUITE" "$HEADERS" "${PACKAGES[@]}")" install_packages
# The root takes no part in fetching: it sees the crates, and cannot change them.
cargo fetch --quiet --locked --target "$(rustc -vV | sed -n 's/^host: //p')"
if [ $# -ne 0 ]; then
  there "$@"
else
  there bash -euc 'gst-inspect-1.0 --version; "$@" --test analytics; "$@" --test infer hosts' bash "${TEST[@]}"
fi
