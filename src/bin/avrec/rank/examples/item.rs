// SPDX-License-Identifier: MPL-2.0

//! What is shown of an item: what the models met, what is right, and what each answered.

/// Items side by side.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    pub items: Vec<Example>,
    /// What could not be shown, in sentences.
    pub notes: Vec<String>,
}

/// One item.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// Why just this one; a sentence without its end.
    pub why: String,
    pub path: String,
    /// Number of the frame, picture or stretch, and where it lies in its file.
    pub index: usize,
    pub seconds: f64,
    /// What the models met.
    pub input: Shown,
    /// What is right, and whose word that is.
    pub truth: Option<Shown>,
    pub truth_is: String,
    pub answers: Vec<Answered>,
    /// What a person needs to know to read it, such as by how much differences are magnified.
    pub told: String,
}

/// What one model answered.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    pub model: String,
    /// With what is right, 0 to 1.
    pub agreement: Option<f64>,
    pub shown: Shown,
    /// From what is right, magnified.
    pub difference: Option<Jpeg>,
}

/// Anything that can be looked at, read or heard.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    pub picture: Option<Jpeg>,
    /// Whether its marks lie on the picture of the input; there is no picture of its own then.
    pub is_on_input: bool,
    pub marks: Vec<Mark>,
    pub words: Vec<String>,
    pub sound: Option<Clip>,
}

/// A small picture.
#[derive(Debug, Clone, Default)]
pub struct Jpeg {
    pub bytes: Vec<u8>,
    /// In pixels.
    pub width: u32,
    pub height: u32,
}

/// A rectangle on a picture, in parts of its width and height, 0 to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mark {
    pub label: String,
    /// Equal for equal labels; it chooses the color.
    pub class: u32,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// A stretch of sound.
#[derive(Debug, Clone, Default)]
pub struct Clip {
    /// Lowest and highest sample of each part of the time, -1 to 1.
    pub wave: Vec<(f32, f32)>,
    /// A file that a browser plays.
    pub wav: Vec<u8>,
    /// Samples a second in the file.
    pub rate: u32,
}
