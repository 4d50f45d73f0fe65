#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Tests the Debian package that `make deb` built: lintian, then in clean roots of Debian 12 and 13 (debian_root.sh) its
# installation by one command, what it says and does there, and that its removal leaves nothing.
#
#   scripts/test_deb.sh [SUITE...]    bookworm trixie
#
# Where no roots can be made, it says why in one line and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/debian_root.sh

version=$(dpkg-parsechangelog --show-field Version)
package=avrec_${version}_$(dpkg --print-architecture).deb
# The root, and the packages that are installed into a copy of it.
NEEDED_MEGABYTES=2000

# The shell blocks of a page, as a user without a window would run them.
blocks() {
  echo 'set -eux'
  awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$1" | sed 's/autovideosink/fakesink/'
}

# Runs tests in a copy of a suite's clean root; a failure ends the script.
in_suite() {
  local suite=$1 clean=$PWD/.cache/debian-clean-$1 work
  need_roots "$clean" "$NEEDED_MEGABYTES"
  make_root "$clean" "$suite" "$suite" true
  work=$(mktemp -d "$PWD/.cache/debian-work-XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  cp -a --reflink=auto "$clean/." "$work"
  mkdir -p "$work/demo"
  cp "target/debian/$package" "$work/demo"
  cp scripts/test_deb/installed.sh "$work/demo"
  blocks docs/install.md >"$work/demo/page.sh"
  say "in a clean root of $suite"
  in_root "$work" -- env --chdir=/demo bash installed.sh "$suite" "./$package" "$version"
  rm -rf "$work"
  trap - EXIT
}

[ -f "target/debian/$package" ] || die "target/debian/$package is missing; make deb builds it"
lintian --fail-on error,warning --info "target/debian/$package"
say "lintian has no errors and no warnings; $(stat -c %s "target/debian/$package") bytes, installed $(dpkg-deb -f "target/debian/$package" Installed-Size) KiB"
[ $# -ne 0 ] || set -- bookworm trixie
for suite in "$@"; do
  in_suite "$suite"
done
say "passed: $*"
