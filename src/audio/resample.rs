// SPDX-License-Identifier: MPL-2.0

//! Turns blocks of one rate into blocks of another.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler};

use super::Error;
use super::codec::Planar;
use super::ring::Channel;

/// A resampler by FFT, whose delay is half a block on either side.
pub(super) struct Blocks {
    resampler: Fft<f32>,
    input: Planar,
    output: Planar,
}

impl Blocks {
    /// `block` samples at the rate `from` become `out` samples at the rate `to`, which are the same time.
    pub fn new(
        (from, block): (u32, usize),
        (to, out): (u32, usize),
        channels: usize,
    ) -> Result<Blocks, Error> {
        let resampler = Fft::new(from as usize, to as usize, block, channels, FixedSync::Both)
            .map_err(|error| Error::Resample(error.to_string()))?;
        if resampler.input_frames_next() != block || resampler.output_frames_next() != out {
            return Err(Error::Resample(format!("no blocks of {block} and {out} samples")));
        }
        Ok(Blocks {
            resampler,
            input: vec![vec![0.0; block]; channels],
            output: vec![vec![0.0; out]; channels],
        })
    }

    /// Takes all whole blocks from `source` and appends what becomes of them to `target`.
    pub fn run(&mut self, source: &mut [Channel], target: &mut [Channel]) -> Result<(), Error> {
        let block = self.input.first().map_or(0, Vec::len);
        while block != 0 && source.iter().all(|it| block <= it.len()) {
            for (ring, channel) in source.iter_mut().zip(&mut self.input) {
                channel.copy_from_slice(ring.first(block));
                ring.skip(block);
            }
            self.once()?;
            for (ring, channel) in target.iter_mut().zip(&self.output) {
                ring.append(channel);
            }
        }
        Ok(())
    }

    fn once(&mut self) -> Result<(), Error> {
        let fault = |error: &dyn std::fmt::Display| Error::Resample(error.to_string());
        let (channels, block) = (self.input.len(), self.input.first().map_or(0, Vec::len));
        let out = self.output.first().map_or(0, Vec::len);
        let input =
            SequentialSliceOfVecs::new(self.input.as_slice(), channels, block).map_err(|it| fault(&it))?;
        let mut output = SequentialSliceOfVecs::new_mut(self.output.as_mut_slice(), channels, out)
            .map_err(|it| fault(&it))?;
        self.resampler
            .process_into_buffer(&input, &mut output, None)
            .map(|_| ())
            .map_err(|it| fault(&it))
    }

    pub fn reset(&mut self) {
        self.resampler.reset();
    }
}
