# shellcheck shell=bash
# SPDX-License-Identifier: MPL-2.0
#
# To be sourced, by a script in the root of the checkout: roots of Debian in .cache/, made with debootstrap from the
# machine's own mirror, and commands in them. Mounts are private to a command and vanish with it, however it ends; a root
# that was interrupted while it was made is made anew.

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*"; }
skip() { say "skipped: $*"; exit 0; }
die() { say "$*" >&2; exit 1; }

# Prints the address of the Debian mirror that apt uses here.
mirror() {
  apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' 'Identifier: Packages' \
    | awk '$1 == "main" && $2 ~ /\/debian\/?$/ { print $2; exit }'
}

# need_roots ROOT MEGABYTES: leaves with the reason where no roots can be made, or where the disk is too full for that one
# and what is done in it.
need_roots() {
  local root=$1 megabytes=$2 free
  [ "$(id -u)" -eq 0 ] || skip "it needs root"
  command -v apt-get >/dev/null || skip "it needs apt"
  unshare --mount true 2>/dev/null || skip "mounting is not allowed here"
  [ -n "$(mirror)" ] || skip "apt has no Debian mirror here"
  free=$(df --output=avail -BM . | tail -1 | tr -dc 0-9)
  [ -e "$root/.ready" ] || [ "$megabytes" -le "$free" ] || skip "it needs $megabytes MB of disk"
}

# in_root ROOT BIND... -- COMMAND...: runs it there. A BIND is SOURCE:FOLDER, which cannot be written to, or SOURCE:FOLDER:rw.
# No variable of outside is seen there. UNSHARED has further options of unshare.
UNSHARED=()
in_root() {
  local root=$1
  shift
  # The PID namespace ends whatever the command leaves running, and with the mount namespace go the mounts.
  unshare "${UNSHARED[@]}" --mount --propagation private --pid --fork --kill-child bash -euc '
    root=$1
    shift
    while [ "$1" != -- ]; do
      IFS=: read -r source folder mode <<<"$1"
      mkdir -p "$root$folder"
      mount --bind "$source" "$root$folder"
      [ "$mode" ] || mount -o remount,bind,ro "$root$folder"
      shift
    done
    shift
    mkdir -p "$root/proc" "$root/dev"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    # No exec: the first process of a namespace would be deaf to signals.
    chroot "$root" env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
  ' bash "$root" "$@"
}

# in_checkout ROOT NAME [VARIABLE=VALUE...] COMMAND...: runs it with the checkout at /avrec, Rust at /rust and the crates of
# the machine; of these only the checkout can be written to. What is built goes to target/NAME.
in_checkout() {
  local root=$1 name=$2 crates=${CARGO_HOME:-$HOME/.cargo}/registry binds
  shift 2
  mkdir -p "target/$name" "$crates"
  binds=("$PWD:/avrec:rw" "$(rustc --print sysroot):/rust" "$crates:/cargo/registry")
  [ ! -d .cache/onnxruntime ] || binds+=("$(realpath .cache/onnxruntime):/onnxruntime")
  in_root "$root" "${binds[@]}" -- env --chdir=/avrec \
    PATH=/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    CARGO_HOME=/cargo CARGO_TARGET_DIR="/avrec/target/$name" "$@"
}

# make_root ROOT SUITE RECIPE COMMAND...: makes the root unless it is there and was made by the same recipe. The command gets
# the fresh root and installs into it what is wanted of it.
make_root() {
  local root=$1 suite=$2 recipe=$3 partial=$1.partial log=$1.log
  shift 3
  if [ "$(cat "$root/.ready" 2>/dev/null)" = "$recipe" ]; then
    return
  fi
  say "making $root (some minutes)"
  rm -rf "$root" "$partial"
  mkdir -p "$(dirname "$root")"
  bootstrap "$partial" "$suite" "$log"
  "$@" "$partial" >>"$log" 2>&1 || skip "packages could not be installed (see $log)"
  printf '%s\n' "$recipe" >"$partial/.ready"
  mv "$partial" "$root"
}

# Makes a root of the packages that Debian cannot be without, with the machine's settings of apt.
bootstrap() {
  local root=$1 suite=$2 log=$3 debian script
  if ! command -v debootstrap >/dev/null; then
    say "installing debootstrap"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      debootstrap debian-archive-keyring; } >"$log" 2>&1 || skip "debootstrap could not be installed (see $log)"
  fi
  debian=$(mirror)
  # apt's own downloader goes the way that apt is set up to go.
  /usr/lib/apt/apt-helper download-file "${debian%/}/dists/$suite/InRelease" "$log" >/dev/null 2>&1 \
    || skip "the mirror has no $suite"
  mkdir -p "$root"
  eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
  export http_proxy https_proxy
  # All suites since etch are made in the same way; an older debootstrap knows the newer ones by that of sid only.
  script=/usr/share/debootstrap/scripts/$suite
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  unshare --mount --propagation private debootstrap --variant=minbase "$suite" "$root" "$debian" "$script" \
    >"$log" 2>&1 || skip "debootstrap failed (see $log)"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date|Retries)' \
    >"$root/etc/apt/apt.conf.d/90machine" || true
  echo 'Acquire::Languages "none";' >>"$root/etc/apt/apt.conf.d/90machine"
}
