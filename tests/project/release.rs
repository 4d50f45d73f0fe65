// SPDX-License-Identifier: MPL-2.0

//! `scripts/release.sh`, as far as it goes without a build: in a throw-away clone, which leaves this checkout as it is.

use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn dry_run(version: &str) -> Output {
    Command::new("scripts/release.sh")
        .args(["--dry-run", version])
        .current_dir(ROOT)
        .output()
        .unwrap()
}

/// What git says of this checkout. `None` where this is none, as in a package of the sources.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(ROOT)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tags, and what differs from the last commit in the files that a release changes.
fn state() -> Option<[String; 2]> {
    let files = ["Cargo.toml", "Cargo.lock", "CHANGELOG.md", "debian/changelog"];
    let differs = git(&[&["diff", "HEAD", "--"][..], &files].concat())?;
    Some([git(&["tag"])?, differs])
}

#[test]
fn a_release_changes_the_version_everywhere_and_begins_a_chapter_of_changes() {
    let Some(before) = state() else { return };
    let output = dry_run("99.0.0");
    let [text, errors] = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.starts_with("tree: version 99.0.0\n"), "{text}");
    let added: Vec<&str> = text
        .lines()
        .filter(|it| it.starts_with('+') && !it.starts_with("+++"))
        .collect();
    let versions = added.iter().filter(|it| **it == "+version = \"99.0.0\"").count();
    assert_eq!(versions, 2, "Cargo.toml and Cargo.lock: {added:?}");
    assert!(
        added.iter().any(|it| it.starts_with("+## [99.0.0] - 20")),
        "{added:?}"
    );
    assert!(
        added.contains(&"+avrec (99.0.0-1) unstable; urgency=medium"),
        "{added:?}"
    );
    let lines = added.iter().filter(|it| **it != "+").count();
    assert_eq!(lines, 6, "nothing else but empty lines: {added:?}");
    assert!(text.contains("v99.0.0 would be built and tagged"), "{text}");
    assert_eq!(state(), Some(before), "this checkout is as it was");
}

#[test]
fn what_is_no_version_or_an_old_one_is_refused() {
    if state().is_none() {
        return;
    }
    for (version, cause) in [
        ("99", "99 is no version such as 1.2.3"),
        ("v99.0.0", "v99.0.0 is no version"),
        ("99.0.0; true", "is no version"),
        ("0.0.1", "0.0.1 is older than"),
        ("", "is no version"),
    ] {
        let output = dry_run(version);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && told.contains(cause),
            "{version}: {told}"
        );
    }
}

#[test]
fn the_package_for_debian_is_of_the_same_version() {
    let changelog = std::fs::read_to_string(format!("{ROOT}/debian/changelog")).unwrap();
    let version = changelog.split(['(', ')']).nth(1).unwrap();
    // As Debian orders them, what follows a tilde comes before.
    assert_eq!(
        version,
        format!("{}-1", env!("CARGO_PKG_VERSION").replacen('-', "~", 1))
    );
}
