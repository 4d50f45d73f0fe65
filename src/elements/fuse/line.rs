// SPDX-License-Identifier: MPL-2.0

//! An answer in words.

use std::time::Duration;

use crate::messages::{Class, Fused, FusedSide, Nested};

/// What both sides said of the frame at `time` and what they come to, as a line.
pub fn line(told: &Fused, time: Duration) -> String {
    let named = |classes: &Option<Vec<Class>>, score: Option<f64>| {
        let best = classes.as_ref().and_then(|it| it.first());
        match (best, score) {
            (Some(best), _) => format!("{} {:.3}", best.label, best.confidence),
            (None, Some(score)) => format!("{score:.3}"),
            (None, None) => "nothing".to_owned(),
        }
    };
    let side = |side: &Option<Nested<FusedSide>>| match side {
        Some(it) => named(&it.0.classes, it.0.score),
        None => "nothing".to_owned(),
    };
    format!(
        "at {:.2} s {}: picture says {} (weight {:.2}), sound says {} (weight {:.2})",
        time.as_secs_f64(),
        named(&told.combined.classes, told.combined.score),
        side(&told.picture),
        told.picture_weight,
        side(&told.sound),
        told.sound_weight
    )
}
