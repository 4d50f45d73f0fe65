// SPDX-License-Identifier: MPL-2.0

//! The user's profile: read on the way to READY, by the thread that changes the state, and what it does to the settings and
//! to the candidates.

use std::path::Path;

use super::enums::Strategy;
use super::fact::Fact;
use super::settings::{GIVEN, Settings};
use super::shared::Shared;
use super::signals::MOST_RATINGS;
use crate::library::conditions::Subject;
use crate::profile::{self, Profile};

/// Reads the profile that the settings name, and puts what it says into them.
///
/// # Errors
///
/// When it cannot be read, as a sentence with file, line and remedy.
pub fn read(core: &Shared) -> Result<Profile, String> {
    let path = core.settings.load().profile.clone();
    let profile = match &path {
        Some(path) => Profile::load(Path::new(path)).map_err(|error| error.to_string())?,
        None => Profile::default(),
    };
    core.settings.rcu(|settings| {
        let mut settings = Settings::clone(settings);
        give(&mut settings, &profile);
        settings
    });
    Ok(profile)
}

fn give(settings: &mut Settings, profile: &Profile) {
    let default = Settings::default();
    let weights = &profile.weights;
    let strategy = profile.strategy.map(|it| match it {
        profile::Strategy::Weighted => Strategy::Weighted,
        profile::Strategy::Rank => Strategy::Rank,
    });
    for name in GIVEN.into_iter().filter(|it| !settings.explicit.contains(it)) {
        match name {
            "lambda-latency" => {
                settings.lambda_latency = weights.lambda_latency().unwrap_or(default.lambda_latency);
            }
            "lambda-cost" => settings.lambda_cost = weights.lambda_cost().unwrap_or(default.lambda_cost),
            "strategy" => settings.strategy = strategy.unwrap_or(default.strategy),
            _ => {
                settings.robustness_weight = weights.robustness_weight().unwrap_or(default.robustness_weight);
            }
        }
    }
    settings.unwanted = profile.conditions.forbidden.as_slice().into();
}

/// Why a listed candidate is not used.
pub fn exclusion(profile: &Profile, subject: Subject) -> Option<String> {
    let reason = profile.conditions.exclusion(subject)?;
    Some(format!("{} {reason}", subject.name))
}

/// Tells which candidates the profile leaves out.
pub fn tell(core: &Shared, excluded: &[String]) {
    for sentence in excluded {
        let details = "the profile wants it so";
        core.bus.inform(&format!("candidate {sentence}"), details);
    }
}

/// Lets what the profile knows of candidates count as an operator's ratings do.
pub fn rate(core: &Shared, profile: &Profile) {
    let list = core.lanes.list();
    for it in &profile.feedback {
        // Of one that is gone a profile may still tell.
        if let Some(lane) = list.id(&it.candidate) {
            let score = it.rating;
            core.facts.put_within(Fact::Rated { lane, score }, MOST_RATINGS);
        }
    }
}
