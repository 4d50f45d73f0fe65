// SPDX-License-Identifier: MPL-2.0

//! What the user should hear of candidates whose answers are not of one task, do not look alike, cannot be compared, or are
//! not what `quality-source` judges: each once, from the moment on that it is so.

use parking_lot::Mutex;

use super::bus::Bus;
use super::caps_difference::{only_parting, short};
use super::enums::QualitySource;
use super::lanes::answer_caps::are_alike;
use super::lanes::kind::{Kind, Kinds};
use super::lanes::lane::Identity;
use super::lanes::list::LaneList;
use super::settings::Settings;
use super::unanswered::{Absence, absence};
use crate::messages::CandidateState;
use crate::policy::Evidence;

/// Labels of a candidate that are named.
const NAMES: usize = 4;

/// A warning and what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Complaint {
    text: String,
    remedy: String,
    topic: Topic,
}

/// What a complaint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Tasks,
    /// What answers look like; told once, whoever of several it is said of.
    Outputs,
}

impl Complaint {
    /// Whether who heard the other one need not hear this.
    fn says_no_more_than(&self, other: &Complaint) -> bool {
        self == other || (self.topic, other.topic) == (Topic::Outputs, Topic::Outputs)
    }
}

/// What was told, for as long as it is so.
#[derive(Debug, Default)]
pub struct Complaints {
    told: Mutex<Vec<Complaint>>,
}

impl Complaints {
    /// Looks at all candidates, and warns of what is new. While one is being loaded there may be more to come.
    pub fn look(&self, bus: &Bus, list: &LaneList, settings: &Settings) {
        let is_loading = |it: &Identity| match it.tally.state().0 {
            CandidateState::Loading => true,
            CandidateState::Failed | CandidateState::Unloaded => false,
            _ => it
                .elements
                .as_ref()
                .is_some_and(|of| it.tally.models() < of.models),
        };
        if present(list, settings).any(is_loading) {
            return;
        }
        let complaints = of(list, settings);
        let new: Vec<Complaint> = {
            let mut told = self.told.lock();
            let before = std::mem::replace(&mut *told, complaints);
            told.iter()
                .filter(|it| !before.iter().any(|told| it.says_no_more_than(told)))
                .cloned()
                .collect()
        };
        for complaint in new {
            bus.warn(&complaint.text, &complaint.remedy);
        }
    }
}

/// Whether the candidates are of more than one task, so that the user is told at once.
pub fn are_mixed(list: &LaneList, settings: &Settings) -> bool {
    mixture(list, settings).is_some()
}

/// The candidates that may answer.
fn present<'a>(list: &'a LaneList, settings: &'a Settings) -> impl Iterator<Item = &'a Identity> {
    let counts = |it: &&Identity| !settings.forbids(&it.name);
    list.lanes.values().filter(counts)
}

fn of(list: &LaneList, settings: &Settings) -> Vec<Complaint> {
    let kinds = list.kinds(None, |it| !settings.forbids(it));
    match present(list, settings).count() {
        0 => return all_forbidden(list, settings).into_iter().collect(),
        // Nobody is compared with anybody.
        1 => return Vec::new(),
        _ => {}
    }
    let all = [
        mixture(list, settings),
        incomparable(list, settings),
        unlike_names(list, settings),
        unsuited(list, settings, &kinds),
        unlike_outputs(list, settings),
    ];
    all.into_iter().flatten().collect()
}

/// Nobody is left who may answer.
fn all_forbidden(list: &LaneList, settings: &Settings) -> Option<Complaint> {
    let absence = absence(list, settings).filter(|it| matches!(it, Absence::Forbidden(_)))?;
    Some(Complaint {
        text: format!(
            "{}: frames leave as they came where their caps agree, else they are dropped",
            absence.text()
        ),
        remedy: absence.remedy().into(),
        topic: Topic::Tasks,
    })
}

/// Names of those that give this.
fn givers(list: &LaneList, settings: &Settings, kind: Kind) -> String {
    let gives = present(list, settings).filter(|it| it.tally.kind() == Some(kind));
    let names: Vec<&str> = gives.map(|it| &*it.name).collect();
    names.join(", ")
}

/// Candidates of more than one task.
fn mixture(list: &LaneList, settings: &Settings) -> Option<Complaint> {
    let groups: Vec<String> = Kind::ALL
        .into_iter()
        .map(|kind| (kind, givers(list, settings, kind)))
        .filter(|it| !it.1.is_empty())
        .map(|(kind, names)| format!("{} from {names}", kind.name()))
        .collect();
    (1 < groups.len()).then(|| Complaint {
        text: format!("the candidates do not answer one task: {}", groups.join("; ")),
        remedy: "a switch compares answers of one kind, the others keep their priors: take those of another task out, name \
                 them in `forbidden`, or give each task a switch of its own; where `task=auto` was wrong, set `task`".into(),
        topic: Topic::Tasks,
    })
}

/// Candidates whose answers nobody can read.
fn incomparable(list: &LaneList, settings: &Settings) -> Option<Complaint> {
    let is_hidden = |it: &&Identity| {
        let tally = &it.tally;
        tally.declared() == Some(Kind::Tensors) || !tally.is_on_frames()
    };
    let names: Vec<&str> = present(list, settings)
        .filter(is_hidden)
        .map(|it| &*it.name)
        .collect();
    let compares = settings.quality_source != QualitySource::Prior;
    (compares && !names.is_empty()).then(|| Complaint {
        text: format!(
            "the answers of {} cannot be compared, because they do not stand on the frames: priors alone rank them",
            names.join(", ")
        ),
        remedy: "of raw tensors, set `task` to what the model is for; of masks, set `output=alpha`, or build with the feature \
                 analytics; or say so with `quality-source=prior`".into(),
        topic: Topic::Tasks,
    })
}

/// Candidates whose classes have no name in common: the first two.
fn unlike_names(list: &LaneList, settings: &Settings) -> Option<Complaint> {
    let all: Vec<&Identity> = present(list, settings).collect();
    let pairs = all.iter().enumerate().flat_map(|(at, one)| {
        let others = all[at + 1..].iter();
        others.map(move |other| (*one, *other))
    });
    let (one, other) = pairs
        .into_iter()
        .find(|(one, other)| !one.tally.shares_labels(&other.tally))?;
    let named = |it: &Identity| {
        let labels = it.tally.labels().unwrap_or_default();
        let first: Vec<&str> = labels.iter().take(NAMES).map(String::as_str).collect();
        let more = if NAMES < labels.len() { ", …" } else { "" };
        match first.is_empty() {
            true => format!("{} has none", it.name),
            false => format!("{} has {}{more}", it.name, first.join(", ")),
        }
    };
    Some(Complaint {
        text: format!(
            "the candidates {} and {} have no label in common, so that their answers cannot be compared: {}; {}",
            one.name,
            other.name,
            named(one),
            named(other)
        ),
        remedy: "give them the same labels by `labels-file`, or take one out; what does not compare with the reference keeps \
                 its prior".into(),
        topic: Topic::Tasks,
    })
}

/// Candidates whose answers do not look alike: the first two. Nothing where the switch holds them to one.
fn unlike_outputs(list: &LaneList, settings: &Settings) -> Option<Complaint> {
    let is_up = |it: &&Identity| it.tally.state().0 != CandidateState::Failed;
    let shown = |it: &Identity| Some((it.name.clone(), it.tally.output()?));
    let outputs: Vec<_> = present(list, settings).filter(is_up).filter_map(shown).collect();
    let (name, caps) = outputs.first().filter(|_| settings.output_caps.is_none())?;
    let (other, others) = outputs.iter().find(|it| !are_alike(caps, &it.1))?;
    let wanted = match area(caps) < area(others) {
        true => only_parting(others, caps),
        false => only_parting(caps, others),
    };
    let [caps, others, wanted] = [caps, others, &wanted].map(|it| short(it));
    Some(Complaint {
        text: format!(
            "what the candidates give differs, so that each swap changes the caps behind the switch: {name} gives {caps}, \
             {other} gives {others}; mp4mux and flvmux record damage then, and matroskamux fails"
        ),
        remedy: format!(
            "set output-caps=\"{wanted}\" to hold all to one, or put the capsfilter \"{wanted}\" behind the switch; \
             candidates that cannot give it need videoconvert ! videoscale behind them, inside the candidate"
        ),
        topic: Topic::Outputs,
    })
}

/// Pixels of a picture, none of what is no picture.
fn area(caps: &gst::CapsRef) -> i64 {
    let side = |name: &str| caps.structure(0).and_then(|it| it.get::<i32>(name).ok());
    side("width")
        .zip(side("height"))
        .map_or(0, |it| i64::from(it.0) * i64::from(it.1))
}

/// A source of quality that judges something else than the answers.
fn unsuited(list: &LaneList, settings: &Settings, kinds: &Kinds) -> Option<Complaint> {
    let source = settings.quality_source;
    let (evidence, judges) = match source {
        QualitySource::Restore => (Evidence::Restoration, "pictures"),
        QualitySource::Confidence => (Evidence::Claimed, "boxes, classes and masks"),
        QualitySource::Stability => (Evidence::Stability, "all but sound and tensors"),
        QualitySource::Auto | QualitySource::Agreement | QualitySource::Prior => return None,
    };
    let main = kinds.main().filter(|it| !it.suits(evidence))?;
    let nick = match source {
        QualitySource::Restore => "restore",
        QualitySource::Confidence => "confidence",
        _ => "stability",
    };
    Some(Complaint {
        text: format!(
            "quality-source={nick} counts for nothing here: it judges {judges}, and the answers of {} are {}",
            givers(list, settings, main),
            main.name()
        ),
        remedy: "set `quality-source` to auto or agreement; until then priors alone rank the candidates"
            .into(),
        topic: Topic::Tasks,
    })
}
