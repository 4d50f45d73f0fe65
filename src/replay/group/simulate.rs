// SPDX-License-Identifier: MPL-2.0

//! The rules of a group's replay, the same for every way to choose:
//!
//! - Frames come at their phase and period, a little early or late; they come whoever is late with the ones before.
//! - Runs share the processors equally, with each other and with the threads of others; none is served by more than one.
//! - An answer later than the budget is a miss and worth nothing; its run goes on, and its candidate is busy meanwhile.
//! - The first run after a swap takes 15 % longer.
//! - A run in the shadow takes its turn on the processors like any other.

use super::world::World;
use crate::replay::Random;

/// Factor on the first run after a swap: cold caches.
const FIRST_RUN: f64 = 1.15;

/// Standard deviation of what single answers of a candidate are worth.
const HARDNESS: f64 = 0.02;

/// A run that has ended, or is given up waiting for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    pub stream: usize,
    pub candidate: usize,
    /// When it started and when it ended, in milliseconds.
    pub start_ms: f64,
    pub end_ms: f64,
    /// Processor time that it takes, in milliseconds.
    pub work_ms: f64,
    /// First one after a swap.
    pub is_first: bool,
    /// It ran beside the answer.
    pub is_shadow: bool,
    /// Its answer was too late.
    pub is_late: bool,
    /// The next frame came while it ran.
    pub ran_into_next: bool,
    /// What its answer is worth, 0..1.
    pub quality: f64,
}

/// Who chooses for all streams of a group; it is told what it could see live.
pub trait Chooser {
    /// A frame of a stream comes; `free` has the candidates that could take it, `loads` how many threads of others could run
    /// in the last 40 ms, in the mean. Who answers; `None` for nobody.
    fn frame(&mut self, stream: usize, now_ms: f64, free: &[bool], loads: f64) -> Option<usize>;

    /// A run starts now.
    fn started(&mut self, _run: &Run) {}

    /// A run has ended.
    fn ended(&mut self, _run: &Run) {}

    /// The deadline of a run passed.
    fn missed(&mut self, _run: &Run) {}

    /// Whom to run beside, with so much time until the next frame comes.
    fn shadow(&mut self, _stream: usize, _now_ms: f64, _slack_ms: f64, _free: &[bool]) -> Option<usize> {
        None
    }
}

/// What came of one stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// When each frame came, who was asked, and what left for it was worth.
    pub frames: Vec<Answer>,
    /// When it swapped.
    pub swaps: Vec<f64>,
}

/// What left for one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    pub at_ms: f64,
    pub candidate: Option<usize>,
    pub worth: f64,
    pub is_missed: bool,
}

impl Course {
    /// Mean worth of what left.
    pub fn worth(&self) -> f64 {
        self.frames.iter().map(|it| it.worth).sum::<f64>() / self.frames.len().max(1) as f64
    }

    /// Share of the frames that were missed.
    pub fn misses(&self) -> f64 {
        self.frames.iter().filter(|it| it.is_missed).count() as f64 / self.frames.len().max(1) as f64
    }

    /// The newest frame at a time; `None` before the first.
    pub fn newest(&self, at_ms: f64) -> Option<&Answer> {
        let after = self.frames.partition_point(|it| it.at_ms <= at_ms);
        self.frames[..after].last()
    }
}

/// A run that goes on.
struct Job {
    run: Run,
    /// Processor time that it still needs, in milliseconds.
    remaining: f64,
    /// The frame that it answers.
    frame: usize,
    deadline: f64,
    is_missed: bool,
}

struct State {
    next_at: f64,
    /// Who answered last.
    last: Option<usize>,
    course: Course,
}

/// What happens next; of what happens at the same moment, the first of these.
enum Event {
    /// Others' threads come or go.
    Load,
    /// A job ends.
    End(usize),
    /// The deadline of a job passes.
    Deadline(usize),
    /// A frame of a stream comes.
    Arrival(usize),
}

/// Plays one way to choose over a world.
pub fn simulate(world: &World, chooser: &mut dyn Chooser) -> Vec<Course> {
    let mut play = Play::new(world, chooser);
    while let Some((until, event)) = play.next().filter(|it| it.0 < world.duration_ms) {
        play.pass(until);
        match event {
            Event::Load => play.change_load(),
            Event::End(job) => play.end(job),
            Event::Deadline(job) => play.miss(job),
            Event::Arrival(stream) => play.arrive(stream),
        }
    }
    play.streams.into_iter().map(|it| it.course).collect()
}

struct Play<'a> {
    world: &'a World,
    chooser: &'a mut dyn Chooser,
    random: Random,
    now: f64,
    streams: Vec<State>,
    jobs: Vec<Job>,
    /// Threads of others, and how many changes of their number have been.
    load: usize,
    changes: usize,
    /// Threads of others in the last 40 ms, in the mean.
    heard: f64,
    free: Vec<bool>,
}

impl Play<'_> {
    fn new<'a>(world: &'a World, chooser: &'a mut dyn Chooser) -> Play<'a> {
        let mut play = Play {
            world,
            chooser,
            random: Random::new(world.seed),
            now: 0.0,
            streams: Vec::new(),
            jobs: Vec::new(),
            load: 0,
            changes: 0,
            heard: 0.0,
            free: Vec::new(),
        };
        for stream in 0..world.streams.len() {
            let first = State {
                next_at: play.arrival(stream, 0),
                last: None,
                course: Course::default(),
            };
            play.streams.push(first);
        }
        play
    }

    /// When a frame of a stream comes.
    fn arrival(&mut self, stream: usize, frame: usize) -> f64 {
        let about = &self.world.streams[stream];
        let early_or_late = self.world.jitter_ms * self.random.between(-1.0, 1.0);
        about.phase_ms + 1.0 + frame as f64 * about.period_ms + early_or_late
    }

    /// How fast each run is served.
    fn rate(&self) -> f64 {
        (self.world.processors as f64 / (self.jobs.len() + self.load).max(1) as f64).min(1.0)
    }

    fn next(&self) -> Option<(f64, Event)> {
        let rate = self.rate();
        let jobs = || self.jobs.iter().enumerate();
        let load = self.world.loads.get(self.changes);
        let load = load.map(|it| (it.0, Event::Load));
        let ends = jobs().map(|(job, it)| (self.now + it.remaining / rate, Event::End(job)));
        let open = jobs().filter(|it| !it.1.run.is_shadow && !it.1.is_missed);
        let deadlines = open.map(|(job, it)| (it.deadline, Event::Deadline(job)));
        let streams = self.streams.iter().enumerate();
        let arrivals = streams.map(|(stream, it)| (it.next_at, Event::Arrival(stream)));
        let all = load.into_iter().chain(ends).chain(deadlines).chain(arrivals);
        all.min_by(|one, other| one.0.total_cmp(&other.0))
    }

    /// Time passes, in which nothing begins or ends.
    fn pass(&mut self, until: f64) {
        let (passed, rate) = (until - self.now, self.rate());
        self.jobs.iter_mut().for_each(|it| it.remaining -= passed * rate);
        // The mean of the last 40 ms, near enough: it forgets at that pace.
        let keep = (-passed / 20.0f64).exp();
        self.heard = self.heard * keep + self.load as f64 * (1.0 - keep);
        self.now = until;
    }

    fn change_load(&mut self) {
        self.load = self.world.loads[self.changes].1;
        self.changes += 1;
    }

    fn miss(&mut self, job: usize) {
        let job = &mut self.jobs[job];
        job.is_missed = true;
        job.run.end_ms = self.now;
        self.streams[job.run.stream].course.frames[job.frame].is_missed = true;
        self.chooser.missed(&job.run);
    }

    fn end(&mut self, job: usize) {
        let mut job = self.jobs.swap_remove(job);
        let course = &mut self.streams[job.run.stream].course;
        job.run.end_ms = self.now;
        job.run.is_late = job.is_missed;
        job.run.ran_into_next = job.frame + 1 < course.frames.len();
        let is_answer = !job.run.is_shadow && !job.is_missed;
        if is_answer {
            course.frames[job.frame].worth = job.run.quality;
        }
        self.chooser.ended(&job.run);
        if is_answer {
            self.run_beside(&job);
        }
    }

    /// A run in the shadow of one that has ended, if one is wanted.
    fn run_beside(&mut self, answered: &Job) {
        let stream = answered.run.stream;
        let slack = self.streams[stream].next_at - self.now;
        self.look_who_is_free(stream);
        let shadow = self.chooser.shadow(stream, self.now, slack, &self.free);
        let Some(candidate) = shadow.filter(|it| self.free[*it]) else {
            return;
        };
        let run = Run {
            candidate,
            start_ms: self.now,
            is_first: false,
            is_shadow: true,
            quality: self.quality(stream, candidate),
            ..answered.run
        };
        self.start(run, answered.frame, f64::INFINITY);
    }

    fn arrive(&mut self, stream: usize) {
        self.look_who_is_free(stream);
        let choice = self.chooser.frame(stream, self.now, &self.free, self.heard);
        let choice = choice.filter(|it| self.free[*it]);
        let frames = &mut self.streams[stream].course.frames;
        let frame = frames.len();
        frames.push(Answer {
            at_ms: self.now,
            candidate: choice,
            worth: 0.0,
            is_missed: choice.is_none(),
        });
        self.streams[stream].next_at = self.arrival(stream, frame + 1).max(self.now + 0.1);
        let Some(candidate) = choice else { return };
        let state = &mut self.streams[stream];
        let before = state.last.replace(candidate);
        let is_first = before.is_some_and(|it| it != candidate);
        if is_first {
            state.course.swaps.push(self.now);
        }
        let run = Run {
            stream,
            candidate,
            start_ms: self.now,
            end_ms: self.now,
            work_ms: 0.0,
            is_first,
            is_shadow: false,
            is_late: false,
            ran_into_next: false,
            quality: self.quality(stream, candidate),
        };
        self.start(run, frame, self.now + self.world.streams[stream].budget_ms);
    }

    fn start(&mut self, mut run: Run, frame: usize, deadline: f64) {
        self.chooser.started(&run);
        let median = self.world.streams[run.stream].candidates[run.candidate].work_ms;
        let scatter = (self.world.scatter * self.random.normal()).exp();
        let cold = if run.is_first { FIRST_RUN } else { 1.0 };
        run.work_ms = median * scatter * cold;
        self.jobs.push(Job {
            run,
            remaining: run.work_ms,
            frame,
            deadline,
            is_missed: false,
        });
    }

    /// Who of a stream's candidates does not run.
    fn look_who_is_free(&mut self, stream: usize) {
        self.free.clear();
        self.free
            .resize(self.world.streams[stream].candidates.len(), true);
        let busy = self.jobs.iter().filter(|it| it.run.stream == stream);
        busy.for_each(|it| self.free[it.run.candidate] = false);
    }

    /// What one answer is worth: frames are not equally hard.
    fn quality(&mut self, stream: usize, candidate: usize) -> f64 {
        let mean = self.world.streams[stream].candidates[candidate].quality;
        (mean + HARDNESS * self.random.normal()).clamp(0.0, 1.0)
    }
}
