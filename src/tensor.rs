// SPDX-License-Identifier: MPL-2.0

//! Tensors and their descriptions: the vocabulary that `runtime` and `media` share, and nothing else.

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

/// Order of the dimensions of an image tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Batch, channel, row, column.
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

/// Meaning of the channels of an image tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// One channel: luma (Y', full scale after range expansion).
    Luma,
    /// Three channels in the order red, green, blue.
    Rgb,
}

/// How pixels stand in an image tensor of batch one.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSpec {
    pub layout: Layout,
    pub channels: Channels,
    pub element_type: ElementType,
    /// Width and height in pixels; `None` where the model takes any.
    pub size: Option<(usize, usize)>,
    /// Tensor values that stand for black (0) and white (255), per channel: `[(min, max); channels]`.
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
