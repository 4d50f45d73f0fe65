#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Builds and tests the cargo feature `analytics`, which needs GStreamer 1.26, on a machine that has an older one:
# in a Debian 13 root, made with debootstrap from the machine's own mirror, in .cache/ of this checkout.
# Then tests programs that load other libraries before the plugin with what that system has.
#
#   scripts/analytics.sh              the tests that concern the feature or the system
#   scripts/analytics.sh COMMAND ...  any command there, in the checkout: cargo clippy ..., gst-launch-1.0 ..., bash
#
# AVREC_SUITE names another suite of Debian (trixie), and thereby a later GStreamer. Where it cannot run, it says why
# in one line and succeeds. Mounts are private to it and vanish with it, however it ends; what an interrupted run
# left is made anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

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

say() { printf 'analytics: %s\n' "$*"; }
skip() { say "skipped: $*"; exit 0; }
die() { printf 'analytics: %s\n' "$*" >&2; exit 1; }

# Prints the address of the Debian mirror that apt uses here.
mirror() {
  apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' 'Identifier: Packages' \
    | awk '$1 == "main" && $2 ~ /\/debian\/?$/ { print $2; exit }'
}

# Says why no root can be made here, or nothing.
obstacle() {
  local free
  [ "$(id -u)" -eq 0 ] || { echo "it needs root"; return; }
  command -v apt-get >/dev/null || { echo "it needs apt"; return; }
  unshare --mount true 2>/dev/null || { echo "mounting is not allowed here"; return; }
  [ -n "$(mirror)" ] || { echo "apt has no Debian mirror here"; return; }
  free=$(df --output=avail -BM . | tail -1 | tr -dc 0-9)
  [ -e "$ROOT/.ready" ] || [ "$NEEDED_MEGABYTES" -le "$free" ] || echo "it needs $NEEDED_MEGABYTES MB of disk"
}

# What a usable root was made from; another list makes another root.
recipe() { printf '%s\n' "$SUITE" "$HEADERS" "${PACKAGES[@]}"; }

# in_root ROOT COMMAND...: runs it with the checkout at /avrec, Rust at /rust and the crates of the machine; of these
# only the checkout can be written to.
in_root() {
  local root=$1 sysroot crates
  shift
  sysroot=$(rustc --print sysroot)
  crates=${CARGO_HOME:-$HOME/.cargo}/registry
  mkdir -p "$root"/{avrec,rust,cargo/registry,onnxruntime,proc,dev} "target/$SUITE" "$crates"
  # The PID namespace ends whatever the command leaves running, and with the mount namespace go the mounts.
  unshare --mount --propagation private --pid --fork --kill-child bash -euc '
    root=$1 checkout=$2 sysroot=$3 crates=$4 library=$5
    shift 5
    bind() { mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"; }
    mount --bind "$checkout" "$root/avrec"
    bind "$sysroot" "$root/rust"
    bind "$crates" "$root/cargo/registry"
    [ ! -d "$library" ] || bind "$library" "$root/onnxruntime"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" "$@"
  ' bash "$root" "$PWD" "$sysroot" "$crates" "$(realpath -m .cache/onnxruntime)" \
    env HOME=/root LC_ALL=C.UTF-8 PATH=/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    CARGO_HOME=/cargo CARGO_TARGET_DIR="/avrec/target/$SUITE" DEBIAN_FRONTEND=noninteractive \
    ORT_DYLIB_PATH=/onnxruntime/libonnxruntime.so GST_REGISTRY="/avrec/target/$SUITE/gst-registry.bin" \
    GST_PLUGIN_PATH="/avrec/target/$SUITE/debug" G_DEBUG=fatal-criticals \
    bash -euc 'cd /avrec; exec "$@"' bash "$@"
}

# Makes the root, unless it is there.
make_root() {
  local partial=$ROOT.partial log=.cache/debian-$SUITE.log debian script
  if [ "$(cat "$ROOT/.ready" 2>/dev/null)" = "$(recipe)" ]; then
    return
  fi
  if ! command -v debootstrap >/dev/null; then
    say "installing debootstrap"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      debootstrap debian-archive-keyring; } >"$log" 2>&1 || skip "debootstrap could not be installed (see $log)"
  fi
  debian=$(mirror)
  # apt's own downloader goes the way that apt is set up to go.
  /usr/lib/apt/apt-helper download-file "${debian%/}/dists/$SUITE/InRelease" "$log" >/dev/null 2>&1 \
    || skip "the mirror has no $SUITE"
  say "making $ROOT (some minutes)"
  rm -rf "$ROOT" "$partial"
  mkdir -p "$partial"
  eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
  export http_proxy https_proxy
  # All suites since etch are made in the same way; an older debootstrap knows the newer ones by that of sid only.
  script=/usr/share/debootstrap/scripts/$SUITE
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  unshare --mount --propagation private debootstrap --variant=minbase "$SUITE" "$partial" "$debian" "$script" \
    >"$log" 2>&1 || skip "debootstrap failed (see $log)"
  install_packages "$partial" >>"$log" 2>&1 || skip "packages could not be installed (see $log)"
  recipe >"$partial/.ready"
  mv "$partial" "$ROOT"
}

# Installs into a fresh root what the build and the tests need, with the machine's settings of apt.
install_packages() {
  local root=$1
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date|Retries)' \
    >"$root/etc/apt/apt.conf.d/90machine" || true
  echo 'Acquire::Languages "none";' >>"$root/etc/apt/apt.conf.d/90machine"
  in_root "$root" bash -euc '
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

reason=$(obstacle)
[ -z "$reason" ] || skip "$reason"
command -v cargo >/dev/null || die "Rust is missing; see https://rustup.rs"
make_root
# The root takes no part in fetching: it sees the crates, and cannot change them.
cargo fetch --quiet --locked --target "$(rustc -vV | sed -n 's/^host: //p')"
if [ $# -ne 0 ]; then
  in_root "$ROOT" "$@"
else
  in_root "$ROOT" bash -euc 'gst-inspect-1.0 --version; "$@" --test analytics; "$@" --test infer hosts' bash "${TEST[@]}"
fi
