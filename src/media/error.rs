// SPDX-License-Identifier: MPL-2.0

//! What can be wrong with a frame, a tensor, or a pair of them.

use crate::tensor::ElementType;

/// Why a frame and a tensor do not go together. The caller adds the names of the element and the model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Only packed RGB in its orders, GRAY8, NV12 and I420 are read and written.
    #[error("format {0} cannot be read; put videoconvert before this element")]
    Format(&'static str),
    /// The caps have no picture in them.
    #[error("frames of {0}x{1} pixels have no picture; set a width and height above zero in the caps")]
    EmptyFrame(u32, u32),
    /// The model wants a picture without pixels.
    #[error("a model size of {0}x{1} pixels has no picture; correct dims in the .modelinfo file")]
    EmptyModel(usize, usize),
    /// Pictures are float32, float16 or uint8.
    #[error("pictures cannot be tensors of type {0:?}; export the model with float32, float16 or uint8")]
    ElementType(ElementType),
    /// One range per channel, with different ends.
    #[error(
        "{got} usable ranges for {channels} channels; give one min,max pair with min unlike max per channel"
    )]
    Ranges { got: usize, channels: usize },
    /// The frame is not of the caps that the conversion was made for.
    #[error("a frame of {got} arrived where {expected} was negotiated")]
    Frame { got: String, expected: String },
    /// The buffer is shorter than its caps or its video meta say, or stored bottom-up.
    #[error("plane {0} of the frame is shorter than its caps or video meta say, or stored bottom-up")]
    Plane(u32),
    /// The answer is no picture in the layout of the specification.
    #[error("the answer has dims {got:?}, which is no picture with {channels} channels in this layout")]
    Answer { got: Vec<usize>, channels: usize },
    /// The answer's elements are not of the type that was declared, or not as many as its dims say.
    #[error("the answer is not {dims:?} elements of type {expected:?} as the model declares")]
    Elements { dims: Vec<usize>, expected: ElementType },
    #[error("scaling failed")]
    Scale(#[from] fast_image_resize::ResizeError),
    #[error("color conversion failed")]
    Convert(#[from] yuv::YuvError),
}
