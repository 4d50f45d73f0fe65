// SPDX-License-Identifier: MPL-2.0

//! Frames that no candidate answers, or none in time: what the user hears of it, and never for each frame.

use std::time::Duration;

use super::bus::Bus;
use super::enums::LatePolicy;
use super::lanes::lane::Identity;
use super::lanes::list::LaneList;
use super::settings::Settings;
use crate::elements::unit_mistake;
use crate::messages::CandidateState;

/// How long every frame must have been late before it is told: longer than a spike, shorter than an operator waits for a
/// word.
const LATE_FOR: Duration = Duration::from_secs(1);

/// Time until it is told again that nobody can answer; it doubles each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why no candidate can answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Absence {
    Removed,
    /// The user forbade these, which are all.
    Forbidden(String),
    /// Each with its cause.
    Failed(String),
}

impl Absence {
    /// What is told of it.
    pub fn text(&self) -> String {
        match self {
            Absence::Removed => "no candidate can answer: all of them were removed".to_string(),
            Absence::Forbidden(names) => {
                format!("no candidate may answer: `forbidden` names all of them ({names})")
            }
            Absence::Failed(causes) => format!("no candidate can answer: all of them failed: {causes}"),
        }
    }

    /// What to change.
    pub fn remedy(&self) -> &'static str {
        match self {
            Absence::Removed => "add one to the switch",
            Absence::Forbidden(_) => "take one out of `forbidden`",
            Absence::Failed(_) => {
                "mend what each of them says; one that failed is started again after 1, 4 and 16 seconds"
            }
        }
    }
}

/// Why nobody can answer; `None` while somebody may.
pub fn absence(list: &LaneList, settings: &Settings) -> Option<Absence> {
    let there = || list.lanes.values();
    let may_answer = |it: &&Identity| !settings.forbids(&it.name);
    if there()
        .filter(may_answer)
        .any(|it| it.tally.state().0 != CandidateState::Failed)
    {
        return None;
    }
    let names: Vec<&str> = there().map(|it| &*it.name).collect();
    Some(match (names.is_empty(), there().any(|it| may_answer(&it))) {
        (true, _) => Absence::Removed,
        (_, false) => Absence::Forbidden(names.join(", ")),
        _ => Absence::Failed(causes(there(), settings)),
    })
}

fn causes<'a>(lanes: impl Iterator<Item = &'a Identity>, settings: &Settings) -> String {
    let cause = |it: &Identity| match (settings.forbids(&it.name), it.tally.state().1) {
        (true, _) => format!("{}: it is forbidden", it.name),
        (false, cause) => format!("{}: {}", it.name, cause.as_deref().unwrap_or("no cause is known")),
    };
    lanes.map(cause).collect::<Vec<_>>().join("; ")
}

/// What became of a frame.
#[derive(Debug, Clone, Copy)]
pub struct Fate {
    /// When it had left, or was dropped.
    pub at: Duration,
    pub is_answered: bool,
    pub is_miss: bool,
    pub budget: Duration,
    pub policy: LatePolicy,
}

/// What the streaming thread has seen and told.
#[derive(Debug, Default)]
pub struct Unanswered {
    /// The frames that nobody could answer, since somebody last did.
    outage: Option<Outage>,
    /// Since when every frame is late, and the budget.
    late: Option<(Duration, Duration)>,
    /// The budget of which it was told that nobody keeps it.
    told_budget: Option<Duration>,
    /// Whether it was told that frames are scaled.
    told_conversion: bool,
}

#[derive(Debug)]
struct Outage {
    since: Duration,
    frames: u64,
    /// When it is to be told, and how long after that again.
    due: Duration,
    pause: Duration,
}

impl Unanswered {
    /// Takes in what became of a frame, and warns where that is due.
    pub fn saw(&mut self, fate: &Fate, bus: &Bus, list: &LaneList, settings: &Settings) {
        if fate.is_answered {
            self.outage = None;
        } else {
            self.tell_outage(fate, bus, list, settings);
        }
        if fate.is_miss {
            self.tell_late(fate, bus, list, settings);
        } else {
            self.late = None;
        }
    }

    /// Says, once, that a frame that nobody answered left scaled or converted.
    pub fn tell_conversion(&mut self, number: u64, bus: &Bus) {
        if std::mem::replace(&mut self.told_conversion, true) {
            return;
        }
        bus.inform(
            &format!(
                "no candidate answered frame {number} in time: it left scaled and converted to the caps of the answers, and so \
                 do others like it"
            ),
            "name a candidate that is always in time as `floor`, or raise `latency-budget`; `stats` counts them in \
             `floor-answers`",
        );
    }

    fn tell_outage(&mut self, fate: &Fate, bus: &Bus, list: &LaneList, settings: &Settings) {
        let outage = self.outage.get_or_insert(Outage {
            since: fate.at,
            frames: 0,
            due: fate.at,
            pause: FIRST_PAUSE,
        });
        outage.frames += 1;
        if fate.at < outage.due {
            return;
        }
        match absence(list, settings) {
            // That was told when it was set.
            None | Some(Absence::Forbidden(_)) => self.outage = None,
            Some(absence) => {
                let becomes = match (fate.policy, outage.frames) {
                    (LatePolicy::Drop, _) => "frames are dropped".to_string(),
                    (_, 1) => "frames leave as they came, or are dropped where their caps differ".to_string(),
                    (_, frames) => {
                        let seconds = fate.at.saturating_sub(outage.since).as_secs_f64();
                        format!("{frames} frames in {seconds:.0} s left as they came, or were dropped")
                    }
                };
                outage.due = fate.at + outage.pause;
                outage.pause = (outage.pause * 2).min(LONGEST_PAUSE);
                bus.warn(&format!("{}; {becomes}", absence.text()), absence.remedy());
            }
        }
    }

    fn tell_late(&mut self, fate: &Fate, bus: &Bus, list: &LaneList, settings: &Settings) {
        let is_own = |it: &mut (Duration, Duration)| it.1 != fate.budget;
        self.late.take_if(is_own);
        let (since, budget) = *self.late.get_or_insert((fate.at, fate.budget));
        // Who waits asked for no time, unless he says one; of one in a wrong unit was told already.
        let is_asked = fate.policy != LatePolicy::Wait || !settings.latency_budget.is_zero();
        let matters = is_asked && unit_mistake::LEAST <= budget;
        if !matters || self.told_budget == Some(budget) || fate.at < since + LATE_FOR {
            return;
        }
        let Some((name, time)) = fastest(list, settings).filter(|it| budget < it.1) else {
            return;
        };
        self.told_budget = Some(budget);
        let becomes = match fate.policy {
            LatePolicy::Wait => "every frame leaves late",
            LatePolicy::Drop => "frames are dropped",
            _ => {
                "the floor answers, or the frame itself leaves where the caps agree; else frames are dropped"
            }
        };
        let least = (time.as_secs_f64() * 1.25e3).ceil() as u64;
        bus.warn(
            &format!(
                "no candidate keeps the budget of {}: the fastest, {name}, takes {} in the median; {becomes}",
                ms(budget),
                ms(time)
            ),
            &format!(
                "raise `latency-budget` (latency-budget={least}000000 is {least} ms), add a faster candidate, name one that \
                 is fast enough as `floor`, or make the frames smaller"
            ),
        );
    }
}

/// Who that may answer has the smallest median latency.
fn fastest<'a>(list: &'a LaneList, settings: &Settings) -> Option<(&'a str, Duration)> {
    let could = |it: &&Identity| {
        let is_up = it.tally.state().0 != CandidateState::Failed;
        is_up && !settings.forbids(&it.name)
    };
    let pace = |it: &'a Identity| Some((&*it.name, it.tally.latency.get()?.p50));
    list.lanes
        .values()
        .filter(could)
        .filter_map(pace)
        .min_by_key(|it| it.1)
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}
