// SPDX-License-Identifier: MPL-2.0

//! What may be changed from outside, where the user allows it: three properties of a switch, as an application writes them.

use gst::prelude::*;
use http::StatusCode;
use serde::Deserialize;

use crate::messages::SwitchStats;

/// Weights that the property takes.
const WEIGHTS: std::ops::RangeInclusive<f64> = 0.001..=1000.0;

/// One property of one switch, by its number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    pub id: u64,
    #[serde(flatten)]
    change: Change,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    /// Pins a candidate; an empty name gives the choice back.
    ActiveCandidate(String),
    /// All that may not answer.
    Forbidden(Vec<String>),
    Weight(f64),
}

/// Why a wish is not granted.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal(pub StatusCode, pub String);

fn bad(text: String) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, text)
}

fn conflict(text: String) -> Refusal {
    Refusal(StatusCode::CONFLICT, text)
}

impl Wish {
    /// Reads what was sent.
    ///
    /// # Errors
    ///
    /// When it is no JSON of this form; says which.
    pub fn read(body: &[u8]) -> Result<Wish, Refusal> {
        serde_json::from_slice(body).map_err(|error| {
            bad(format!(
                "send {{\"id\": 0, \"active-candidate\": \"small\"}}, with \"forbidden\": [\"small\"] or \"weight\": 2 instead: {error}"
            ))
        })
    }

    /// Sets the property; returns what is so from the next frame on.
    ///
    /// # Errors
    ///
    /// When the element is no switch, has no such candidate, or could not go on so.
    pub fn grant(&self, element: &gst::Element) -> Result<String, Refusal> {
        let stats = element.property::<Option<gst::Structure>>("stats");
        let stats = stats.and_then(|it| SwitchStats::try_from(&*it).ok());
        let stats = stats.ok_or_else(|| bad("only an avrec-switch has candidates".to_owned()))?;
        let names: Vec<&str> = stats.candidates.iter().map(|it| it.name.as_str()).collect();
        let forbidden = element
            .property::<Option<String>>("forbidden")
            .unwrap_or_default();
        self.change.check(&names, &forbidden)?;
        Ok(match &self.change {
            Change::ActiveCandidate(name) if name.is_empty() => {
                element.set_property("auto-switch", true);
                "the switch chooses".to_owned()
            }
            Change::ActiveCandidate(name) => {
                element.set_property("active-candidate", name);
                format!("{name} is pinned")
            }
            Change::Forbidden(names) => {
                let list = Some(names.join(",")).filter(|it| !it.is_empty());
                element.set_property("forbidden", &list);
                match list {
                    Some(list) => format!("forbidden: {list}"),
                    None => "all may answer".to_owned(),
                }
            }
            Change::Weight(weight) => {
                element.set_property("weight", weight);
                format!("the weight is {weight}")
            }
        })
    }
}

impl Change {
    /// Whether it makes sense for a switch with these candidates, of which those are forbidden.
    fn check(&self, candidates: &[&str], forbidden: &str) -> Result<(), Refusal> {
        let is_there = |name: &&String| candidates.contains(&name.as_str());
        let unknown = |name: &str| {
            bad(format!(
                "there is no candidate {name}; there are {}",
                candidates.join(", ")
            ))
        };
        match self {
            Change::ActiveCandidate(name) if name.is_empty() => Ok(()),
            Change::ActiveCandidate(name) if !is_there(&name) => Err(unknown(name)),
            Change::ActiveCandidate(name) if forbidden.split(',').any(|it| it.trim() == name) => {
                Err(conflict(format!("{name} is forbidden; allow it first")))
            }
            Change::ActiveCandidate(_) => Ok(()),
            Change::Forbidden(names) => match names.iter().find(|it| !is_there(it)) {
                Some(name) => Err(unknown(name)),
                None if candidates.iter().all(|it| names.iter().any(|name| name == it)) => {
                    Err(conflict("one candidate has to be left".to_owned()))
                }
                None => Ok(()),
            },
            Change::Weight(weight) if WEIGHTS.contains(weight) => Ok(()),
            Change::Weight(weight) => Err(bad(format!("{weight} is no weight: 0.001 to 1000"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_property_is_read_and_anything_else_says_what_to_send() {
        let wish = |text: &str| Wish::read(text.as_bytes());
        let change = |text: &str| wish(text).unwrap().change;
        assert_eq!(
            change(r#"{"id": 3, "active-candidate": "a"}"#),
            Change::ActiveCandidate("a".into())
        );
        assert_eq!(
            change(r#"{"forbidden": ["a", "b"], "id": 3}"#),
            Change::Forbidden(vec!["a".into(), "b".into()])
        );
        assert_eq!(change(r#"{"id": 3, "weight": 2}"#), Change::Weight(2.0));
        for text in [
            "",
            "[]",
            "{}",
            r#"{"id": 3}"#,
            r#"{"id": -1, "weight": 2}"#,
            r#"{"id": 3, "weight": "2"}"#,
            r#"{"id": 3, "weight": 2, "active-candidate": "a"}"#,
            r#"{"id": 3, "latency-budget": 2}"#,
            r#"{"weight": 2}"#,
            "{\"id\": 3, \"active-candidate\": \"\u{0}\"",
        ] {
            let Refusal(status, told) = wish(text).unwrap_err();
            assert_eq!(status, 400, "{text}");
            assert!(told.contains("\"active-candidate\""), "{told}");
        }
    }

    #[test]
    fn what_the_switch_could_not_go_on_with_is_refused() {
        let check = |change: Change, forbidden| {
            let refusal = change.check(&["a", "b"], forbidden);
            refusal.map_or_else(|it| it.0.as_u16(), |()| 200)
        };
        let pin = |name: &str| Change::ActiveCandidate(name.into());
        let forbid = |names: &[&str]| Change::Forbidden(names.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(
            [check(pin("a"), ""), check(pin(""), "a"), check(pin("a"), "b")],
            [200; 3]
        );
        assert_eq!([check(pin("c"), ""), check(pin("a"), "b, a")], [400, 409]);
        assert_eq!([check(forbid(&["a"]), ""), check(forbid(&[]), "a")], [200; 2]);
        assert_eq!(
            [check(forbid(&["c"]), ""), check(forbid(&["b", "a"]), "")],
            [400, 409]
        );
        for weight in [0.0, -1.0, 1001.0, f64::NAN] {
            assert_eq!(check(Change::Weight(weight), ""), 400);
        }
    }
}
