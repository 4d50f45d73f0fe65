// SPDX-License-Identifier: MPL-2.0

use super::*;

const FULL: &str = "# Station 4\nforbidden = [\"large\"]\nstrategy = \"rank\"\n[weights]\nquality = 2\nlatency = 1\ncost = 0.5\n\
    robustness = 2\n[weights.measures]\npsnr-db = 1\n[conditions]\nlicence = \"MIT OR MPL-2.0\"\nprivacy = \"local\"\n\
    max-memory = \"500M\"\nprovider = \"cpu\"\n\n[[feedback]]\ncandidate = \"small\"   # by night\nrating = 0.4\n\
    date = \"2026-11-28\"\nnote = \"soft\"\n";

fn parse(text: &str) -> Result<Profile, ProfileError> {
    Profile::parse(Path::new("profile.toml"), text)
}

#[test]
fn all_that_a_profile_says_is_read() {
    let profile = parse(FULL).unwrap();
    let weights = &profile.weights;
    assert_eq!(weights.lambda_latency(), Some(0.5));
    assert_eq!(
        (weights.lambda_cost(), weights.robustness_weight()),
        (Some(0.25), Some(0.5))
    );
    assert_eq!(weights.measures["psnr-db"], 1.0);
    assert_eq!(profile.strategy, Some(Strategy::Rank));
    assert_eq!(profile.conditions.max_memory, Some(500_000_000));
    assert_eq!(profile.conditions.forbidden, ["large"]);
    assert_eq!(
        (profile.feedback[0].candidate.as_str(), profile.feedback[0].rating),
        ("small", 0.4)
    );
    let empty = parse("").unwrap();
    assert_eq!(empty, Profile::default());
    assert_eq!(empty.weights.lambda_latency(), None);
}

#[test]
fn each_mistake_names_its_line() {
    for (text, line, words) in [
        ("[wieghts]\n", 1, "unknown field `wieghts`"),
        (
            "\n[weights]\nlatency = -1\n",
            3,
            "-1 is no weight; write a number from 0",
        ),
        ("[weights]\nquality = 0\n", 2, "not above 0"),
        ("[weights]\nlatency = nan\n", 2, "no weight"),
        ("[weights]\nlatency = \"much\"\n", 2, "invalid type"),
        ("[weights.measures]\nmap = inf\n", 2, "no weight"),
        ("strategy = \"best\"\n", 1, "write weighted or rank"),
        (
            "[conditions]\nlicence = \"openrail\"\n",
            2,
            "write LicenseRef-openrail",
        ),
        ("[conditions]\nlicence = \"MIT AND ISC\"\n", 2, "write OR"),
        ("[conditions]\nprivacy = \"none\"\n", 2, "write local, remote"),
        ("[conditions]\nmax-memory = \"lots\"\n", 2, "write such as 500M"),
        ("[conditions]\nmax-memory = -3\n", 2, "no size"),
        (
            "[[feedback]]\ncandidate = \"a\"\nrating = 3\n",
            3,
            "3 is no rating",
        ),
        ("[[feedback]]\nrating = 1\n", 1, "missing field `candidate`"),
        ("forbidden = \"a\"\n", 1, "invalid type"),
        ("x = \n", 1, "correct this line"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}\n{error}");
        assert!(
            error.starts_with(&format!("profile.toml:{line}: ")),
            "{text}\n{error}"
        );
    }
}

#[test]
fn feedback_is_written_behind_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.toml");
    let feedback = |rating| Feedback {
        candidate: "medium".into(),
        rating,
        date: None,
        note: Some("good".into()),
    };
    Profile::remember(&path, &[feedback(1.0)]).unwrap();
    assert_eq!(Profile::load(&path).unwrap().feedback, [feedback(1.0)]);
    bounded_file::write(&path, FULL).unwrap();
    Profile::remember(&path, &[feedback(0.5)]).unwrap();
    let text = bounded_file::read_text(&path, MAX_BYTES).unwrap();
    assert_eq!(
        text,
        format!("{FULL}\n[[feedback]]\ncandidate = \"medium\"\nrating = 0.5\nnote = \"good\"\n")
    );
    let error = Profile::remember(&path, &[feedback(1.5)]).unwrap_err();
    assert!(error.cause.contains("no rating"), "{error}");
    assert_eq!(bounded_file::read_text(&path, MAX_BYTES).unwrap(), text);
}
