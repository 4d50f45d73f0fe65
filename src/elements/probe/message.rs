// SPDX-License-Identifier: MPL-2.0

//! The bus form of the figures.

use std::time::Duration;

use gst::ClockTime;
use gst::structure::Builder;

use super::fidelity::{FIGURES, Fidelity};
use super::meter::{Latencies, Summary};

/// The element message `avrec/probe`; its fields stand in the documentation of the element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeMessage {
    /// Of the buffer that caused the message; `None` at the end of the stream or without time.
    pub pts: Option<ClockTime>,
    pub running_time: Option<ClockTime>,
    /// Whether the stream has ended with it.
    pub is_final: bool,
    /// Since the message before.
    pub summary: Summary,
    /// Since the message before; `None` without a reference.
    pub fidelity: Option<Fidelity>,
}

impl ProbeMessage {
    pub const NAME: &str = "avrec/probe";
}

impl From<ProbeMessage> for gst::Structure {
    fn from(message: ProbeMessage) -> gst::Structure {
        let builder = gst::Structure::builder(ProbeMessage::NAME)
            .field_if_some("pts", message.pts)
            .field_if_some("running-time", message.running_time)
            .field("final", message.is_final);
        fields(builder, &message.summary, message.fidelity.as_ref()).build()
    }
}

/// A structure that is no `avrec/probe`, or lacks what each has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a structure avrec/probe with all its counts")]
pub struct NotAProbeMessage;

impl TryFrom<&gst::StructureRef> for ProbeMessage {
    type Error = NotAProbeMessage;

    fn try_from(structure: &gst::StructureRef) -> Result<ProbeMessage, NotAProbeMessage> {
        if structure.name() != ProbeMessage::NAME {
            return Err(NotAProbeMessage);
        }
        let count = |field: &str| structure.get::<u64>(field).map_err(|_| NotAProbeMessage);
        let time = |field: &str| structure.get::<u64>(field).ok().map(ClockTime::from_nseconds);
        let duration = |field: &str| structure.get::<u64>(field).ok().map(Duration::from_nanos);
        let number = |field: &str| structure.get::<f64>(field).ok();

        let latencies = || {
            Some(Latencies {
                p50: duration("latency-p50-ns")?,
                p95: duration("latency-p95-ns")?,
                p99: duration("latency-p99-ns")?,
                max: duration("latency-max-ns")?,
            })
        };
        let fidelity = count("pairs")
            .ok()
            .zip(count("unmatched").ok())
            .map(|(pairs, unmatched)| Fidelity {
                pairs,
                unmatched,
                means: number("psnr-db").zip(number("ssim")),
                figures: FIGURES.map(number),
            });
        Ok(ProbeMessage {
            pts: time("pts"),
            running_time: time("running-time"),
            is_final: structure.get("final").map_err(|_| NotAProbeMessage)?,
            summary: Summary {
                frames: count("frames")?,
                unstamped: count("unstamped")?,
                misses: count("misses")?,
                fps: number("fps"),
                latencies: latencies(),
                budget: time("budget-ns"),
            },
            fidelity,
        })
    }
}

/// The property `stats`: figures since the start, and the means over the last pairs.
pub fn stats(summary: &Summary, fidelity: Option<(Fidelity, Option<(f64, f64)>)>) -> gst::Structure {
    let builder = gst::Structure::builder("avrec/probe-stats");
    let (total, window) = fidelity.unzip();
    let window = window.flatten();
    fields(builder, summary, total.as_ref())
        .field_if_some("window-psnr-db", window.map(|it| it.0))
        .field_if_some("window-ssim", window.map(|it| it.1))
        .build()
}

fn fields(builder: Builder, summary: &Summary, fidelity: Option<&Fidelity>) -> Builder {
    let ns = |get: fn(&Latencies) -> Duration| {
        summary
            .latencies
            .as_ref()
            .map(|it| u64::try_from(get(it).as_nanos()).unwrap_or(u64::MAX))
    };
    let means = fidelity.and_then(|it| it.means);
    let builder = builder
        .field("frames", summary.frames)
        .field("unstamped", summary.unstamped)
        .field("misses", summary.misses)
        // A rate of zero says the same as no rate yet, and every reader may count on the field.
        .field("fps", summary.fps.unwrap_or_default())
        .field_if_some("latency-p50-ns", ns(|it| it.p50))
        .field_if_some("latency-p95-ns", ns(|it| it.p95))
        .field_if_some("latency-p99-ns", ns(|it| it.p99))
        .field_if_some("latency-max-ns", ns(|it| it.max))
        .field_if_some("budget-ns", summary.budget.map(ClockTime::nseconds))
        .field_if_some("pairs", fidelity.map(|it| it.pairs))
        .field_if_some("unmatched", fidelity.map(|it| it.unmatched))
        .field_if_some("psnr-db", means.map(|it| it.0))
        .field_if_some("ssim", means.map(|it| it.1));
    let figures = fidelity.map_or([None; FIGURES.len()], |it| it.figures);
    let named = FIGURES.into_iter().zip(figures);
    named.fold(builder, |builder, (field, value)| {
        builder.field_if_some(field, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_bus() {
        gst::init().unwrap();
        let full = ProbeMessage {
            pts: Some(ClockTime::from_mseconds(40)),
            running_time: Some(ClockTime::from_mseconds(1040)),
            is_final: false,
            summary: Summary {
                frames: 25,
                unstamped: 2,
                misses: 3,
                fps: Some(24.75),
                latencies: Some(Latencies {
                    p50: Duration::from_millis(8),
                    p95: Duration::from_millis(9),
                    p99: Duration::from_millis(12),
                    max: Duration::from_millis(15),
                }),
                budget: Some(ClockTime::from_mseconds(10)),
            },
            fidelity: Some(Fidelity {
                pairs: 20,
                unmatched: 5,
                means: Some((33.5, 0.91)),
                figures: FIGURES.map(|it| (it == "f1").then_some(0.5)),
            }),
        };
        // A rate that is not known is written as zero.
        let summary = Summary {
            fps: Some(0.0),
            ..Summary::default()
        };
        let empty = ProbeMessage {
            pts: None,
            running_time: None,
            is_final: true,
            summary,
            fidelity: None,
        };
        for message in [full, empty] {
            let structure = gst::Structure::from(message);
            assert_eq!(ProbeMessage::try_from(structure.as_ref()), Ok(message));
        }
        assert_eq!(
            ProbeMessage::try_from(gst::Structure::new_empty("other").as_ref()),
            Err(NotAProbeMessage)
        );
        assert_eq!(
            ProbeMessage::try_from(gst::Structure::new_empty("avrec/probe").as_ref()),
            Err(NotAProbeMessage)
        );
    }
}
