// SPDX-License-Identifier: MPL-2.0

//! What the user hears of a candidate whose answers are worth something else here than the catalog says.

use super::bus::Bus;
use crate::messages::{Drift, DriftWord};
use crate::policy;

/// Tells that a candidate's quality is not what its prior says, or is again; `frame` is the number of the newest frame.
pub fn tell(bus: &Bus, candidate: &str, drift: &policy::Drift, frame: u64) {
    let policy::Drift { prior, live, .. } = *drift;
    let since = frame.saturating_sub(drift.age);
    let [worth, says] = [live, prior].map(|it| format!("{:.3} ({:.3} to {:.3})", it.mean, it.low, it.high));
    if drift.is_apart {
        bus.warn(
            &format!("candidate {candidate} is worth {worth} on this stream since frame {since}, where its prior says {says}"),
            "its prior is of other material or of another reference: rank the candidates on this one (`avrec rank`), or correct \
             `quality` in the catalog",
        );
    } else {
        bus.inform(
            &format!(
                "candidate {candidate} is worth what its prior says again, {worth}, since frame {since}"
            ),
            &format!("the prior is {says}"),
        );
    }
    bus.post(Drift {
        candidate: candidate.to_string(),
        state: match drift.is_apart {
            true => DriftWord::Apart,
            false => DriftWord::Returned,
        },
        prior: prior.mean,
        prior_low: prior.low,
        prior_high: prior.high,
        live: live.mean,
        live_low: live.low,
        live_high: live.high,
        since,
        frame,
    });
}
