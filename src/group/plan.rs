// SPDX-License-Identifier: MPL-2.0

//! Who of a group may use how much of the machine, where not all fit.
//!
//! The multiple-choice knapsack by its greedy algorithm (Sinha and Zoltners, 1979): all begin at their least run, and the step
//! up that gains most for the processor time that it takes comes first. What fits is not a sum but a schedule: each run of
//! each stream has to end inside its own budget while it shares the processors with those that come at the same time.

use super::demand::{Demand, Rung};
use super::schedule::Schedule;

/// Who may use what.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The largest run that each stream may make, in the order of the demands; `None` for one without a place, and for one
    /// of which nothing is known.
    pub chosen: Vec<Option<Rung>>,
    /// Whether there is a place for all.
    pub has_place_for_all: bool,
}

/// Factor on all works for what a schedule leaves out: scatter of the others' runs, trials, hand-over between threads. Chosen
/// on made-up groups (seeds 100 to 105), where 1.05 made streams whose frames come apart miss too many, and 1.15 lost a
/// percent where frames come together.
pub(super) const SPARE: f64 = 1.08;

/// The same where streams lose their place: as long as the least of all may fit they are all let in, and each does what it can.
const SPARE_OF_LEAST: f64 = 0.9;

/// The same for a stream that has no place, so that it does not come and go.
const SPARE_TO_RETURN: f64 = 1.1;

/// The same for the plan that is followed already, so that chance does not change it (seeds 7000 to 7009).
const SPARE_TO_STAY: f64 = 1.0;

/// Gain in log-quality, in the mean of the streams, that is not worth another plan.
const NEGLIGIBLE: f64 = 0.005;

/// Steps that are tried beyond the first one that does not fit.
const MORE_TRIES: usize = 12;

/// What of a step that the stream has taken already counts more than that of another.
const KEPT: f64 = 1.05;

/// A step from one rung of a stream to its next.
struct Step {
    stream: usize,
    to: Rung,
    gain: f64,
}

/// The plan for so many processors.
pub fn plan(demands: &[Demand], processors: usize) -> Plan {
    let hulls: Vec<Vec<Rung>> = demands.iter().map(|it| hull(&it.rungs)).collect();
    let schedule = Schedule::new(demands, processors);
    let least = |it: &Vec<Rung>| it.first().copied();
    let mut chosen: Vec<Option<Rung>> = hulls.iter().map(least).collect();
    let has_place_for_all = schedule.holds(&expected(&chosen), SPARE_OF_LEAST);
    if !has_place_for_all {
        leave_out(demands, &schedule, &mut chosen);
    }
    let steps = steps(demands, &hulls, &chosen);
    let with = |steps: &[Step]| {
        let mut with = chosen.clone();
        steps.iter().for_each(|it| with[it.stream] = Some(it.to));
        with
    };
    let (mut fits, mut fails) = (0, steps.len() + 1);
    while fits + 1 < fails {
        let middle = (fits + fails) / 2;
        if schedule.holds(&with(&steps[..middle]), SPARE) {
            fits = middle;
        } else {
            fails = middle;
        }
    }
    chosen = with(&steps[..fits]);
    let mut barred = vec![false; demands.len()];
    let mut tries = 0;
    for step in &steps[fits..] {
        if tries == MORE_TRIES {
            break;
        }
        if barred[step.stream] {
            continue;
        }
        let before = chosen[step.stream].replace(step.to);
        if !schedule.holds(&chosen, SPARE) {
            chosen[step.stream] = before;
            barred[step.stream] = true;
            tries += 1;
        }
    }
    Plan {
        chosen: stay(demands, &schedule, chosen),
        has_place_for_all,
    }
}

/// The plan that is followed now, where it still holds and the new one gains little.
fn stay(demands: &[Demand], schedule: &Schedule, new: Vec<Option<Rung>>) -> Vec<Option<Rung>> {
    let present = demands.iter().zip(&new).map(|(demand, new)| {
        let rung = demand
            .rungs
            .iter()
            .find(|it| Some(it.candidate) == demand.present);
        (new.is_none() == (demand.is_out || demand.rungs.is_empty()))
            .then_some(rung.copied().filter(|_| new.is_some()))
    });
    let Some(present) = present.collect::<Option<Vec<_>>>() else {
        return new;
    };
    if present
        .iter()
        .zip(&new)
        .any(|it| it.0.is_none() && it.1.is_some())
    {
        return new;
    }
    let value = |chosen: &[Option<Rung>]| {
        let each = chosen.iter().zip(demands);
        let sum: f64 = each
            .filter_map(|(rung, it)| Some(it.weight * rung.as_ref()?.value))
            .sum();
        sum / demands.iter().map(|it| it.weight).sum::<f64>()
    };
    if value(&new) - value(&present) < NEGLIGIBLE && schedule.holds(&present, SPARE_TO_STAY) {
        return present;
    }
    new
}

/// The same runs where none is longer than expected.
fn expected(chosen: &[Option<Rung>]) -> Vec<Option<Rung>> {
    let expected = |it: Rung| Rung { upper: it.work, ..it };
    chosen.iter().map(|it| it.map(expected)).collect()
}

/// Takes their place from the lightest streams, of equal ones from the newest, until the least of the others fits. One keeps
/// its place.
fn leave_out(demands: &[Demand], schedule: &Schedule, chosen: &mut Vec<Option<Rung>>) {
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by(|one, other| demands[*other].weight.total_cmp(&demands[*one].weight));
    let all = chosen.clone();
    let first = |count: usize| {
        let mut chosen = all.clone();
        order[count..].iter().for_each(|it| chosen[*it] = None);
        chosen
    };
    // As many as have a place now may have one again, whoever they are.
    let present = demands.iter().filter(|it| !it.is_out).count();
    let (mut fits, mut fails) = (1, demands.len());
    while fits + 1 < fails {
        let middle = (fits + fails) / 2;
        let spare = if present < middle {
            SPARE_TO_RETURN
        } else {
            SPARE_OF_LEAST
        };
        if schedule.holds(&expected(&first(middle)), spare) {
            fits = middle;
        } else {
            fails = middle;
        }
    }
    *chosen = first(fits);
}

/// All steps up, the largest gain for the processor time first.
fn steps(demands: &[Demand], hulls: &[Vec<Rung>], chosen: &[Option<Rung>]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (stream, (hull, demand)) in hulls.iter().zip(demands).enumerate() {
        if chosen[stream].is_none() {
            continue;
        }
        let present = demand
            .rungs
            .iter()
            .find(|it| Some(it.candidate) == demand.present);
        let present = present.map_or(0.0, |it| it.work);
        for pair in hull.windows(2) {
            let work = (pair[1].work - pair[0].work) / demand.period.max(1e-6);
            let gain = demand.weight * (pair[1].value - pair[0].value) / work;
            let is_kept = pair[1].work <= present;
            steps.push(Step {
                stream,
                to: pair[1],
                gain: if is_kept { KEPT * gain } else { gain },
            });
        }
    }
    // Within a stream gains fall, so a stable order keeps its steps in theirs.
    steps.sort_by(|one, other| other.gain.total_cmp(&one.gain));
    steps
}

/// The rungs that a greedy choice may take, the least first: those on the upper convex hull of value over work.
fn hull(rungs: &[Rung]) -> Vec<Rung> {
    let mut rungs = rungs.to_vec();
    let order = |one: &Rung, other: &Rung| {
        let works = one.work.total_cmp(&other.work);
        works.then(other.value.total_cmp(&one.value))
    };
    rungs.sort_by(order);
    let mut hull: Vec<Rung> = Vec::new();
    for rung in rungs {
        if hull.last().is_some_and(|it| rung.value <= it.value) {
            continue;
        }
        let slope = |from: Rung, to: Rung| (to.value - from.value) / (to.work - from.work).max(1e-9);
        while let [.., one, two] = hull[..] {
            if slope(two, rung) <= slope(one, two) {
                break;
            }
            hull.pop();
        }
        hull.push(rung);
    }
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of 25 frames a second; works in milliseconds, with qualities.
    fn demand(phase: f64, weight: f64, rungs: &[(f64, f64)]) -> Demand {
        let rung = |(candidate, (work, quality)): (usize, &(f64, f64))| Rung {
            candidate,
            work: work / 1e3,
            upper: work / 1e3,
            value: f64::ln(*quality),
        };
        Demand {
            phase: phase / 1e3,
            period: 0.04,
            budget: 0.039,
            weight,
            rungs: rungs.iter().enumerate().map(rung).collect(),
            present: None,
            is_out: false,
        }
    }

    const RUNGS: [(f64, f64); 4] = [(3.0, 0.6), (8.0, 0.75), (16.0, 0.85), (27.0, 0.9)];

    /// What the streams may use on two processors, in milliseconds; -1 for one without a place.
    fn works(demands: &[Demand]) -> Vec<i64> {
        let chosen = plan(demands, 2).chosen;
        let work = |it: &Option<Rung>| it.map_or(-1, |it| (it.work * 1e3).round() as i64);
        chosen.iter().map(work).collect()
    }

    #[test]
    fn who_fits_is_not_held_back() {
        let two = [demand(0.0, 1.0, &RUNGS), demand(0.0, 1.0, &RUNGS)];
        assert_eq!(works(&two), [27, 27]);
        assert!(works(&[]).is_empty());
    }

    #[test]
    fn equal_streams_stand_on_two_neighbouring_rungs() {
        let mut works = works(&vec![demand(0.0, 1.0, &RUNGS); 6]);
        works.sort_unstable();
        assert_eq!(
            works,
            [8, 8, 8, 16, 16, 16],
            "six of 8 ms take 24 ms of two processors, and three of them 12 ms more"
        );
    }

    #[test]
    fn the_light_one_gives_way() {
        let mut demands = vec![demand(0.0, 4.0, &RUNGS); 4];
        demands.extend(vec![demand(0.0, 1.0, &RUNGS); 4]);
        let works = works(&demands);
        let (heavy, light) = works.split_at(4);
        assert!(light.iter().max() <= heavy.iter().min(), "{works:?}");
        assert!(light.iter().sum::<i64>() < heavy.iter().sum::<i64>(), "{works:?}");
    }

    #[test]
    fn what_is_below_the_hull_is_no_step() {
        let rungs = [(3.0, 0.6), (10.0, 0.61), (12.0, 0.9), (14.0, 0.8)];
        let hull = hull(&demand(0.0, 1.0, &rungs).rungs);
        assert_eq!(hull.iter().map(|it| it.candidate).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn frames_that_come_apart_leave_each_other_room() {
        let rungs = [(2.0, 0.6), (17.0, 0.9)];
        let apart: Vec<Demand> = (0..4)
            .map(|it| demand(10.0 * f64::from(it), 1.0, &rungs))
            .collect();
        assert_eq!(works(&apart), [17, 17, 17, 17]);
    }

    #[test]
    fn a_stream_too_many_has_no_place_and_it_is_the_lightest_and_newest() {
        let mut demands = vec![demand(0.0, 1.0, &[(22.0, 0.6), (25.0, 0.7)]); 4];
        demands[1].weight = 0.5;
        let plan = plan(&demands, 2);
        assert!(!plan.has_place_for_all);
        let has_place: Vec<bool> = plan.chosen.iter().map(Option::is_some).collect();
        assert_eq!(
            has_place,
            [true, false, true, true],
            "44 ms on each processor do not fit into 39"
        );
    }

    #[test]
    fn one_that_is_too_slow_for_its_own_budget_takes_nobodys_place() {
        let demands = [demand(0.0, 1.0, &[(60.0, 0.9)]), demand(0.0, 1.0, &RUNGS)];
        assert_eq!(works(&demands), [60, 27]);
    }

    #[test]
    fn a_plan_that_holds_is_kept() {
        let mut demands = vec![demand(0.0, 1.0, &RUNGS); 6];
        let first = plan(&demands, 2);
        for (demand, chosen) in demands.iter_mut().zip(&first.chosen) {
            demand.present = chosen.map(|it| it.candidate);
        }
        // Another one would be the best now, by next to nothing.
        let last = demands.iter().rposition(|it| it.present == Some(1)).unwrap();
        demands[last].rungs[2].value += 0.003;
        let candidates = |it: &Plan| {
            let each = it.chosen.iter();
            each.map(|it| it.map(|it| it.candidate)).collect::<Vec<_>>()
        };
        assert_eq!(candidates(&plan(&demands, 2)), candidates(&first));
    }

    #[test]
    fn who_knows_nothing_of_its_candidates_is_not_in_the_way() {
        let demands = [demand(0.0, 1.0, &[]), demand(0.0, 1.0, &RUNGS)];
        assert_eq!(works(&demands), [-1, 27]);
    }
}
