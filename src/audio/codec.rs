// SPDX-License-Identifier: MPL-2.0

//! Interleaved values in memory to numbers and back: the only place that knows how samples lie there.
//!
//! Full scale is 1.0, in `f64` for arithmetic between versions of a stream, which loses nothing of any format, and in
//! `f32` by channel for models. What is out of range is cut off in integers.

use super::Error;
use super::spec::{Format, Spec};

/// Samples by channel, all lists of one length.
pub type Planar = Vec<Vec<f32>>;

/// A value as it lies in memory.
trait Value: Sized {
    const BYTES: usize = size_of::<Self>();
    fn read(bytes: &[u8]) -> f64;
    fn write(value: f64, bytes: &mut [u8]);
}

macro_rules! value {
    ($type:ty, $full_scale:expr, $round:expr) => {
        impl Value for $type {
            fn read(bytes: &[u8]) -> f64 {
                let mut value = [0; size_of::<$type>()];
                value.copy_from_slice(bytes);
                <$type>::from_le_bytes(value) as f64 / $full_scale
            }

            fn write(value: f64, bytes: &mut [u8]) {
                let round: fn(f64) -> f64 = $round;
                // A cast of a float to an integer keeps within the range.
                bytes.copy_from_slice(&(round(value * $full_scale) as $type).to_le_bytes());
            }
        }
    };
}

value!(i16, 32_768.0, f64::round);
value!(i32, 2_147_483_648.0, f64::round);
value!(f32, 1.0, |it| it);
value!(f64, 1.0, |it| it);

/// Evaluates an expression with the type of the format's values.
macro_rules! with_value {
    ($format:expr, $Value:ident => $then:expr) => {
        match $format {
            Format::S16 => {
                type $Value = i16;
                $then
            }
            Format::S32 => {
                type $Value = i32;
                $then
            }
            Format::F32 => {
                type $Value = f32;
                $then
            }
            Format::F64 => {
                type $Value = f64;
                $then
            }
        }
    };
}

/// Reads interleaved values into numbers, in place of what was there.
pub(super) fn decode(format: Format, bytes: &[u8], into: &mut Vec<f64>) {
    into.clear();
    with_value!(format, V => into.extend(bytes.chunks_exact(V::BYTES).map(V::read)));
}

/// Writes numbers as interleaved values.
pub(super) fn encode(format: Format, values: &[f64], into: &mut [u8]) {
    with_value!(format, V => {
        let places = into.chunks_exact_mut(V::BYTES);
        values.iter().zip(places).for_each(|(value, place)| V::write(*value, place));
    });
}

/// Reads interleaved values into one list for each channel, in place of what was there.
///
/// # Errors
///
/// When the bytes are not a whole number of samples.
pub fn split(spec: &Spec, bytes: &[u8], sound: &mut Planar) -> Result<(), Error> {
    if spec.samples_of(bytes.len()).is_none() {
        return Err(Error::Frames {
            bytes: bytes.len(),
            frame: spec.width(),
        });
    }
    sound.resize_with(spec.channels as usize, Vec::new);
    with_value!(spec.format, V => for (channel, list) in sound.iter_mut().enumerate() {
        let samples = bytes.chunks_exact(spec.width());
        let value = |sample: &[u8]| V::read(&sample[channel * V::BYTES..][..V::BYTES]) as f32;
        list.clear();
        list.extend(samples.map(value));
    });
    Ok(())
}

/// Writes the lists of all channels as interleaved values, as many as there is room for.
pub fn join(spec: &Spec, sound: &[Vec<f32>], into: &mut [u8]) {
    with_value!(spec.format, V => for (channel, list) in sound.iter().enumerate() {
        let samples = into.chunks_exact_mut(spec.width());
        for (value, sample) in list.iter().zip(samples) {
            V::write(f64::from(*value), &mut sample[channel * V::BYTES..][..V::BYTES]);
        }
    });
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
        encode(Format::S16, &[1.5, -1.5], &mut bytes);
        assert_eq!(bytes, [0xff, 0x7f, 0x00, 0x80]);
    }

    fn stereo(format: Format) -> Spec {
        Spec {
            format,
            rate: 48_000,
            channels: 2,
        }
    }

    #[test]
    fn channels_come_back_as_they_went_in_and_are_clamped() {
        let spec = stereo(Format::S16);
        let bytes: Vec<u8> = (0..400u16)
            .flat_map(|it| (it.wrapping_mul(327)).to_le_bytes())
            .collect();
        let mut sound = Planar::new();
        split(&spec, &bytes, &mut sound).unwrap();
        assert_eq!((sound.len(), sound[1].len()), (2, 200));
        let mut back = vec![0; bytes.len()];
        join(&spec, &sound, &mut back);
        assert!(back == bytes);
        sound[0][0] = 1.5;
        join(&spec, &sound, &mut back);
        assert_eq!(back[..2], i16::MAX.to_le_bytes());
    }

    #[test]
    fn half_a_sample_is_an_error() {
        assert!(matches!(
            split(&stereo(Format::S32), &[0; 12], &mut Planar::new()),
            Err(Error::Frames { bytes: 12, frame: 8 })
        ));
    }
}
