// SPDX-License-Identifier: MPL-2.0

//! What stands on the board, and how one event changes it: pure bookkeeping under the board's lock.

use std::collections::VecDeque;
use std::time::Duration;

use super::status::{LaneOutput, LaneStatus, Purpose, Run};
use crate::elements::switch::audio::Sound;
use crate::elements::switch::scoring::trial::{ModifiedFrame, Trial};
use crate::policy::{Availability, Evidence, Outlook, RunKind};

/// Frames for which a perturbed frame waits for slack: 10 s at 25 fps.
const PATIENCE: u64 = 250;

/// Something that happened on another thread and that the policy has yet to be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fact {
    Ran {
        lane: usize,
        latency: Duration,
        kind: RunKind,
    },
    Scored {
        lane: usize,
        score: f64,
        evidence: Evidence,
    },
    Failed {
        lane: usize,
    },
    Warm {
        lane: usize,
    },
    /// The lane's answers to a frame and to the same frame slightly perturbed agreed to this degree.
    Perturbed {
        lane: usize,
        agreement: f64,
    },
    /// An operator said what the lane's answers are worth.
    NamedExplanation {
        lane: usize,
        score: f64,
    },
    LateDownstream {
        jitter: Duration,
    },
}

/// How waiting for an answer ended.
#[derive(Debug)]
pub enum Outcome {
    Answered(LaneOutput),
    /// The deadline passed.
    Deadline,
    /// The lane failed, or dropped the frame.
    NoAnswer,
    Flushing,
}

/// What the lane's thread has to do after it delivered an answer.
#[derive(Debug)]
pub enum FollowUp {
    Nothing,
    /// The trial's next lane takes the same frame.
    RunNext {
        lane: usize,
        frame: gst::Buffer,
    },
    /// All answers of the trial are in.
    Score(Trial),
    /// The lane finished its warm-up.
    Announce {
        lane: usize,
    },
}

/// Everything behind the board's mutex.
#[derive(Debug, Default)]
pub struct State {
    pub slots: Vec<LaneStatus>,
    pub flushing: bool,
    pub trial: Option<Trial>,
    pub echo: Option<ModifiedFrame>,
    /// Whether a frame is looked at by the lane that looked at the one before.
    pub wants_neighbors: bool,
    /// The lane that looked at a frame beside the active one, and the number of that frame.
    pub followed: Option<(usize, u64)>,
    /// The reference, when its answers proved to be of another task.
    pub stranger: Option<usize>,
    /// The last answer that nobody waited for, and whose it is.
    pub held: Option<(usize, LaneOutput)>,
    pub outlooks: Vec<Outlook>,
    /// `None` before the policy was first asked.
    pub slowdown: Option<f64>,
    /// What a miss costs, in log-quality; `None` before the policy was first asked.
    pub price_per_miss: Option<f64>,
    pub facts: VecDeque<Fact>,
    pub awaited: Option<Awaited>,
    /// Where the stream stands, if it is sound.
    pub sound: Option<Sound>,
    /// Lanes that have become warm by sound and are yet to be announced.
    pub warmed: Vec<usize>,
    /// When the newest frame entered.
    pub newest: Option<gst::ClockTime>,
    /// The lane that was last asked to answer a frame.
    last_asked: Option<usize>,
}

/// The answer that the dispatching thread is waiting for.
#[derive(Debug)]
pub struct Awaited {
    pub lane: usize,
    pub stamp: gst::ClockTime,
    pub outcome: Option<Outcome>,
}

impl State {
    pub fn tell(&mut self, fact: Fact) {
        self.facts.push_back(fact);
    }

    /// Gives `lane` a frame; the caller pushes it into the lane after the lock is gone.
    pub fn claim(
        &mut self,
        lane: usize,
        stamp: gst::ClockTime,
        pts: Option<gst::ClockTime>,
        purpose: Purpose,
    ) {
        let Some(slot) = self.slots.get_mut(lane) else {
            return;
        };
        let started = gst::get_timestamp();
        let is_first = self.last_asked != Some(lane);
        slot.run = Some(Run {
            stamp,
            pts,
            started,
            purpose,
            abandoned: false,
            returned: None,
            is_first,
            reported_hung: false,
        });
        if matches!(purpose, Purpose::Answer | Purpose::Stride) {
            self.last_asked = Some(lane);
        }
        if matches!(purpose, Purpose::Answer | Purpose::Survey) {
            self.awaited = Some(Awaited {
                lane,
                stamp,
                outcome: None,
            });
        }
    }

    /// The run of that frame, if the lane still has it in hand.
    pub fn run_of(&mut self, lane: usize, entered: Option<gst::ClockTime>) -> Option<&mut Run> {
        let run = self.slots.get_mut(lane)?.run.as_mut()?;
        (Some(run.stamp) == entered).then_some(run)
    }

    /// Ends the run of `lane` without an answer, because the lane failed or dropped the frame.
    pub fn end_without_answer(&mut self, lane: usize) {
        if let Some(slot) = self.slots.get_mut(lane) {
            slot.run = None;
            slot.audio.end();
        }
        if let Some(awaited) = self
            .awaited
            .as_mut()
            .filter(|it| it.lane == lane && it.outcome.is_none())
        {
            awaited.outcome = Some(Outcome::NoAnswer);
        }
        if self.trial.as_ref().is_some_and(|it| it.waits_for(lane)) {
            self.trial = None;
        }
    }
}

impl State {
    /// Lanes that could answer a frame, warm or not.
    pub fn idle(&self) -> impl Iterator<Item = usize> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.could_answer())
            .map(|(lane, _)| lane)
    }

    /// Takes the perturbed frame that waits, if its lane could run it within `slack` beside the active one. One that
    /// is out of date is dropped.
    pub fn take_echo(
        &mut self,
        active: usize,
        number: u64,
        slack: Duration,
        caps: Option<&gst::Caps>,
    ) -> Option<ModifiedFrame> {
        self.echo
            .take_if(|it| Some(&it.caps) != caps || it.number + PATIENCE < number);
        let lane = self.echo.as_ref()?.lane;
        let may_run = self.could_run_beside(lane, active, slack);
        self.echo.take_if(|_| may_run)
    }

    /// The lane that looked at the frame before, if it could look at this one in the slack too.
    pub fn take_followed(&mut self, active: usize, number: u64, slack: Duration) -> Option<usize> {
        let (lane, before) = self.followed.take()?;
        let may_run = lane != active && before + 1 == number && self.could_run_beside(lane, active, slack);
        may_run.then_some(lane)
    }

    /// Whether the lane is free and, as a rule, done within `slack`; the active one must be free again long before the
    /// next frame.
    fn could_run_beside(&self, lane: usize, active: usize, slack: Duration) -> bool {
        let Some(slot) = self.slots.get(lane) else {
            return false;
        };
        let slack = if lane == active { slack / 2 } else { slack };
        let usual = slot.tally.window.percentile(95.0);
        slot.availability() == Availability::Ready && usual.is_some_and(|it| it <= slack)
    }

    /// Lanes that the user did not forbid to answer.
    pub fn allowed(&self) -> Vec<usize> {
        let all = self.slots.iter().enumerate();
        all.filter(|it| !it.1.is_forbidden).map(|it| it.0).collect()
    }

    /// The lane that answers at once when `late` does not: `named` if it is idle, else, unless the frame
    /// itself will do, the fastest idle one.
    pub fn floor(&self, named: Option<usize>, frame_will_do: bool, late: Option<usize>) -> Option<usize> {
        let others = || self.idle().filter(|it| Some(*it) != late);
        // One that was never measured is better than nobody.
        let pace = |lane: &usize| {
            let slot = self.slots.get(*lane);
            slot.and_then(|it| it.tally.window.percentile(50.0))
                .unwrap_or(Duration::MAX)
        };
        match named.filter(|it| others().any(|lane| lane == *it)) {
            None if !frame_will_do => others().min_by_key(pace),
            named => named,
        }
    }

    /// Gives up waiting: the run goes on, but its answer will be late.
    pub fn abandon(&mut self) {
        let Some(awaited) = self.awaited.take() else {
            return;
        };
        let Some(run) = self.slots.get_mut(awaited.lane).and_then(|it| it.run.as_mut()) else {
            return;
        };
        run.abandoned = true;
        if run.returned.is_some() {
            self.end_without_answer(awaited.lane);
        }
    }

    pub fn finish(&mut self, lane: usize, run: Run, answer: LaneOutput, latency: Duration) -> FollowUp {
        let Some(slot) = self.slots.get_mut(lane) else {
            return FollowUp::Nothing;
        };
        slot.tally.runs += 1;
        let kind = match run.purpose {
            Purpose::WarmUp => RunKind::WarmUp,
            Purpose::Survey if slot.is_warming() => RunKind::WarmUp,
            // What ran into the next frame was not undisturbed, whatever was expected of it.
            Purpose::Shadow(_) | Purpose::Survey if self.newest.is_some_and(|it| run.stamp < it) => {
                RunKind::Overlapped
            }
            Purpose::Shadow(_) | Purpose::Survey => RunKind::Shadow,
            Purpose::Hear(kind) => kind,
            Purpose::Answer | Purpose::Stride if run.is_first => RunKind::WarmUp,
            Purpose::Answer | Purpose::Stride => RunKind::Active,
        };
        if kind != RunKind::WarmUp {
            slot.tally.window.push(latency);
        }
        let became_warm = slot.warm_up();
        self.tell(Fact::Ran { lane, latency, kind });
        if became_warm {
            self.tell(Fact::Warm { lane });
        }
        match run.purpose {
            Purpose::Answer | Purpose::Survey if !run.abandoned => {
                let is_awaited = |it: &&mut Awaited| it.lane == lane && it.stamp == run.stamp;
                if let Some(awaited) = self.awaited.as_mut().filter(is_awaited) {
                    awaited.outcome = Some(Outcome::Answered(answer));
                }
            }
            Purpose::Stride if !run.abandoned => self.held = Some((lane, answer)),
            Purpose::Shadow(_) if !run.abandoned => return self.continue_trial(lane, answer),
            _ => {}
        }
        if became_warm {
            FollowUp::Announce { lane }
        } else {
            FollowUp::Nothing
        }
    }

    fn continue_trial(&mut self, lane: usize, answer: LaneOutput) -> FollowUp {
        let Some(mut trial) = self.trial.take_if(|it| it.waits_for(lane)) else {
            return FollowUp::Nothing;
        };
        trial.answered(lane, answer);
        if let Some(lane) = trial.followed().filter(|_| self.wants_neighbors) {
            self.followed = Some((lane, trial.number));
        }
        let Some(next) = trial.next_lane() else {
            return FollowUp::Score(trial);
        };
        // The lane that answers live must be free when the next frame comes.
        if self.last_asked == Some(next) || !self.slots.get(next).is_some_and(LaneStatus::is_idle) {
            return FollowUp::Score(trial);
        }
        let (frame, entered) = (trial.frame.clone(), trial.entered);
        self.claim(next, entered, frame.pts(), Purpose::Shadow(trial.kind));
        self.trial = Some(trial);
        FollowUp::RunNext { lane: next, frame }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::switch::lanes::status::LaneState;

    #[test]
    fn a_lane_that_was_never_measured_stands_in_where_nobody_else_can() {
        let lane = |residency: LaneState| LaneStatus {
            residency,
            ..LaneStatus::new("a".into())
        };
        let state = State {
            slots: vec![
                lane(LaneState::Loading),
                lane(LaneState::Warming { runs_left: 3 }),
                lane(LaneState::Loading),
            ],
            ..State::default()
        };
        assert_eq!(
            state.floor(Some(2), false, None),
            Some(1),
            "the named floor still loads"
        );
        assert_eq!(state.floor(None, false, None), Some(1));
        assert_eq!(state.floor(None, true, None), None, "the frame itself will do");
    }
}
