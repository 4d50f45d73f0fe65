// SPDX-License-Identifier: MPL-2.0

//! Arithmetic on samples: sums of versions by their gains, and a step that fades away.

use super::spec::Format;

/// A value as it lies in memory.
trait Value: Sized {
    const BYTES: usize;
    fn read(bytes: &[u8]) -> f64;
    fn write(value: f64, bytes: &mut [u8]);
}

macro_rules! value {
    ($type:ty, $to:expr) => {
        impl Value for $type {
            const BYTES: usize = size_of::<$type>();

            fn read(bytes: &[u8]) -> f64 {
                let mut value = [0; size_of::<$type>()];
                value.copy_from_slice(bytes);
                <$type>::from_le_bytes(value) as f64
            }

            fn write(value: f64, bytes: &mut [u8]) {
                let to: fn(f64) -> $type = $to;
                bytes.copy_from_slice(&to(value).to_le_bytes());
            }
        }
    };
}

// Casts of floats to integers keep within the range.
value!(i16, |it| it.round() as i16);
value!(i32, |it| it.round() as i32);
value!(f32, |it| it as f32);
value!(f64, |it| it);

/// Reads values into numbers of the format's own scale.
pub(super) fn decode(format: Format, bytes: &[u8], into: &mut Vec<f64>) {
    fn decode_as<V: Value>(bytes: &[u8], into: &mut Vec<f64>) {
        into.clear();
        into.extend(bytes.chunks_exact(V::BYTES).map(V::read));
    }
    match format {
        Format::S16 => decode_as::<i16>(bytes, into),
        Format::S32 => decode_as::<i32>(bytes, into),
        Format::F32 => decode_as::<f32>(bytes, into),
        Format::F64 => decode_as::<f64>(bytes, into),
    }
}

/// Writes numbers as values of the format; what is out of range is cut off.
pub(super) fn encode(format: Format, values: &[f64], into: &mut [u8]) {
    fn encode_as<V: Value>(values: &[f64], into: &mut [u8]) {
        for (value, bytes) in values.iter().zip(into.chunks_exact_mut(V::BYTES)) {
            V::write(*value, bytes);
        }
    }
    match format {
        Format::S16 => encode_as::<i16>(values, into),
        Format::S32 => encode_as::<i32>(values, into),
        Format::F32 => encode_as::<f32>(values, into),
        Format::F64 => encode_as::<f64>(values, into),
    }
}

/// A difference between what sounded and what follows, which fades away instead of being heard as a click.
#[derive(Debug, Clone, Default)]
pub(super) struct Declick {
    /// By channel.
    pub height: Vec<f64>,
    /// Where it begins, and over how many samples it fades.
    pub at: u64,
    pub length: u64,
}

impl Declick {
    /// Whether it is still to be heard at a position.
    pub fn lasts(&self, position: u64) -> bool {
        position < self.at + self.length
    }

    /// Adds it to interleaved values from a position on.
    pub fn add_to(&self, from: u64, values: &mut [f64]) {
        let channels = self.height.len().max(1);
        for (position, sample) in (from..).zip(values.chunks_exact_mut(channels)) {
            if !self.lasts(position) {
                return;
            }
            let left = 1.0 - position.saturating_sub(self.at) as f64 / self.length as f64;
            for (value, height) in sample.iter_mut().zip(&self.height) {
                *value += height * left;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_there_and_back() {
        for (format, bytes) in [
            (Format::S16, (-12_345_i16).to_le_bytes().to_vec()),
            (Format::S32, (-1_234_567_891_i32).to_le_bytes().to_vec()),
            (Format::F32, 0.123_456_79_f32.to_le_bytes().to_vec()),
            (Format::F64, 0.123_456_789_012_345_f64.to_le_bytes().to_vec()),
        ] {
            let (mut values, mut back) = (Vec::new(), vec![0; bytes.len()]);
            decode(format, &bytes, &mut values);
            encode(format, &values, &mut back);
            assert_eq!(back, bytes, "{format:?}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_cut_off() {
        let mut bytes = [0; 4];
        encode(Format::S16, &[40_000.0, -40_000.0], &mut bytes);
        let mut values = Vec::new();
        decode(Format::S16, &bytes, &mut values);
        assert_eq!(values, [32_767.0, -32_768.0]);
    }
}
