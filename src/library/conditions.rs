// SPDX-License-Identifier: MPL-2.0

//! What a user asks of a candidate before it counts at all, and why one is left out.

use std::fmt;

use super::license::{Allowed, License, LicenseError};
use crate::runtime::catalog::{Candidate, Privacy};

/// Each is asked only where it is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions {
    pub licence: Option<Allowed>,
    /// Who may see the frames at most.
    pub privacy: Option<Privacy>,
    /// Bytes.
    pub max_memory: Option<u64>,
    pub provider: Option<String>,
    /// Names of candidates that are not wanted.
    pub forbidden: Vec<String>,
}

/// What is known of a candidate that conditions ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Subject<'a> {
    pub name: &'a str,
    pub license: Option<&'a str>,
    pub privacy: Option<Privacy>,
    /// Bytes.
    pub memory: Option<u64>,
    pub provider: &'a str,
}

impl<'a> From<&'a Candidate> for Subject<'a> {
    fn from(it: &'a Candidate) -> Subject<'a> {
        Subject {
            name: &it.name,
            license: it.license.as_deref(),
            privacy: it.privacy(),
            memory: it.memory,
            provider: it.provider(),
        }
    }
}

/// Why a candidate is left out, as a sentence that goes on from its name.
#[derive(Debug, Clone, PartialEq)]
pub enum Exclusion {
    Forbidden,
    LicenceUnknown { allowed: String },
    LicenceUnreadable(LicenseError),
    Licence { license: String, allowed: String },
    PrivacyUnknown,
    Privacy { is: Privacy, asked: Privacy },
    MemoryUnknown { limit: u64 },
    Memory { needs: u64, limit: u64 },
    Provider { is: String, asked: String },
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exclusion::Forbidden => write!(f, "is forbidden"),
            Exclusion::LicenceUnknown { allowed } => write!(
                f,
                "does not say its licence, and only {allowed} is allowed; add 'license = \"…\"' to it, or leave the licence open"
            ),
            Exclusion::LicenceUnreadable(error) => write!(f, "has a licence that nobody can judge: {error}"),
            Exclusion::Licence { license, allowed } => {
                write!(f, "is licensed under {license}, and only {allowed} is allowed")
            }
            Exclusion::PrivacyUnknown => write!(
                f,
                "does not say who sees the frames; add 'privacy = \"local\"' to it if they stay on this machine"
            ),
            Exclusion::Privacy { is, asked } => {
                let frames = match is {
                    Privacy::Local => "stay on this machine",
                    Privacy::Remote => "go to another machine",
                    Privacy::UploadsFrames => "are uploaded to somebody else",
                };
                write!(
                    f,
                    "has the privacy {}, frames {frames}; asked is {}",
                    is.name(),
                    asked.name()
                )
            }
            Exclusion::MemoryUnknown { limit } => write!(
                f,
                "does not say its memory, and at most {} is allowed; add 'memory = BYTES' to it, or measure it by `avrec rank`",
                bytes(*limit)
            ),
            Exclusion::Memory { needs, limit } => write!(
                f,
                "takes {} of memory, more than the {} that are allowed",
                bytes(*needs),
                bytes(*limit)
            ),
            Exclusion::Provider { is, asked } => write!(f, "runs on {is}, not on {asked}"),
        }
    }
}

impl Conditions {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Conditions::default()
    }

    /// Why a candidate is left out; `None` where it fulfils all conditions. The first of several reasons is told.
    pub fn exclusion(&self, subject: Subject) -> Option<Exclusion> {
        let forbidden = self.forbidden.iter().any(|it| it == subject.name);
        forbidden
            .then_some(Exclusion::Forbidden)
            .or_else(|| self.licence(subject))
            .or_else(|| self.privacy(subject))
            .or_else(|| self.memory(subject))
            .or_else(|| self.provider(subject))
    }

    /// Those of the forbidden names that nobody has.
    pub fn unknown_names<'a>(&'a self, names: &[&str]) -> Vec<&'a str> {
        let all = self.forbidden.iter().map(String::as_str);
        all.filter(|it| !names.contains(it)).collect()
    }

    /// These, and where they say nothing those of `other`; what one of them forbids is forbidden.
    pub fn or(mut self, other: &Conditions) -> Conditions {
        self.licence = self.licence.or_else(|| other.licence.clone());
        self.privacy = self.privacy.or(other.privacy);
        self.max_memory = self.max_memory.or(other.max_memory);
        self.provider = self.provider.or_else(|| other.provider.clone());
        let more = other.forbidden.iter().filter(|it| !self.forbidden.contains(it));
        let more: Vec<String> = more.cloned().collect();
        self.forbidden.extend(more);
        self
    }

    fn licence(&self, subject: Subject) -> Option<Exclusion> {
        let allowed = self.licence.as_ref()?;
        let Some(text) = subject.license.filter(|it| !it.trim().is_empty()) else {
            let allowed = allowed.to_string();
            return Some(Exclusion::LicenceUnknown { allowed });
        };
        match License::parse(text) {
            Err(error) => Some(Exclusion::LicenceUnreadable(error)),
            Ok(license) if allowed.satisfy(&license) => None,
            Ok(license) => Some(Exclusion::Licence {
                license: license.to_string(),
                allowed: allowed.to_string(),
            }),
        }
    }

    fn privacy(&self, subject: Subject) -> Option<Exclusion> {
        let asked = self.privacy?;
        match subject.privacy {
            None if asked == Privacy::UploadsFrames => None,
            None => Some(Exclusion::PrivacyUnknown),
            Some(is) => (asked < is).then_some(Exclusion::Privacy { is, asked }),
        }
    }

    fn memory(&self, subject: Subject) -> Option<Exclusion> {
        let limit = self.max_memory?;
        match subject.memory {
            None => Some(Exclusion::MemoryUnknown { limit }),
            Some(needs) => (limit < needs).then_some(Exclusion::Memory { needs, limit }),
        }
    }

    fn provider(&self, subject: Subject) -> Option<Exclusion> {
        let asked = self.provider.as_ref()?;
        (!subject.provider.eq_ignore_ascii_case(asked)).then(|| Exclusion::Provider {
            is: subject.provider.to_owned(),
            asked: asked.clone(),
        })
    }
}

/// Units of sizes, of which a letter is enough: a kilobyte has 1000 bytes, a kibibyte 1024.
const UNITS: [(&str, u64); 7] = [
    ("ki", 1 << 10),
    ("mi", 1 << 20),
    ("gi", 1 << 30),
    ("k", 1_000),
    ("m", 1_000_000),
    ("g", 1_000_000_000),
    ("", 1),
];

/// Reads a size such as `500M`, `1.5GiB` or `1000000`.
///
/// # Errors
///
/// When it is none, with what to write.
pub fn size(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches('b');
    let read = || {
        let (number, unit) = UNITS.iter().find_map(|(unit, bytes)| {
            let number = digits.strip_suffix(unit)?;
            Some((number.trim().parse::<f64>().ok()?, *bytes))
        })?;
        let bytes = number * unit as f64;
        (1.0 <= bytes && bytes < u64::MAX as f64).then_some(bytes as u64)
    };
    read().ok_or_else(|| format!("'{text}' is no size; write such as 500M, 2G or 512Mi"))
}

/// A size for people.
pub fn bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} bytes"),
        1_000..1_000_000 => (1e3, "kB"),
        1_000_000..1_000_000_000 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    let number = bytes as f64 / unit;
    let digits = usize::from(number < 10.0);
    format!("{number:.digits$} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Subject = Subject {
        name: "small",
        license: Some("MIT"),
        privacy: Some(Privacy::Local),
        memory: Some(10_000_000),
        provider: "cpu",
    };

    #[track_caller]
    fn check(conditions: &Conditions, subject: Subject, expected: Option<&str>) {
        let reason = conditions.exclusion(subject).map(|it| it.to_string());
        match (&reason, expected) {
            (Some(reason), Some(words)) => assert!(reason.contains(words), "{reason}"),
            _ => assert_eq!(reason.as_deref(), expected),
        }
    }

    #[test]
    fn each_exclusion_has_its_reason() {
        let licence = Conditions {
            licence: Allowed::parse("MIT OR MPL-2.0").ok(),
            ..Conditions::default()
        };
        let of = |license| Subject { license, ..SMALL };
        check(&licence, SMALL, None);
        check(&licence, of(Some("GPL-3.0-only OR MPL-2.0")), None);
        check(
            &licence,
            of(Some("AGPL-3.0-only")),
            Some("under AGPL-3.0-only, and only MIT OR MPL-2.0"),
        );
        check(&licence, of(None), Some("add 'license = \"…\"' to it"));
        check(&licence, of(Some(" ")), Some("does not say its licence"));
        check(
            &licence,
            of(Some("openrail")),
            Some("'openrail' is no SPDX expression (SPDX has no 'openrail'); write LicenseRef-openrail"),
        );

        let privacy = |asked| Conditions {
            privacy: Some(asked),
            ..Conditions::default()
        };
        let of = |privacy| Subject { privacy, ..SMALL };
        check(&privacy(Privacy::Local), SMALL, None);
        check(
            &privacy(Privacy::Local),
            of(Some(Privacy::Remote)),
            Some("frames go to another machine"),
        );
        check(
            &privacy(Privacy::Remote),
            of(Some(Privacy::UploadsFrames)),
            Some("are uploaded"),
        );
        check(&privacy(Privacy::UploadsFrames), of(None), None);
        check(&privacy(Privacy::Remote), of(None), Some("privacy = \"local\""));

        let memory = Conditions {
            max_memory: Some(5_000_000),
            ..Conditions::default()
        };
        let of = |memory| Subject { memory, ..SMALL };
        check(
            &memory,
            SMALL,
            Some("takes 10 MB of memory, more than the 5.0 MB"),
        );
        check(&memory, of(Some(5_000_000)), None);
        check(&memory, of(None), Some("memory = BYTES"));

        let provider = Conditions {
            provider: Some("cuda".into()),
            ..Conditions::default()
        };
        check(&provider, SMALL, Some("runs on cpu, not on cuda"));
        let forbidden = Conditions {
            forbidden: vec!["small".into(), "tiny".into()],
            ..Conditions::default()
        };
        check(&forbidden, SMALL, Some("is forbidden"));
        assert_eq!(forbidden.unknown_names(&["small"]), ["tiny"]);
        check(&Conditions::default(), SMALL, None);
    }

    #[test]
    fn what_was_typed_goes_before_what_the_profile_says() {
        let typed = Conditions {
            max_memory: Some(1),
            forbidden: vec!["a".into()],
            ..Conditions::default()
        };
        let kept = Conditions {
            max_memory: Some(2),
            privacy: Some(Privacy::Local),
            forbidden: vec!["a".into(), "b".into()],
            ..Conditions::default()
        };
        let both = typed.or(&kept);
        assert_eq!((both.max_memory, both.privacy), (Some(1), Some(Privacy::Local)));
        assert_eq!(both.forbidden, ["a", "b"]);
    }

    #[test]
    fn sizes_are_read_and_told() {
        for (text, expected) in [
            ("500M", 500_000_000),
            ("500 MB", 500_000_000),
            ("1.5GiB", 3 << 29),
            ("512Mi", 512 << 20),
            ("64k", 64_000),
            ("1000", 1000),
        ] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "M", "-1M", "0", "nan", "1e300G", "much", "5T"] {
            assert!(size(text).unwrap_err().contains("write such as"), "{text}");
        }
        assert_eq!(bytes(52_428_800), "52 MB");
        assert_eq!(
            (bytes(999), bytes(1_500)),
            ("999 bytes".into(), "1.5 kB".to_string())
        );
    }
}
