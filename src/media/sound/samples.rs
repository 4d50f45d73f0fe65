// SPDX-License-Identifier: MPL-2.0

//! Interleaved samples in memory to lists of floats and back.

use gst_audio::AudioFormat;

use super::super::Error;
use super::Planar;

/// Formats that are read and written.
pub const FORMATS: [AudioFormat; 4] = [
    AudioFormat::F32le,
    AudioFormat::S16le,
    AudioFormat::S32le,
    AudioFormat::F64le,
];

/// Reads and writes interleaved samples of one format and number of channels.
///
/// Inside, full scale is 1.0, so integers beyond 24 bits lose their last ones. Written integers are clamped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    format: AudioFormat,
    channels: usize,
}

impl Samples {
    pub fn new(format: AudioFormat, channels: usize) -> Result<Samples, Error> {
        if !FORMATS.contains(&format) {
            return Err(Error::Format(format.to_str().as_str()));
        }
        Ok(Samples {
            format,
            channels: channels.max(1),
        })
    }

    /// Bytes of one sample of all channels.
    pub fn frame_size(&self) -> usize {
        let width = match self.format {
            AudioFormat::S16le => 2,
            AudioFormat::F64le => 8,
            _ => 4,
        };
        width * self.channels
    }

    /// Replaces the content of `sound`. A rest that is no whole frame is an error.
    pub fn read(&self, bytes: &[u8], sound: &mut Planar) -> Result<(), Error> {
        if !bytes.len().is_multiple_of(self.frame_size()) {
            return Err(Error::Frames {
                bytes: bytes.len(),
                frame: self.frame_size(),
            });
        }
        sound.resize_with(self.channels, Vec::new);
        sound.iter_mut().for_each(Vec::clear);
        match self.format {
            AudioFormat::F32le => self.read_as(bytes, sound, f32::from_le_bytes),
            AudioFormat::S16le => {
                self.read_as(bytes, sound, |it| f32::from(i16::from_le_bytes(it)) / 32_768.0)
            }
            AudioFormat::S32le => {
                self.read_as(bytes, sound, |it| {
                    (f64::from(i32::from_le_bytes(it)) / 2_147_483_648.0) as f32
                });
            }
            _ => self.read_as(bytes, sound, |it| f64::from_le_bytes(it) as f32),
        }
        Ok(())
    }

    /// Writes all of `sound`, which has the length that `bytes` have room for.
    pub fn write(&self, sound: &Planar, bytes: &mut [u8]) {
        match self.format {
            AudioFormat::F32le => self.write_as(sound, bytes, f32::to_le_bytes),
            AudioFormat::S16le => {
                self.write_as(sound, bytes, |it| {
                    ((it * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16).to_le_bytes()
                });
            }
            AudioFormat::S32le => {
                // A conversion from float saturates.
                self.write_as(sound, bytes, |it| {
                    ((f64::from(it) * 2_147_483_648.0).round() as i32).to_le_bytes()
                });
            }
            _ => self.write_as(sound, bytes, |it| f64::from(it).to_le_bytes()),
        }
    }

    fn read_as<const N: usize>(&self, bytes: &[u8], sound: &mut Planar, value: impl Fn([u8; N]) -> f32) {
        let (values, _) = bytes.as_chunks::<N>();
        for (channel, list) in sound.iter_mut().enumerate() {
            list.extend(
                values
                    .iter()
                    .skip(channel)
                    .step_by(self.channels)
                    .map(|it| value(*it)),
            );
        }
    }

    fn write_as<const N: usize>(&self, sound: &Planar, bytes: &mut [u8], spell: impl Fn(f32) -> [u8; N]) {
        let (values, _) = bytes.as_chunks_mut::<N>();
        for channel in 0..self.channels {
            let Some(list) = sound.get(channel) else {
                continue;
            };
            let places = values.iter_mut().skip(channel).step_by(self.channels);
            places.zip(list).for_each(|(place, it)| *place = spell(*it));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_as_they_went_in_and_are_clamped() {
        let samples = Samples::new(AudioFormat::S16le, 2).unwrap();
        let bytes: Vec<u8> = (0..400u16)
            .flat_map(|it| (it.wrapping_mul(327)).to_le_bytes())
            .collect();
        let mut sound = Planar::new();
        samples.read(&bytes, &mut sound).unwrap();
        assert_eq!((sound.len(), sound[1].len()), (2, 200));
        let mut back = vec![0; bytes.len()];
        samples.write(&sound, &mut back);
        assert!(back == bytes);
        sound[0][0] = 1.5;
        samples.write(&sound, &mut back);
        assert_eq!(back[..2], i16::MAX.to_le_bytes());
    }

    #[test]
    fn half_a_frame_and_unknown_formats_are_errors() {
        let samples = Samples::new(AudioFormat::S32le, 2).unwrap();
        assert!(matches!(
            samples.read(&[0; 12], &mut Planar::new()),
            Err(Error::Frames { bytes: 12, frame: 8 })
        ));
        assert!(matches!(Samples::new(AudioFormat::U8, 1), Err(Error::Format(_))));
    }
}
