// SPDX-License-Identifier: MPL-2.0

//! How sound of one rate goes through a model of another, and by how much it lags.

use super::Error;
use crate::tensor::SoundSpec;

/// Samples at the lower rate that one block of the resampler has at least. Its filter is as long: at 128, the
/// band up to about nine tenths of the lower rate's half passes, and a block is 8 ms at 16 kHz.
const MIN_RESAMPLED: usize = 128;

/// Samples that one block of the resampler may have at either rate. Rates with a small common divisor, such as
/// 44,100 and 16,001, would need more, and delay the sound by seconds.
const MAX_RESAMPLED: usize = 8192;

/// Block sizes that are tried: up to this many times the smallest.
const SIZES: usize = 4;

/// The way of sound through one model. Lengths are in samples per channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopPlan {
    /// Samples per second of the stream.
    pub rate: u32,
    pub model: SoundSpec,
    /// Samples of the stream that are gathered before anything happens: the hop, or a block of the resampler.
    pub block: usize,
    /// The same stretch of time at the model's rate.
    pub model_block: usize,
    /// Silence before the model's answers, so that the delay is a whole number of samples of the stream.
    pub(super) padding: usize,
    /// Samples of the stream by which answers lag behind questions: the algorithmic delay.
    pub delay: usize,
    /// Samples that may have gone in before a block is whole, at most, without their answer having come out.
    reach: usize,
}

impl HopPlan {
    /// Plans the way, or says that the rates do not go together.
    pub fn new(rate: u32, model: &SoundSpec) -> Result<HopPlan, Error> {
        if rate == model.rate {
            return Ok(HopPlan::with_blocks(rate, model, model.hop, model.hop));
        }
        let divisor = gcd(rate as usize, model.rate as usize).max(1);
        let (stream, inner) = (rate as usize / divisor, model.rate as usize / divisor);
        // Half a block is the delay of a filter, so blocks are even on both sides.
        let step = if stream % 2 == 0 && inner % 2 == 0 { 1 } else { 2 };
        let least = MIN_RESAMPLED.div_ceil(stream.min(inner)).next_multiple_of(step);
        let fits = |count: &usize| count * stream.max(inner) <= MAX_RESAMPLED;
        let counts = (least..=SIZES * least).step_by(step).filter(fits);
        // Blocks that hops divide, or that divide hops, wait for each other the least.
        let plans = counts.map(|count| HopPlan::with_blocks(rate, model, count * stream, count * inner));
        plans.min_by_key(|plan| plan.reach).ok_or(Error::Rates {
            stream: rate,
            model: model.rate,
        })
    }

    fn with_blocks(rate: u32, model: &SoundSpec, block: usize, model_block: usize) -> HopPlan {
        let mut plan = HopPlan {
            rate,
            model: *model,
            block,
            model_block,
            padding: 0,
            delay: model.delay,
            reach: 0,
        };
        if plan.resamples() {
            let divisor = gcd(block, model_block).max(1);
            let (stream, inner) = (block / divisor, model_block / divisor);
            plan.padding = model.delay.next_multiple_of(inner) - model.delay;
            // Down and up, half a block each.
            plan.delay = block + (model.delay + plan.padding) / inner * stream;
        }
        let period = model.hop / gcd(model.hop, model_block).max(1);
        let waits = (0..period).map(|blocks| (blocks + 1) * block + plan.delay - plan.untrimmed(blocks));
        plan.reach = waits.max().unwrap_or(block + plan.delay);
        plan
    }

    /// Whether the model has another rate than the stream.
    pub fn resamples(&self) -> bool {
        self.rate != self.model.rate
    }

    /// Samples that came out after this many blocks went in, those of the delay included.
    fn untrimmed(&self, blocks: usize) -> usize {
        let heard = blocks * self.model_block;
        let answered = self.padding + heard - heard % self.model.hop;
        match self.resamples() {
            true => answered / self.model_block * self.block,
            false => answered,
        }
    }

    /// Samples that wait inside, at most, when buffers have `buffer` samples each: the algorithmic delay, and what
    /// it takes to make hops of buffers. So many buffers may come out as go in.
    pub fn lag(&self, buffer: usize) -> usize {
        // After each buffer, the samples of an unfinished block are a multiple of what blocks and buffers share.
        self.reach - gcd(self.block, buffer).max(1)
    }

    /// [`lag`](HopPlan::lag) for buffers of any sizes.
    pub fn longest_lag(&self) -> usize {
        self.lag(1)
    }
}

/// The greatest common divisor; with 0, the other number.
pub fn gcd(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::ElementType;

    fn spec(rate: u32, hop: usize, delay: usize) -> SoundSpec {
        SoundSpec {
            channels: 1,
            element_type: ElementType::F32,
            hop,
            context: 0,
            rate,
            delay,
        }
    }

    #[test]
    fn whole_hops_wait_for_nothing_but_the_delay() {
        let plan = HopPlan::new(48_000, &spec(48_000, 480, 960)).unwrap();
        assert_eq!((plan.delay, plan.lag(480), plan.lag(960)), (960, 960, 960));
        // 1024 and 480 share 32.
        assert_eq!((plan.lag(1024), plan.longest_lag()), (960 + 480 - 32, 960 + 479));
    }

    #[test]
    fn another_rate_adds_a_block_of_the_resampler() {
        let plan = HopPlan::new(48_000, &spec(16_000, 160, 0)).unwrap();
        assert_eq!((plan.block, plan.model_block, plan.delay), (480, 160, 480));
        assert_eq!(plan.lag(480), 480);
        // 100 samples at 16 kHz are 275.625 at 44.1 kHz: padded to 160, which are 441.
        let plan = HopPlan::new(44_100, &spec(16_000, 160, 100)).unwrap();
        assert_eq!((plan.block, plan.padding, plan.delay), (882, 60, 882 + 441));
    }

    #[test]
    fn rates_without_a_common_divisor_are_refused() {
        let error = HopPlan::new(44_100, &spec(16_001, 160, 0))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("44100") && error.contains("audioresample"),
            "{error}"
        );
    }
}
