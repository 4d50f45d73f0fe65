// SPDX-License-Identifier: MPL-2.0

//! Which models stay in memory where not all fit: the rule, without a clock, a thread or a lock.
//!
//! A model is there for all candidates that have the same one, and counts once. What a model is worth is what evicting it
//! would cost over the memory that it frees: uses × time of its load ÷ bytes (GreedyDual-Size-Frequency). Uses are frames,
//! half forgotten with each [`HALF_LIFE`]; and the value of whoever was evicted last is added to those that are used after
//! it, so that what nobody uses any more leaves in the end, however often it once was used. Floors never leave, and active
//! candidates only where their own stream wants another one in their place, or a floor is left of them under a limit that
//! was lowered. One load at a time, so that what it took can be measured.

use std::time::Duration;

use super::model::{Account, Candidate, Hold, Model, Place, Record, Report, Wish, learn_sizes};
use super::step::{Cause, Refusal, Step, Urgency, User};

/// Frames after which a use counts half: a minute at 25 fps.
const HALF_LIFE: f64 = 1500.0;

/// The models of a group of streams.
#[derive(Debug, Default)]
pub struct Residency {
    /// By stream, in bytes; where there are several, the smallest one holds.
    limits: Vec<(usize, u64)>,
    models: Vec<Model>,
    /// Priority of the model that was evicted last.
    inflation: f64,
    has_news: bool,
}

impl Residency {
    /// The smallest limit of a stream, in bytes; `None` where there is none.
    pub fn limit(&self) -> Option<u64> {
        self.limits.iter().map(|it| it.1).min()
    }

    /// Sets a stream's limit, in bytes; zero is none.
    pub fn set_limit(&mut self, stream: usize, bytes: u64) {
        self.limits.retain(|it| it.0 != stream);
        if 0 < bytes {
            self.limits.push((stream, bytes));
        }
    }

    /// A candidate is there, and not loaded. One that was there before is what it was.
    pub fn add(&mut self, user: User, candidate: Candidate) {
        if self.record(user).is_some() {
            return;
        }
        let record = Record::new(user, &candidate);
        match self.models.iter_mut().find(|it| it.key == candidate.model) {
            Some(model) => model.users.push(record),
            None => self.models.push(Model::new(candidate, record)),
        }
    }

    /// A candidate is gone.
    pub fn remove(&mut self, user: User) {
        self.retain(|it| it.user != user);
    }

    /// A stream is gone, with its candidates and its limit.
    pub fn remove_stream(&mut self, stream: usize) {
        self.set_limit(stream, 0);
        self.retain(|it| it.user.stream != stream);
    }

    /// A stream is stopped: its candidates are not loaded, and its limit holds nobody. What was measured stays.
    pub fn rest(&mut self, stream: usize) {
        self.set_limit(stream, 0);
        for record in self.records_mut().filter(|it| it.user.stream == stream) {
            (record.place, record.wish, record.is_active, record.step) =
                (Place::Out, Wish::None, false, None);
        }
    }

    fn retain(&mut self, is_kept: impl Fn(&Record) -> bool) {
        for model in &mut self.models {
            model.users.retain(&is_kept);
        }
        self.models.retain(|it| !it.users.is_empty());
    }

    /// What a stream says after so many frames.
    pub fn report(&mut self, stream: usize, frames: u64, reports: &[Report]) {
        let kept = 0.5f64.powf(frames as f64 / HALF_LIFE);
        for model in &mut self.models {
            let mut is_used = false;
            for record in model.users.iter_mut().filter(|it| it.user.stream == stream) {
                let said = reports.iter().find(|it| it.lane == record.user.lane);
                let said = said.copied().unwrap_or_default();
                record.uses = record.uses * kept + said.uses;
                (record.wish, record.is_active) = (said.wish, said.is_active);
                record.is_floor = said.is_floor;
                is_used |= 0.0 < said.uses;
            }
            if is_used {
                model.inflation = self.inflation;
            }
        }
    }

    /// A load has ended well: it took this long, and so many bytes.
    pub fn loaded(&mut self, user: User, time: Duration, bytes: u64) {
        let inflation = self.inflation;
        let Some((model, at)) = self.find(user) else {
            return;
        };
        // Where it is there for somebody else, most of it was done before.
        let is_shared = model.users.iter().any(|it| it.user != user && it.place.holds());
        if !is_shared {
            (model.bytes, model.load_time) = (bytes, Some(time));
        }
        (model.users[at].place, model.inflation) = (Place::In, inflation);
        learn_sizes(&mut self.models);
    }

    /// It is up already, and was not measured.
    pub fn is_up(&mut self, user: User) {
        self.put(user, Place::In);
    }

    /// A load, or what was loaded, has failed.
    pub fn failed(&mut self, user: User) {
        self.put(user, Place::Failed);
    }

    /// It has left, or is not there. One that failed stays so, and one that is being loaded again comes all the same.
    pub fn left(&mut self, user: User) {
        let is_kept = |it: &Record| matches!(it.place, Place::Failed | Place::Loading);
        if self.record(user).is_some_and(|it| !is_kept(it)) {
            self.put(user, Place::Out);
        }
    }

    /// One that failed may be loaded again.
    pub fn retry(&mut self, user: User) {
        if self.record(user).is_some_and(|it| it.place == Place::Failed) {
            self.put(user, Place::Out);
        }
    }

    fn put(&mut self, user: User, place: Place) {
        if let Some((model, at)) = self.find(user) {
            (model.users[at].place, model.users[at].step) = (place, None);
        }
    }

    fn find(&mut self, user: User) -> Option<(&mut Model, usize)> {
        let mut all = self.models.iter_mut();
        all.find_map(|it| {
            let at = it.users.iter().position(|it| it.user == user)?;
            Some((it, at))
        })
    }

    fn record(&self, user: User) -> Option<&Record> {
        self.records().find(|it| it.user == user)
    }

    pub fn account(&self, user: User) -> Option<Account> {
        let mut models = self.models.iter();
        let model = models.find(|it| it.users.iter().any(|it| it.user == user))?;
        Some(Account {
            place: self.record(user)?.place,
            bytes: model.bytes,
            load_time: model.load_time,
        })
    }

    /// Bytes that models take, those that are about to leave included.
    pub fn used(&self) -> u64 {
        self.models
            .iter()
            .filter(|it| it.is_there())
            .map(|it| it.bytes)
            .sum()
    }

    /// The same without those.
    fn staying(&self) -> u64 {
        self.models
            .iter()
            .filter(|it| it.stays())
            .map(|it| it.bytes)
            .sum()
    }

    /// The next thing that a stream has to do, if there is one; what it says is begun with that.
    pub fn step(&mut self, stream: usize) -> Option<Step> {
        let limit = self.limit().unwrap_or(u64::MAX);
        self.keep_to(limit);
        let refused = self.refused_floor(limit);
        let is_loading = self.records().any(|it| it.place == Place::Loading);
        let load = if is_loading { None } else { self.next_load(limit) };
        let begun = self
            .records_mut()
            .find_map(|it| it.step.take_if(|_| it.user.stream == stream));
        let next = [refused, load].into_iter().flatten();
        begun.or_else(|| {
            let (user, step) = next.into_iter().find(|it| it.0.stream == stream)?;
            let (model, at) = self.find(user)?;
            match step {
                Step::DoesNotFit { refusal, .. } => model.users[at].told = Some(refusal.limit),
                _ => model.users[at].place = Place::Loading,
            }
            Some(step)
        })
    }

    /// Whether somebody is about to be there, or to leave.
    pub fn is_changing(&self) -> bool {
        self.records()
            .any(|it| matches!(it.place, Place::Loading | Place::Leaving))
    }

    /// Whether streams have got something to do since this was last asked.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Lets go of the least valuable until the limit holds, or until nobody is left who may leave.
    fn keep_to(&mut self, limit: u64) {
        let over = self.staying().saturating_sub(limit);
        let victims = self.victims(over, |hold, model| {
            // Somebody has to answer.
            let has_floor = |it: &Record| {
                self.records()
                    .any(|other| other.is_floor && other.user.stream == it.user.stream)
            };
            let answering = || model.users.iter().filter(|it| it.hold() == Hold::Answers);
            hold != Hold::Answers || answering().all(has_floor)
        });
        self.evict(&victims.0, Cause::OverLimit);
    }

    /// Models that free so many bytes, if so many may leave: the least held and least valuable first. With what they free.
    fn victims(&self, bytes: u64, may_leave: impl Fn(Hold, &Model) -> bool) -> (Vec<usize>, u64) {
        let held = self.models.iter().enumerate();
        let held = held.filter_map(|(at, it)| Some((it.hold().filter(|hold| may_leave(*hold, it))?, at)));
        let mut all: Vec<(Hold, usize)> = held.collect();
        let priority = |at: usize| self.models[at].priority();
        all.sort_by(|one, other| {
            let by_hold = one.0.cmp(&other.0);
            by_hold.then(priority(one.1).total_cmp(&priority(other.1)))
        });
        let mut freed = 0;
        let enough = all.iter().position(|it| {
            freed += self.models[it.1].bytes;
            bytes <= freed
        });
        all.truncate(enough.map_or(all.len(), |it| it + 1));
        // A large one at the end may make others needless, which then stay, the most valuable first.
        for at in (0..all.len()).rev() {
            let own = self.models[all[at].1].bytes;
            if bytes + own <= freed {
                freed -= own;
                all.remove(at);
            }
        }
        (all.into_iter().map(|it| it.1).collect(), freed)
    }

    fn evict(&mut self, models: &[usize], cause: Cause) {
        self.has_news |= !models.is_empty();
        for at in models {
            let model = &mut self.models[*at];
            self.inflation = self.inflation.max(model.priority());
            for record in model.users.iter_mut().filter(|it| it.place == Place::In) {
                let (lane, bytes) = (record.user.lane, model.bytes);
                record.place = Place::Leaving;
                record.step = Some(Step::Unload { lane, bytes, cause });
            }
        }
    }

    /// A floor that was not told yet that the limit is too small for all floors.
    fn refused_floor(&self, limit: u64) -> Option<(User, Step)> {
        let floors = || {
            self.models
                .iter()
                .filter(|it| it.users.iter().any(|it| it.is_floor))
        };
        let needed: u64 = floors().map(|it| it.bytes).sum();
        let untold = |it: &&Record| it.is_floor && it.told != Some(limit);
        let untold = floors().flat_map(|it| &it.users).find(untold)?;
        let refusal = Refusal {
            needed,
            kept: 0,
            limit,
            is_floor: true,
        };
        let User { lane, .. } = untold.user;
        (limit < needed).then_some((untold.user, Step::DoesNotFit { lane, refusal }))
    }

    /// Who is loaded next, or is told that it cannot be. Those that have to leave for it are told so, and it has to wait.
    fn next_load(&mut self, limit: u64) -> Option<(User, Step)> {
        for (urgency, user, at) in self.waiting() {
            let model = &self.models[at];
            let needed = if model.stays() { 0 } else { model.bytes };
            let (staying, used) = (self.staying(), self.used());
            let leaves_again = !model.stays() && model.is_there();
            let over = staying.saturating_add(needed).saturating_sub(limit);
            let lane = user.lane;
            let load = Step::Load {
                lane,
                bytes: needed,
                urgency,
            };
            if over == 0 {
                let may_begin = !leaves_again && used.saturating_add(needed) <= limit;
                return may_begin.then_some((user, load));
            }
            let (victims, freed) = self.victims(over, |hold, model| match (urgency, hold) {
                (Urgency::Room, _) => false,
                (_, Hold::Nothing) | (Urgency::Floor, _) => true,
                (Urgency::Gain, _) => false,
                // In place of the one that answers in its own stream.
                _ => model
                    .users
                    .iter()
                    .all(|it| it.hold() < Hold::Answers || it.user.stream == user.stream),
            });
            if over <= freed || (urgency == Urgency::Floor && !victims.is_empty()) {
                self.evict(&victims, Cause::Room { for_whom: user });
                return None;
            }
            if urgency == Urgency::Floor {
                // Nobody is left who could leave.
                return (staying == used).then_some((user, load));
            }
            let was_told = |it: &Record| match urgency {
                Urgency::Pinned => it.user == user && it.told == Some(limit),
                _ => it.user.stream == user.stream && it.told == Some(limit),
            };
            let is_asked = match urgency {
                // Those that others wish for leave in the end.
                Urgency::Gain => self.victims(over, |hold, _| hold < Hold::Answers).1 < over,
                _ => urgency == Urgency::Pinned,
            };
            if is_asked && !self.records().any(was_told) {
                let refusal = Refusal {
                    needed,
                    kept: staying - freed,
                    limit,
                    is_floor: false,
                };
                return Some((user, Step::DoesNotFit { lane, refusal }));
            }
        }
        self.refused_stream(limit)
    }

    /// The smallest candidate of a stream that has none in memory and gets none, if that was not told.
    fn refused_stream(&self, limit: u64) -> Option<(User, Step)> {
        let has_some = |stream: usize| {
            let mut own = self.records().filter(|it| it.user.stream == stream);
            own.any(|it| it.place.holds() || it.told == Some(limit))
        };
        let waiting = self.waiting().into_iter().filter(|it| !has_some(it.1.stream));
        let (_, user, at) = waiting.min_by_key(|it| self.models[it.2].bytes)?;
        let lane = user.lane;
        let refusal = Refusal {
            needed: self.models[at].bytes,
            kept: self.staying(),
            limit,
            is_floor: false,
        };
        Some((user, Step::DoesNotFit { lane, refusal }))
    }

    /// Who could be loaded, the most urgent first, and of those the most valuable, by use, then by prior.
    fn waiting(&self) -> Vec<(Urgency, User, usize)> {
        let mut all = Vec::new();
        for (at, model) in self.models.iter().enumerate() {
            for record in model.users.iter().filter(|it| it.place == Place::Out) {
                let urgency = match record.wish {
                    _ if record.is_floor => Urgency::Floor,
                    Wish::Pin => Urgency::Pinned,
                    // It takes no more memory.
                    _ if model.stays() => Urgency::Shared,
                    Wish::Gain => Urgency::Gain,
                    Wish::None => Urgency::Room,
                };
                all.push((urgency, model.value(), record.prior, record.user, at));
            }
        }
        all.sort_by(|one, other| {
            let by_value = other.1.total_cmp(&one.1).then(other.2.total_cmp(&one.2));
            one.0.cmp(&other.0).then(by_value).then(one.3.cmp(&other.3))
        });
        all.into_iter().map(|it| (it.0, it.3, it.4)).collect()
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.models.iter().flat_map(|it| &it.users)
    }

    fn records_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.models.iter_mut().flat_map(|it| &mut it.users)
    }
}

#[cfg(test)]
mod tests;
