// SPDX-License-Identifier: MPL-2.0

//! A reference that never fits the slack: it gets lessons at a bounded cost, or it is said that it cannot teach.

use std::time::Duration;

use gstavrec::policy::{
    Availability, CandidateId, Config, Evidence, Policy, Prior, RunKind, Shadow, Teaching,
};

use crate::support::world::millis;

const PERIOD: f64 = 40.0;
const SMALL: CandidateId = CandidateId(0);
const MEDIUM: CandidateId = CandidateId(1);
const LARGE: CandidateId = CandidateId(2);
/// What candidates take, and what agreement with the large one they would show. The catalogue has it the wrong way round.
const LATENCIES: [f64; 3] = [12.0, 20.0, 76.0];
const AGREEMENTS: [f64; 3] = [0.9, 0.5, 1.0];

/// A stream of 25 frames a second with a budget of 60 ms, for which the reference is too slow by far.
struct Stream {
    policy: Policy,
    /// When the lesson in flight ends, and what was compared in it.
    lesson: Option<(f64, Vec<CandidateId>)>,
    /// Factor on the active run while a lesson runs.
    disturbance: f64,
    misses: usize,
    /// Frames at which lessons began.
    lessons: Vec<usize>,
}

impl Stream {
    fn new(are_possible: bool) -> Stream {
        let mut policy = Policy::new(Config {
            budget: millis(60.0),
            period: millis(PERIOD),
            ..Config::default()
        })
        .unwrap();
        policy.allow_lessons(are_possible);
        for (latency, quality) in LATENCIES.into_iter().zip([0.6, 0.8, 0.95]) {
            let id = policy.add(Prior {
                quality: Some(quality),
                is_reference: latency == LATENCIES[2],
                ..Prior::default()
            });
            for cold in [1.6, 1.2, 1.05] {
                policy.ran(Duration::ZERO, id, millis(cold * latency), RunKind::WarmUp);
            }
        }
        Stream {
            policy,
            lesson: None,
            disturbance: 1.0,
            misses: 0,
            lessons: Vec::new(),
        }
    }

    fn available(&self) -> [Availability; 3] {
        let large = match &self.lesson {
            Some(_) => Availability::Busy {
                since: Duration::ZERO,
            },
            None => Availability::Ready,
        };
        [Availability::Ready, Availability::Ready, large]
    }

    fn pass(&mut self, frames: std::ops::Range<usize>) {
        for frame in frames {
            self.frame(frame);
        }
    }

    fn frame(&mut self, frame: usize) {
        let start = frame as f64 * PERIOD;
        self.end_lesson(start);
        let answer = self.policy.decide(millis(start), &self.available()).answer;
        let active = answer.expect("the small ones are always free");
        let beside = if self.lesson.is_some() {
            self.disturbance
        } else {
            1.0
        };
        let latency = LATENCIES[active.0] * beside;
        let now = millis(start + latency.min(60.0));
        if 60.0 < latency {
            self.misses += 1;
            self.policy.missed(now, active, millis(60.0));
            self.policy.ran(now, active, millis(latency), RunKind::Active);
            return;
        }
        self.policy.ran(now, active, millis(latency), RunKind::Active);
        let slack = millis(PERIOD - latency.min(PERIOD));
        if self.lesson.is_none()
            && let Some(shadow) = self.policy.shadow(now, slack, &self.available())
        {
            self.begin(frame, start + latency, active, &shadow);
        }
    }

    fn begin(&mut self, frame: usize, at: f64, active: CandidateId, shadow: &Shadow) {
        for id in shadow.ids().filter(|it| Some(*it) != shadow.idle) {
            assert_ne!(id, LARGE, "it never fits the slack");
            let latency = millis(LATENCIES[id.0]);
            self.policy
                .ran(millis(at) + latency, id, latency, RunKind::Shadow);
        }
        let Some(reference) = shadow.idle else { return };
        assert_eq!(reference, LARGE);
        self.lessons.push(frame);
        let compared = shadow.ids().chain([active]).filter(|it| *it != LARGE).collect();
        // Under the load of the others it takes longer than it would alone.
        self.lesson = Some((at + 2.0 * LATENCIES[2], compared));
    }

    fn end_lesson(&mut self, start: f64) {
        let Some((end, compared)) = self.lesson.take_if(|it| it.0 <= start) else {
            return;
        };
        let latency = millis(2.0 * LATENCIES[2]);
        self.policy.ran(millis(end), LARGE, latency, RunKind::Idle);
        for id in compared {
            let agreement = AGREEMENTS[id.0];
            self.policy
                .scored(millis(end), id, agreement, Evidence::Agreement);
        }
    }

    fn scores(&self) -> [u64; 2] {
        [SMALL, MEDIUM].map(|it| self.policy.outlook(it).scores)
    }
}

#[test]
fn a_reference_that_never_fits_teaches_at_a_bounded_cost_and_the_better_one_is_found() {
    let mut stream = Stream::new(true);
    stream.pass(0..3000);
    assert_eq!(stream.misses, 0);
    let [small, medium] = stream.scores();
    assert!(5 <= small && 5 <= medium, "{small} {medium}");
    assert_eq!(
        stream.policy.active(),
        Some(SMALL),
        "what the catalogue says is wrong here"
    );
    let share = stream.lessons.len() as f64 * LATENCIES[2] / (3000.0 * PERIOD);
    assert!(share <= 0.05, "lessons take {share} of the time");
    let first = stream.lessons[0];
    assert!(first <= 100, "the first lesson comes at frame {first}");
    let latency = stream.policy.outlook(LARGE).latency.unwrap();
    assert!(
        latency < millis(85.0),
        "a lesson's latency teaches nothing, but {latency:?} is believed"
    );
    let Teaching::AtIdle {
        latency,
        slack,
        every,
    } = stream.policy.teaching()
    else {
        panic!("{:?}", stream.policy.teaching())
    };
    assert!(
        millis(60.0) < latency && slack <= millis(28.0),
        "{latency:?} {slack:?}"
    );
    assert!((30..60).contains(&every), "{every}");
}

#[test]
fn lessons_that_make_frames_late_become_rare() {
    let mut stream = Stream::new(true);
    // Whoever answers beside a lesson is late.
    stream.disturbance = 6.0;
    stream.pass(0..3000);
    let lessons = stream.lessons.len();
    assert!((2..8).contains(&lessons), "{:?}", stream.lessons);
    let pauses: Vec<usize> = stream.lessons.windows(2).map(|it| it[1] - it[0]).collect();
    assert!(pauses.is_sorted(), "{pauses:?}");
}

#[test]
fn where_lessons_are_impossible_it_is_said_that_the_reference_cannot_teach() {
    let mut stream = Stream::new(false);
    stream.pass(0..200);
    assert_eq!(stream.policy.teaching(), Teaching::Unknown);
    stream.pass(200..600);
    assert_eq!(stream.scores(), [0, 0]);
    let Teaching::Never { latency, slack } = stream.policy.teaching() else {
        panic!("{:?}", stream.policy.teaching())
    };
    assert!(
        millis(60.0) < latency && slack <= millis(28.0),
        "{latency:?} {slack:?}"
    );
}

#[test]
fn a_reference_that_fits_gets_no_lessons() {
    let mut stream = Stream::new(true);
    // A frame only each fifth of a second leaves slack for it.
    let config = Config {
        budget: millis(200.0),
        period: millis(200.0),
        ..Config::default()
    };
    stream.policy.set_config(config).unwrap();
    for frame in 0..400 {
        let now = millis(200.0 * f64::from(frame));
        let available = [Availability::Ready; 3];
        stream.policy.pin(Some(SMALL));
        stream.policy.decide(now, &available);
        stream.policy.ran(now, SMALL, millis(12.0), RunKind::Active);
        if let Some(shadow) = stream.policy.shadow(now, millis(188.0), &available) {
            assert_eq!(shadow.idle, None, "frame {frame}");
            for id in shadow.ids() {
                stream
                    .policy
                    .ran(now, id, millis(LATENCIES[id.0]), RunKind::Shadow);
            }
        }
    }
    assert_eq!(stream.policy.teaching(), Teaching::InSlack);
}
