// SPDX-License-Identifier: MPL-2.0

//! Pictures corrupted as cameras, weather and transmission corrupt them, in five strengths each: how robust is an answer?
//!
//! Eleven kinds, ten of them after ImageNet-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
//! Corruptions and Perturbations", ICLR 2019), with the strengths of its program `make_imagenet_c.py`. These are for
//! pictures of 224×224; lengths (radii, blocks that pixelate) grow here with the shorter side, so that a larger picture
//! loses as much of what it shows. Noise is of single pixels at each size, JPEG of blocks of eight. The same seed makes the
//! same picture. Small changes that an answer should not notice at all are those of [`perturb`](super::perturb).

mod blur;
mod digital;
mod fog;
mod light;
mod noise;
mod rgb;

pub use rgb::Rgb;

/// What corruptions have in common, as in the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    Noise,
    Blur,
    Weather,
    Digital,
}

impl Group {
    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Group::Noise => "noise",
            Group::Blur => "blur",
            Group::Weather => "weather",
            Group::Digital => "digital",
        }
    }
}

/// A kind of corruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Corruption {
    /// Normal noise of each sample: little light.
    GaussianNoise,
    /// Poisson noise: each sample counts photons.
    ShotNoise,
    /// Samples that are black or white: defects and bit errors.
    ImpulseNoise,
    /// A disk for each point: out of focus.
    DefocusBlur,
    /// A tail for each point, in a random direction.
    MotionBlur,
    /// A bright, uneven veil.
    Fog,
    /// Everything brighter, white stays white.
    Brightness,
    /// Everything nearer to the mean.
    Contrast,
    /// Blocks of a strong JPEG compression.
    Jpeg,
    /// Large pixels.
    Pixelate,
    /// Rows of macroblocks that did not arrive, filled in from above.
    LostRows,
}

impl Corruption {
    pub const ALL: [Corruption; 11] = [
        Corruption::GaussianNoise,
        Corruption::ShotNoise,
        Corruption::ImpulseNoise,
        Corruption::DefocusBlur,
        Corruption::MotionBlur,
        Corruption::Fog,
        Corruption::Brightness,
        Corruption::Contrast,
        Corruption::Jpeg,
        Corruption::Pixelate,
        Corruption::LostRows,
    ];

    /// What tables and settings call it.
    pub fn name(self) -> &'static str {
        match self {
            Corruption::GaussianNoise => "gaussian-noise",
            Corruption::ShotNoise => "shot-noise",
            Corruption::ImpulseNoise => "impulse-noise",
            Corruption::DefocusBlur => "defocus-blur",
            Corruption::MotionBlur => "motion-blur",
            Corruption::Fog => "fog",
            Corruption::Brightness => "brightness",
            Corruption::Contrast => "contrast",
            Corruption::Jpeg => "jpeg",
            Corruption::Pixelate => "pixelate",
            Corruption::LostRows => "lost-rows",
        }
    }

    /// The corruption of a [`name`](Corruption::name).
    pub fn named(name: &str) -> Option<Corruption> {
        Corruption::ALL.into_iter().find(|it| it.name() == name)
    }

    pub fn group(self) -> Group {
        match self {
            Corruption::GaussianNoise | Corruption::ShotNoise | Corruption::ImpulseNoise => Group::Noise,
            Corruption::DefocusBlur | Corruption::MotionBlur => Group::Blur,
            Corruption::Fog | Corruption::Brightness => Group::Weather,
            Corruption::Contrast | Corruption::Jpeg | Corruption::Pixelate | Corruption::LostRows => {
                Group::Digital
            }
        }
    }

    /// Corrupts a picture; `strength` is 1 to 5, what lies beyond counts as the nearest. A picture whose samples do not
    /// fill its size is left as it is.
    pub fn apply(self, strength: u8, seed: u64, mut picture: Rgb) {
        if !picture.is_whole() {
            return;
        }
        let of = usize::from(strength.clamp(1, 5)) - 1;
        let picture = &mut picture;
        match self {
            Corruption::GaussianNoise => noise::gaussian(picture, [0.08, 0.12, 0.18, 0.26, 0.38][of], seed),
            Corruption::ShotNoise => noise::shot(picture, [60.0, 25.0, 12.0, 5.0, 3.0][of], seed),
            Corruption::ImpulseNoise => noise::impulse(picture, [0.03, 0.06, 0.09, 0.17, 0.27][of], seed),
            Corruption::DefocusBlur => blur::defocus(picture, [3.0, 4.0, 6.0, 8.0, 10.0][of]),
            Corruption::MotionBlur => {
                let tail = [(10.0, 3.0), (15.0, 5.0), (15.0, 8.0), (15.0, 12.0), (20.0, 15.0)][of];
                blur::motion(picture, tail, seed);
            }
            Corruption::Fog => {
                let (amount, decay) = [(1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)][of];
                fog::fog(picture, amount, decay, seed);
            }
            Corruption::Brightness => light::brighten(picture, [0.1, 0.2, 0.3, 0.4, 0.5][of]),
            Corruption::Contrast => light::flatten(picture, [0.4, 0.3, 0.2, 0.1, 0.05][of]),
            Corruption::Jpeg => digital::jpeg(picture, [25, 18, 15, 10, 7][of]),
            Corruption::Pixelate => digital::pixelate(picture, [0.6, 0.5, 0.4, 0.3, 0.25][of]),
            // Not of the paper: shares of rows that concealment is usually tried with.
            Corruption::LostRows => digital::lose_rows(picture, [0.03, 0.06, 0.12, 0.2, 0.3][of], seed),
        }
    }
}

#[cfg(test)]
mod tests;
