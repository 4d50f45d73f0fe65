// SPDX-License-Identifier: MPL-2.0

//! Which trace a frame is, and whether it is sampled: both follow from when the frame entered, so that each thread that meets
//! the frame knows them without being told.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::random::Random;

/// Tells the span of a frame from its trace.
const ROOT: u64 = 0x6672_616d_6500_0001;

/// The traces of one switch.
#[derive(Debug)]
pub struct Identity {
    high: u64,
    low: u64,
    /// Traces whose last 63 bits are below it are sampled, as OpenTelemetry's `traceidratio` does.
    limit: u64,
}

impl Identity {
    /// Of this share of all traces.
    pub fn new(ratio: f64) -> Identity {
        let seed = u128::from_be_bytes(RandomIdGenerator::default().new_trace_id().to_bytes());
        Identity::of(seed, ratio)
    }

    fn of(seed: u128, ratio: f64) -> Identity {
        let limit = match ratio {
            all if 1.0 <= all => u64::MAX,
            ratio => (ratio.max(0.0) * (1_u64 << 63) as f64) as u64,
        };
        Identity {
            high: (seed >> 64) as u64,
            low: seed as u64,
            limit,
        }
    }

    pub fn is_sampled(&self, entered: gst::ClockTime) -> bool {
        self.trace_low(entered) >> 1 < self.limit
    }

    /// The trace of the frame that entered then.
    pub fn trace(&self, entered: gst::ClockTime) -> TraceId {
        // None is all zeros.
        let high = mixed(self.high, entered.nseconds()) | 1;
        TraceId::from((u128::from(high) << 64) | u128::from(self.trace_low(entered)))
    }

    /// The span of that frame.
    pub fn root(&self, entered: gst::ClockTime) -> SpanId {
        SpanId::from(mixed(self.low ^ ROOT, entered.nseconds()).max(1))
    }

    fn trace_low(&self, entered: gst::ClockTime) -> u64 {
        mixed(self.low, entered.nseconds())
    }
}

fn mixed(seed: u64, value: u64) -> u64 {
    Random::new(seed ^ Random::new(value).bits()).bits()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use opentelemetry::trace::SpanKind;
    use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};

    use super::*;

    /// Stamps of a stream of 25 frames a second.
    fn stamps() -> impl Iterator<Item = gst::ClockTime> {
        (0..20_000).map(|it| gst::ClockTime::from_nseconds(7_000_000_123 + it * 40_000_000))
    }

    #[test]
    fn each_frame_is_a_trace_of_its_own_with_a_span_of_its_own() {
        let identity = Identity::new(1.0);
        let other = Identity::new(1.0);
        let traces: HashSet<_> = stamps()
            .flat_map(|it| [identity.trace(it), other.trace(it)])
            .collect();
        let roots: HashSet<_> = stamps().map(|it| identity.root(it)).collect();
        assert_eq!((traces.len(), roots.len()), (40_000, 20_000));
        assert!(!traces.contains(&TraceId::INVALID) && !roots.contains(&SpanId::INVALID));
    }

    #[test]
    fn as_many_are_sampled_as_the_ratio_says_and_the_same_as_another_sampler_of_that_ratio_takes() {
        for ratio in [0.0, 0.01, 0.25, 0.5, 1.0] {
            let identity = Identity::of(0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978, ratio);
            let sampled = stamps().filter(|it| identity.is_sampled(*it)).count() as f64 / 20_000.0;
            // Four standard deviations.
            let may_part = 4.0 * (ratio * (1.0 - ratio) / 20_000.0).sqrt();
            assert!((sampled - ratio).abs() <= may_part, "{sampled} of {ratio}");
            let sampler = Sampler::TraceIdRatioBased(ratio);
            for stamp in stamps().take(2_000) {
                let trace = identity.trace(stamp);
                let result = sampler.should_sample(None, trace, "frame", &SpanKind::Internal, &[], &[]);
                let is_taken = result.decision == SamplingDecision::RecordAndSample;
                assert_eq!(is_taken, identity.is_sampled(stamp));
            }
        }
    }
}
