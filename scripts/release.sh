#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Makes a release of what is checked out:
#
#   scripts/release.sh [--dry-run] VERSION
#
# It writes the version into Cargo.toml, Cargo.lock, CHANGELOG.md and debian/changelog, builds, packs the plugin and the
# command into target/release/ and, where Debian's tools are, into a package in target/debian/, commits and tags. Nothing is pushed; what to push is said at the end. When anything fails, the files are
# as they were. With --dry-run it does the same but for the build in a throw-away clone of the last commit, and shows what
# would be committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'release: %s\n' "$*"; }
die() { printf 'release: %s\n' "$*" >&2; exit 1; }

FILES=(Cargo.toml Cargo.lock CHANGELOG.md debian/changelog)
dry_run=
if [ "${1:-}" = --dry-run ]; then
  dry_run=yes
  shift
fi
[ $# -eq 1 ] || die 'say which version: scripts/release.sh [--dry-run] 1.2.3'
version=$1
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || die "$version is no version such as 1.2.3 or 1.2.3-rc.1"

# The package's version as a file has it, in the lines after a given one.
version_in() { sed -n "/$1/,/^version/s/^version = \"\(.*\)\"/\1/p" "$2"; }
before=$(version_in '^\[package\]' Cargo.toml)
# In this order a version with a tilde comes before the same one without, as 1.2.3-rc.1 does before 1.2.3.
oldest=$(printf '%s\n%s\n' "${before/-/\~}" "${version/-/\~}" | sort -V | head -n 1)
[ "$oldest" = "${before/-/\~}" ] || die "$version is older than $before, which Cargo.toml has"
! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || die "v$version was released before"

# Writes the version where it stands, and begins a chapter of the changes.
bump() {
  awk '/^## \[Unreleased\]/ { inside = 1; next } /^## / { exit } inside && /^- / { found = 1 } END { exit !found }' \
    CHANGELOG.md || die 'CHANGELOG.md tells of nothing under [Unreleased]'
  sed -i "/^\[package\]/,/^version/s/^version = .*/version = \"$version\"/" Cargo.toml
  sed -i "/^name = \"avrec\"\$/,/^version/s/^version = .*/version = \"$version\"/" Cargo.lock
  sed -i "s/^## \[Unreleased\]\$/## [Unreleased]\n\n## [$version] - $(date -u +%F)/" CHANGELOG.md
  { printf 'avrec (%s-1) unstable; urgency=medium\n\n' "${version/-/\~}"
    printf '  * What is new stands in CHANGELOG.md.\n\n'
    printf ' -- %s  %s\n\n' "$(sed -n 's/^Maintainer: //p' debian/control)" "$(LC_ALL=C date -u -R)"
    cat debian/changelog; } >debian/changelog.new
  mv debian/changelog.new debian/changelog
  # Fails where Cargo.lock is not what Cargo.toml asks for. Crates of other systems need not be there.
  cargo metadata --locked --offline --format-version 1 --filter-platform "$(rustc --print host-tuple)" >/dev/null || die 'Cargo.lock does not fit Cargo.toml'
}

# Packs what was built; says where.
pack() {
  local name folder
  name=avrec-$version-$(uname -m)
  folder=target/release/$name
  rm -rf "$folder"
  mkdir -p "$folder"
  cp target/release/libgstavrec.so target/release/avrec README.md CHANGELOG.md LICENSE LICENSE.fonts "$folder"
  cp -r models "$folder"
  tar -C target/release --sort=name --owner=0 --group=0 --numeric-owner -czf "target/release/$name.tar.gz" "$name"
  (cd target/release && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
  say "packed target/release/$name.tar.gz"
}

# Commits and tags.
record() {
  git commit --quiet -m "tree: version $version" -- "${FILES[@]}"
  git tag -a "v$version" -m "avrec $version"
}

if [ "$dry_run" ]; then
  clone=$(mktemp -d)
  trap 'rm -rf "$clone"' EXIT
  git clone --quiet --shared . "$clone"
  cd "$clone"
  export GIT_AUTHOR_NAME=nobody GIT_AUTHOR_EMAIL=nobody@localhost GIT_COMMITTER_NAME=nobody GIT_COMMITTER_EMAIL=nobody@localhost
  bump
  record
  git --no-pager show --stat --patch --unified=1 --format='%s' HEAD
  say "$(git describe --exact-match HEAD) would be built and tagged; nothing was changed"
  exit
fi

[ -z "$(git status --porcelain)" ] || die 'the checkout has changes; commit them first'
trap 'git checkout --quiet -- "${FILES[@]}"' EXIT
bump
cargo build --locked --release
[ "$(target/release/avrec --version)" = "avrec $version" ] || die "the command that was built is not $version"
pack
if command -v dpkg >/dev/null; then
  make deb
fi
record
trap - EXIT
say "v$version is built, committed and tagged; to publish it: git push --atomic origin HEAD v$version"
