// SPDX-License-Identifier: MPL-2.0

//! The enumerated properties: nicks that users write, and what the runtime calls them.

use gst::glib;

use crate::audio::ChannelUse;
use crate::{runtime, tensor};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferBackend")]
pub enum Backend {
    #[default]
    #[enum_value(name = "ONNX Runtime where its library is found, else rten", nick = "auto")]
    Auto,
    #[enum_value(name = "ONNX Runtime", nick = "ort")]
    Ort,
    #[enum_value(name = "rten, which is compiled in", nick = "rten")]
    Rten,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferEncoding")]
pub enum Encoding {
    #[default]
    #[enum_value(name = "The tensor as the model has it", nick = "raw")]
    Raw,
    #[enum_value(name = "JPEG, for a model that decodes", nick = "jpeg")]
    Jpeg,
}

impl From<Encoding> for runtime::Encoding {
    fn from(encoding: Encoding) -> runtime::Encoding {
        match encoding {
            Encoding::Raw => runtime::Encoding::Raw,
            Encoding::Jpeg => runtime::Encoding::Jpeg,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferTask")]
pub enum Task {
    #[default]
    #[enum_value(
        name = "What the model says of itself, else what its outputs look like",
        nick = "auto"
    )]
    Auto,
    #[enum_value(name = "Objects and where they are", nick = "detect")]
    Detect,
    #[enum_value(name = "Classes of a frame or of a stretch of sound", nick = "classify")]
    Classify,
    #[enum_value(name = "A class or an object for each place of the frame", nick = "segment")]
    Segment,
    #[enum_value(name = "How far each place belongs to the foreground", nick = "matte")]
    Matte,
    #[enum_value(name = "Frame in, frame out", nick = "image")]
    Image,
    #[enum_value(name = "Sound in, sound out", nick = "audio")]
    Audio,
    #[enum_value(name = "One number", nick = "score")]
    Score,
    #[enum_value(name = "A line of writing", nick = "text")]
    Text,
    #[enum_value(name = "Frame untouched, outputs as messages", nick = "tensor")]
    Tensor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferFit")]
pub enum Fit {
    #[default]
    #[enum_value(name = "As models of the recognized family are trained", nick = "auto")]
    Auto,
    #[enum_value(name = "The whole frame to the whole input", nick = "stretch")]
    Stretch,
    #[enum_value(
        name = "The whole frame in its proportions, in the middle, on gray",
        nick = "letterbox"
    )]
    Letterbox,
    #[enum_value(
        name = "The whole frame in its proportions, at the top left, on gray",
        nick = "corner"
    )]
    Corner,
    #[enum_value(
        name = "The middle of the frame in its proportions (classify, score, tensor)",
        nick = "crop"
    )]
    Crop,
    #[enum_value(
        name = "The whole frame at the height of the input, at the left, on zeros (text)",
        nick = "line"
    )]
    Line,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferChannelOrder")]
pub enum ChannelOrder {
    #[default]
    #[enum_value(
        name = "What the model says of itself, else its family, else RGB or gray",
        nick = "auto"
    )]
    Auto,
    #[enum_value(name = "Red, green, blue", nick = "rgb")]
    Rgb,
    #[enum_value(name = "Blue, green, red, as OpenCV has them", nick = "bgr")]
    Bgr,
    #[enum_value(name = "One channel of luma", nick = "gray")]
    Gray,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferLayout")]
pub enum InputLayout {
    #[default]
    #[enum_value(name = "As the shape shows", nick = "auto")]
    Auto,
    #[enum_value(name = "Batch, channel, row, column", nick = "nchw")]
    Nchw,
    #[enum_value(name = "Batch, row, column, channel", nick = "nhwc")]
    Nhwc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferOutput")]
pub enum Output {
    #[default]
    #[enum_value(name = "Metas on the buffer", nick = "meta")]
    Meta,
    #[enum_value(name = "Metas, and drawn into the frame", nick = "overlay")]
    Overlay,
    #[enum_value(
        name = "The mask of segment or matte in the frame's alpha channel",
        nick = "alpha"
    )]
    Alpha,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferChannels")]
pub enum Channels {
    #[default]
    #[enum_value(
        name = "Each channel by itself, with recurrent state of its own",
        nick = "each"
    )]
    Each,
    #[enum_value(
        name = "The mean of all channels, whose answer goes to all of them",
        nick = "mix"
    )]
    Mix,
}

/// The nicks are those of GStreamer's `onnxinference`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferOptimizationLevel")]
pub enum OptimizationLevel {
    #[enum_value(name = "Disable all optimization", nick = "disable-all")]
    DisableAll,
    #[enum_value(
        name = "Enable basic optimizations (redundant node removals)",
        nick = "enable-basic"
    )]
    Basic,
    #[enum_value(
        name = "Enable extended optimizations (node fusions as well)",
        nick = "enable-extended"
    )]
    Extended,
    #[default]
    #[enum_value(name = "Enable all possible optimizations", nick = "enable-all")]
    All,
}

/// The nicks are those of GStreamer's `onnxinference`, where it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstAvrecInferExecutionProvider")]
pub enum ExecutionProvider {
    #[default]
    #[enum_value(name = "CPU execution provider", nick = "cpu")]
    Cpu,
    #[enum_value(name = "CUDA execution provider", nick = "cuda")]
    Cuda,
    #[enum_value(name = "TensorRT execution provider", nick = "tensorrt")]
    TensorRt,
    #[enum_value(name = "TensorRT RTX execution provider", nick = "nvtensorrtrtx")]
    NvTensorRtRtx,
    #[enum_value(name = "OpenVINO execution provider", nick = "openvino")]
    OpenVino,
    #[enum_value(name = "AMD MIGraphX execution provider", nick = "migraphx")]
    MiGraphX,
    #[enum_value(name = "AMD HIP execution provider", nick = "hip")]
    Hip,
    #[enum_value(name = "AMD Vitis AI execution provider", nick = "vitisai")]
    VitisAi,
    #[enum_value(name = "Qualcomm QNN execution provider", nick = "qnn")]
    Qnn,
    #[enum_value(name = "Apple CoreML execution provider", nick = "coreml")]
    CoreMl,
    #[enum_value(name = "Microsoft DirectML execution provider", nick = "dml")]
    DirectMl,
    #[enum_value(name = "WebGPU execution provider", nick = "webgpu")]
    WebGpu,
    #[enum_value(name = "XNNPACK execution provider", nick = "xnnpack")]
    Xnnpack,
    #[enum_value(name = "VeriSilicon NPU execution provider", nick = "vsi")]
    Vsi,
    #[enum_value(name = "The execution provider that provider-library brings", nick = "plugin")]
    Plugin,
    #[enum_value(name = "The first that runs the model, the CPU last", nick = "auto")]
    Auto,
}

/// Lets a property stand for what has the same names elsewhere.
macro_rules! stands_for {
    ($property:ty => $other:ty: $($name:ident)*) => {
        impl From<$property> for $other {
            fn from(property: $property) -> $other {
                match property { $(<$property>::$name => <$other>::$name,)* }
            }
        }
    };
}

stands_for!(Backend => runtime::BackendChoice: Auto Ort Rten);
stands_for!(Channels => ChannelUse: Each Mix);
stands_for!(OptimizationLevel => runtime::OptimizationLevel: DisableAll Basic Extended All);
stands_for!(ExecutionProvider => runtime::ExecutionProvider:
    Cpu Auto Cuda TensorRt NvTensorRtRtx OpenVino MiGraphX Hip VitisAi Qnn CoreMl DirectMl WebGpu Xnnpack Vsi Plugin);

impl From<ChannelOrder> for Option<tensor::Channels> {
    fn from(order: ChannelOrder) -> Self {
        tensor::Channels::named(&nick(order))
    }
}

impl From<InputLayout> for Option<tensor::Layout> {
    fn from(layout: InputLayout) -> Self {
        tensor::Layout::named(&nick(layout))
    }
}

impl From<Fit> for Option<tensor::Fit> {
    fn from(fit: Fit) -> Self {
        tensor::Fit::named(&nick(fit))
    }
}

impl From<Task> for runtime::TaskChoice {
    fn from(task: Task) -> runtime::TaskChoice {
        runtime::Task::named(&nick(task)).map_or(runtime::TaskChoice::Auto, runtime::TaskChoice::Task)
    }
}

/// The nick of a value, as its property spells it.
pub fn nick(value: impl Into<glib::Value>) -> String {
    let value = value.into();
    glib::EnumValue::from_value(&value).map_or_else(String::new, |(_, it)| it.nick().to_owned())
}
