// SPDX-License-Identifier: MPL-2.0

//! Tensors and their descriptions: the vocabulary that `runtime` and `media` share, and nothing else.

use std::fmt;

use half::f16;

/// Type of one tensor element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    F32,
    F16,
    U8,
    I32,
    I64,
}

impl ElementType {
    /// The name as GStreamer spells it.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::F32 => "float32",
            ElementType::F16 => "float16",
            ElementType::U8 => "uint8",
            ElementType::I32 => "int32",
            ElementType::I64 => "int64",
        }
    }

    /// Bytes that one element takes.
    pub fn bytes(self) -> usize {
        match self {
            ElementType::U8 => 1,
            ElementType::F16 => 2,
            ElementType::F32 | ElementType::I32 => 4,
            ElementType::I64 => 8,
        }
    }
}

/// One dimension of a tensor as a model declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    Fixed(usize),
    /// Free; the name is the model's own, or empty.
    Dynamic(String),
}

/// What a model declares about one of its inputs or outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    pub name: String,
    /// Identifier from the `.modelinfo` file, else the name.
    pub id: String,
    pub element_type: ElementType,
    pub dims: Vec<Dim>,
}

/// Which dimension changes fastest in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DimsOrder {
    #[default]
    RowMajor,
    ColumnMajor,
}

impl DimsOrder {
    /// The name as GStreamer spells it.
    pub fn name(self) -> &'static str {
        match self {
            DimsOrder::RowMajor => "row-major",
            DimsOrder::ColumnMajor => "col-major",
        }
    }
}

/// Elements of a tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    F32(Vec<f32>),
    F16(Vec<f16>),
    U8(Vec<u8>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

/// A dense, row-major tensor; the product of `dims` is the length of `data`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub dims: Vec<usize>,
    pub data: Data,
}

impl Default for Tensor {
    /// A tensor without elements.
    fn default() -> Tensor {
        Tensor {
            dims: vec![0],
            data: Data::F32(Vec::new()),
        }
    }
}

/// Order of the dimensions of an image tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Batch, channel, row, column.
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

impl Layout {
    /// The name as the property `input-layout` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Nchw => "nchw",
            Layout::Nhwc => "nhwc",
        }
    }

    pub fn named(name: &str) -> Option<Layout> {
        [Layout::Nchw, Layout::Nhwc]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

/// Meaning of the channels of an image tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One channel: luma (Y', full scale after range expansion).
    Luma,
    /// Three channels in the order red, green, blue.
    Rgb,
    /// Three channels in the order blue, green, red, as OpenCV has them.
    Bgr,
}

impl Channels {
    /// The name as the property `channel-order` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Channels::Luma => "gray",
            Channels::Rgb => "rgb",
            Channels::Bgr => "bgr",
        }
    }

    pub fn named(name: &str) -> Option<Channels> {
        [Channels::Luma, Channels::Rgb, Channels::Bgr]
            .into_iter()
            .find(|it| it.name() == name)
    }

    /// Channels of the tensor: 1 or 3.
    pub fn count(self) -> usize {
        match self {
            Channels::Luma => 1,
            Channels::Rgb | Channels::Bgr => 3,
        }
    }

    /// Takes three things from the order of the tensor to red, green, blue, or back.
    pub fn in_order<T>(self, [first, second, third]: [T; 3]) -> [T; 3] {
        match self {
            Channels::Bgr => [third, second, first],
            Channels::Luma | Channels::Rgb => [first, second, third],
        }
    }
}

/// Which part of a frame goes to which part of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// The whole frame to the whole input, whatever that does to its proportions.
    #[default]
    Stretch,
    /// The whole frame in its proportions, in the middle: what YOLO models are trained on.
    Centered,
    /// The whole frame in its proportions, at the top left: what YOLOX models are trained on.
    Cornered,
    /// The middle of the frame in its proportions to the whole input: what many classifiers are trained on.
    Crop,
    /// The whole frame in its proportions at the height of the input, at the left, on a tensor of zeros: what models
    /// that read lines of text are trained on.
    Line,
}

impl Fit {
    /// The name as the property `fit` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Fit::Stretch => "stretch",
            Fit::Centered => "letterbox",
            Fit::Cornered => "corner",
            Fit::Crop => "crop",
            Fit::Line => "line",
        }
    }

    pub fn named(name: &str) -> Option<Fit> {
        [Fit::Stretch, Fit::Centered, Fit::Cornered, Fit::Crop, Fit::Line]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

/// Which size a model is given that takes any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputSize {
    /// Width and height in pixels; a side that is `None` follows from the other one and the frame's proportions.
    Sides(Option<usize>, Option<usize>),
    /// The frame's own.
    Frame,
    /// The frame's own, each side up to the next multiple of so many pixels.
    Grid(usize),
}

impl fmt::Display for InputSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Option<usize>| side.map_or("-1".to_owned(), |it| it.to_string());
        match self {
            InputSize::Sides(width, height) => write!(formatter, "{}x{}", side(width), side(height)),
            InputSize::Frame => write!(formatter, "frame"),
            InputSize::Grid(multiple) => write!(formatter, "grid:{multiple}"),
        }
    }
}

/// How pixels stand in an image tensor of batch one.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSpec {
    pub layout: Layout,
    pub channels: Channels,
    pub element_type: ElementType,
    /// Width and height in pixels; `None` where the model takes any.
    pub size: Option<(usize, usize)>,
    /// Tensor values that stand for black (0) and white (255), per channel in the order of the tensor: `[(min, max);
    /// channels]`.
    pub ranges: Vec<(f32, f32)>,
}

/// How samples stand in a sound tensor of batch one: channel after channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundSpec {
    /// 1 or 2.
    pub channels: usize,
    pub element_type: ElementType,
    /// Samples per channel that one run takes, those of the context included.
    pub hop: usize,
    /// Samples of the window before that stand in front of the new ones; silence at first.
    pub context: usize,
    /// Samples from one window to the next, for a model whose answers do not replace the sound.
    pub step: usize,
    /// Samples per second.
    pub rate: u32,
    /// Samples by which the answer lags: `output[n]` belongs to `input[n - delay]`.
    pub delay: usize,
}

/// What a model looks at or listens to.
#[derive(Debug, Clone, PartialEq)]
pub enum InputSpec {
    Image(ImageSpec),
    Sound(SoundSpec),
}

impl InputSpec {
    /// How a frame stands in the input of a model that looks at frames.
    pub fn image(&self) -> Option<&ImageSpec> {
        match self {
            InputSpec::Image(spec) => Some(spec),
            InputSpec::Sound(_) => None,
        }
    }

    /// How samples stand in the input of a model that listens.
    pub fn sound(&self) -> Option<&SoundSpec> {
        match self {
            InputSpec::Image(_) => None,
            InputSpec::Sound(spec) => Some(spec),
        }
    }
}
