// SPDX-License-Identifier: MPL-2.0

//! The rules of a group's replay, the same for every way to choose:
//!
//! - Runs share the processors equally, with each other and with the threads of others; none is served by more than one.
//! - An answer later than the budget is a miss and worth nothing; its run goes on, and its candidate is busy meanwhile.
//! - The first run after a swap takes 15 % longer.
//! - A run in the shadow takes its turn on the processors like any other.

use super::world::World;
use crate::replay::Random;

/// Factor on the first run after a swap: cold caches.
const FIRST_RUN: f64 = 1.15;

/// A run that has ended, or is given up waiting for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    pub stream: usize,
    pub candidate: usize,
    /// When it started and when it ended, in milliseconds.
    pub start_ms: f64,
    pub end_ms: f64,
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
}

struct Job {
    run: Run,
    remaining: f64,
    /// The frame that it answers.
    frame: usize,
    deadline: f64,
    is_missed: bool,
}

struct State {
    next_at: f64,
    frame: u64,
    last: Option<usize>,
    course: Course,
}

/// Plays one way to choose over a world.
pub fn simulate(world: &World, chooser: &mut dyn Chooser) -> Vec<Course> {
    let mut random = Random::new(world.seed);
    let jittered = |at: f64, random: &mut Random| at + world.jitter_ms * random.between(-1.0, 1.0);
    let mut streams: Vec<State> = (world.streams.iter())
        .map(|it| State {
            next_at: jittered(it.phase_ms + 1.0, &mut random),
            frame: 0,
            last: None,
            course: Course::default(),
        })
        .collect();
    let mut jobs: Vec<Job> = Vec::new();
    let (mut now, mut load) = (0.0, 0);
    let mut loads = world.loads.iter().copied().peekable();
    let mut free: Vec<bool> = Vec::new();
    // Area of threads of others over the last 40 ms.
    let mut heard = 0.0;
    loop {
        let rate = (world.processors as f64 / (jobs.len() + load).max(1) as f64).min(1.0);
        let (stream, arrival) = (streams.iter().enumerate())
            .map(|it| (it.0, it.1.next_at))
            .min_by(|one, other| one.1.total_cmp(&other.1))
            .unwrap_or((0, f64::INFINITY));
        let end = (jobs.iter().enumerate())
            .map(|it| (it.0, now + it.1.remaining / rate))
            .min_by(|one, other| one.1.total_cmp(&other.1));
        let deadline = (jobs.iter().enumerate())
            .filter(|it| !it.1.run.is_shadow && !it.1.is_missed)
            .map(|it| (it.0, it.1.deadline))
            .min_by(|one, other| one.1.total_cmp(&other.1));
        let change = loads.peek().map_or(f64::INFINITY, |it| it.0);
        let until = [
            arrival,
            change,
            end.map_or(f64::INFINITY, |it| it.1),
            deadline.map_or(f64::INFINITY, |it| it.1),
        ]
        .into_iter()
        .fold(f64::INFINITY, f64::min);
        if world.duration_ms <= until {
            break;
        }
        let passed = until - now;
        jobs.iter_mut().for_each(|it| it.remaining -= passed * rate);
        // The mean of the last 40 ms, near enough: it forgets at that pace.
        let keep = (-passed / 20.0f64).exp();
        heard = heard * keep + load as f64 * (1.0 - keep);
        now = until;
        if change <= until {
            load = loads.next().map_or(load, |it| it.1);
        } else if let Some((job, _)) = end.filter(|it| it.1 <= until) {
            let mut job = jobs.swap_remove(job);
            job.run.end_ms = now;
            let stream = job.run.stream;
            job.run.is_late = job.is_missed;
            let arrived = streams[stream].frame;
            job.run.ran_into_next = (job.frame as u64 + 1) < arrived;
            let state = &mut streams[stream];
            if !job.run.is_shadow && !job.is_missed {
                state.course.frames[job.frame].worth = job.run.quality;
            }
            chooser.ended(&job.run);
            if !job.run.is_shadow && !job.is_missed {
                let slack = streams[stream].next_at - now;
                free_of(world, &jobs, stream, &mut free);
                let shadow = chooser.shadow(stream, now, slack, &free).filter(|it| free[*it]);
                if let Some(shadow) = shadow {
                    let kind = world.streams[stream].candidates[shadow];
                    let run = Run {
                        candidate: shadow,
                        start_ms: now,
                        is_first: false,
                        is_shadow: true,
                        quality: quality(kind.quality, &mut random),
                        ..job.run
                    };
                    chooser.started(&run);
                    jobs.push(Job {
                        run,
                        remaining: kind.work_ms * (world.scatter * random.normal()).exp(),
                        frame: job.frame,
                        deadline: f64::INFINITY,
                        is_missed: false,
                    });
                }
            }
        } else if let Some((job, _)) = deadline.filter(|it| it.1 <= until) {
            let job = &mut jobs[job];
            job.is_missed = true;
            job.run.end_ms = now;
            streams[job.run.stream].course.frames[job.frame].is_missed = true;
            chooser.missed(&job.run);
        } else {
            let about = &world.streams[stream];
            free_of(world, &jobs, stream, &mut free);
            let choice = chooser.frame(stream, now, &free, heard).filter(|it| free[*it]);
            let state = &mut streams[stream];
            let frame = state.course.frames.len();
            state.course.frames.push(Answer {
                at_ms: now,
                candidate: choice,
                worth: 0.0,
                is_missed: choice.is_none(),
            });
            state.frame += 1;
            state.next_at = jittered(
                about.phase_ms + 1.0 + state.frame as f64 * about.period_ms,
                &mut random,
            )
            .max(now + 0.1);
            let Some(candidate) = choice else { continue };
            let is_first = state.last.is_some_and(|it| it != candidate);
            if is_first {
                state.course.swaps.push(now);
            }
            state.last = Some(candidate);
            let kind = about.candidates[candidate];
            let run = Run {
                stream,
                candidate,
                start_ms: now,
                end_ms: now,
                is_first,
                is_shadow: false,
                is_late: false,
                ran_into_next: false,
                quality: quality(kind.quality, &mut random),
            };
            chooser.started(&run);
            jobs.push(Job {
                run,
                remaining: kind.work_ms
                    * (world.scatter * random.normal()).exp()
                    * if is_first { FIRST_RUN } else { 1.0 },
                frame,
                deadline: now + about.budget_ms,
                is_missed: false,
            });
        }
    }
    streams.into_iter().map(|it| it.course).collect()
}

fn free_of(world: &World, jobs: &[Job], stream: usize, free: &mut Vec<bool>) {
    free.clear();
    free.resize(world.streams[stream].candidates.len(), true);
    let busy = jobs.iter().filter(|it| it.run.stream == stream);
    busy.for_each(|it| free[it.run.candidate] = false);
}

/// What one answer is worth: frames are not equally hard.
fn quality(mean: f64, random: &mut Random) -> f64 {
    (mean + 0.02 * random.normal()).clamp(0.0, 1.0)
}
