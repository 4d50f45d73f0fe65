// SPDX-License-Identifier: MPL-2.0

//! Why a model stands where it stands, in sentences.

use gstavrec::recommend::{Member, Ranking, Role, Term, Turn, Versus};

use super::table::digits;

/// What one place rests on, and what would change it.
pub fn of(ranking: &Ranking, position: usize, names: &[&str], budget: f64) -> Vec<String> {
    let place = &ranking.places[position];
    let mut reasons = Vec::new();
    if let Some(versus) = &place.to_next {
        let next = names[versus.candidate];
        // Ties make no chain: the next one may be tied with this one, and be behind the one whose place this one shares.
        let other = &ranking.places[position + 1];
        let behind = place
            .shared_with
            .filter(|_| other.shared_with != place.shared_with);
        reasons.push(match (versus.is_tie, behind) {
            (true, None) => tie(versus, next),
            (true, Some(leader)) => format!("{} {next} is behind {}.", tie(versus, next), names[leader]),
            (false, _) => ahead(versus, next),
        });
        let turns = turns(versus, budget);
        if position == 0 && !versus.is_tie && !turns.is_empty() {
            reasons.push(format!("{next} would win {}.", turns.join(", or ")));
        }
    }
    if let Some(better) = place.dominated_by {
        reasons.push(format!(
            "{} is no worse in quality, latency and memory, and better in one of them.",
            names[better]
        ));
    }
    reasons
}

fn tie(versus: &Versus, next: &str) -> String {
    match &versus.difference {
        Err(too_little) => format!("tied with {next}: {too_little}."),
        Ok(it) => {
            let why = match it.covers(0.0) {
                true => "which may be chance",
                false => "which is less than a difference that matters (0.005)",
            };
            let (value, low, high) = (it.value, it.low, it.high);
            format!("tied with {next}: their losses differ by {value:.4} ({low:.4} to {high:.4}), {why}.")
        }
    }
}

fn ahead(versus: &Versus, next: &str) -> String {
    let told = |it: &(Term, f64)| {
        let name = match it.0 {
            Term::Quality => "quality",
            Term::Misses => "frames in time",
            Term::Latency => "latency",
            Term::Complexity => "cost",
        };
        format!("{name} {:+.4}", it.1)
    };
    let matter = versus.by.iter().filter(|it| 0.0005 <= it.1.abs());
    let by: Vec<_> = matter.map(told).collect();
    let sure = versus.difference.as_ref().map_or(String::new(), |it| {
        format!("{:.4} ({:.4} to {:.4})", it.value, it.low, it.high)
    });
    format!("ahead of {next} by {sure} of loss: {}.", by.join(", "))
}

fn turns(versus: &Versus, budget: f64) -> Vec<String> {
    // What nobody would set is no wish.
    let is_sane = |turn: &&Turn| match turn {
        Turn::LatencyWeight(it) | Turn::ComplexityWeight(it) => (1e-4..1e3).contains(it),
        Turn::Budget(it) => (1e-4..60.0).contains(it),
        Turn::Quality(it) => 1e-4 <= *it,
    };
    let told = |turn: &Turn| match turn {
        Turn::LatencyWeight(weight) => format!("with --lambda-latency {} on", digits4(*weight)),
        Turn::ComplexityWeight(weight) => format!("with --lambda-cost {} on", digits4(*weight)),
        Turn::Budget(seconds) => {
            let side = if *seconds < budget { "below" } else { "above" };
            format!("with a budget {side} {} ms", digits(1e3 * seconds))
        }
        Turn::Quality(points) => format!("if it were better by {:.4} of quality", points),
    };
    versus.turns.iter().filter(is_sane).map(told).collect()
}

fn digits4(value: f64) -> String {
    format!("{value:.4}")
}

/// What a member of the set is there for.
pub fn of_member(member: &Member) -> String {
    let mut parts = Vec::new();
    match member.levels {
        Some((from, to)) if from <= 1.0 && 16.0 <= to => {
            parts.push("the best however busy the machine is".to_string())
        }
        Some((from, to)) if from <= 1.0 => {
            parts.push(format!(
                "the best on a calm machine, and until it is {to:.1} times slower"
            ));
        }
        Some((from, to)) if 16.0 <= to => parts.push(format!("the best from {from:.1} times slower on")),
        Some((from, to)) => parts.push(format!(
            "the best where the machine is {from:.1} to {to:.1} times slower"
        )),
        None if member.roles.contains(&Role::Best) => {
            parts.push("the best under some contention, such as where long runs are slowed down more than short ones".into());
        }
        None => {}
    }
    if member.roles.contains(&Role::Floor) {
        parts.push("answers when nobody else is in time".into());
    }
    if member.roles.contains(&Role::Reference) {
        parts.push("the best answers that can be had beside the stream, which score the others".into());
    }
    let text = parts.join("; ");
    format!("{text}.")
}
