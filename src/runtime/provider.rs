// SPDX-License-Identifier: MPL-2.0

//! Execution providers: what carries out a model's operators, on which device, and how.
//!
//! ONNX Runtime has them, each built into a vendor's whole library or brought by a library of its own; which of them the
//! library at hand has is asked in `ort_provider.rs`.

/// What carries out a model's operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ExecutionProvider {
    /// The first that runs the model, the CPU last.
    Auto,
    #[default]
    Cpu,
    Cuda,
    TensorRt,
    NvTensorRtRtx,
    OpenVino,
    MiGraphX,
    Hip,
    VitisAi,
    Qnn,
    CoreMl,
    DirectMl,
    WebGpu,
    Xnnpack,
    Vsi,
    /// Whichever a library of its own brings.
    Plugin,
}

/// How a provider is told the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeviceOption {
    /// It has one device.
    None,
    /// A number, in the option of this name.
    Number(&'static str),
    /// A name, in the option of this name.
    Name(&'static str),
}

/// What is known of a provider, whether or not it is here.
pub struct Facts {
    pub provider: ExecutionProvider,
    /// As the property `execution-provider` spells it: GStreamer's `onnxinference`, where that has it.
    pub nick: &'static str,
    /// As people write it.
    pub label: &'static str,
    /// As ONNX Runtime lists it.
    pub id: &'static str,
    /// As ONNX Runtime takes it where a session asks for it.
    pub(super) short: &'static str,
    pub(super) device: DeviceOption,
    /// The options that say how many threads a run uses, of which the first is written where nobody says one.
    pub(super) threads: &'static [&'static str],
    /// The option that bounds its memory, in bytes.
    pub(super) memory: Option<&'static str>,
    /// The hardware that others, too, may use at the same time.
    hardware: &'static str,
    /// What to install to have it.
    install: &'static str,
    /// What to set then, and to what.
    set: &'static str,
}

impl Facts {
    /// Returns what to do to have it, in the imperative.
    pub fn remedy(&self) -> String {
        format!("install {} and set {}", self.install, self.set)
    }
}

/// Of providers that libonnxruntime has built in.
const BUILT_IN: &str = "ORT_DYLIB_PATH to its libonnxruntime.so";
/// Of those that come in a library of their own.
const OF_ITS_OWN: &str = "provider-library to its library";

const NONE: Facts = Facts {
    provider: ExecutionProvider::Auto,
    nick: "auto",
    label: "any",
    id: "",
    short: "",
    device: DeviceOption::None,
    threads: &[],
    memory: None,
    hardware: "cpu",
    install: "",
    set: BUILT_IN,
};

/// All providers, in the order in which [`ExecutionProvider::Auto`] tries those that it tries.
pub static ALL: [Facts; 16] = [
    NONE,
    Facts {
        provider: ExecutionProvider::Cpu,
        nick: "cpu",
        label: "CPU",
        id: "CPUExecutionProvider",
        install: "Python's package onnxruntime",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::Cuda,
        nick: "cuda",
        label: "CUDA",
        id: "CUDAExecutionProvider",
        device: DeviceOption::Number("device_id"),
        memory: Some("gpu_mem_limit"),
        hardware: "cuda",
        install: "NVIDIA's driver, CUDA, cuDNN and Python's package onnxruntime-gpu",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::MiGraphX,
        nick: "migraphx",
        label: "MIGraphX",
        id: "MIGraphXExecutionProvider",
        short: "MIGraphX",
        device: DeviceOption::Number("device_id"),
        hardware: "rocm",
        install: "AMD's ROCm and Python's package onnxruntime-migraphx",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::CoreMl,
        nick: "coreml",
        label: "CoreML",
        id: "CoreMLExecutionProvider",
        short: "CoreML",
        hardware: "coreml",
        install: "Python's package onnxruntime on macOS",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::DirectMl,
        nick: "dml",
        label: "DirectML",
        id: "DmlExecutionProvider",
        short: "DML",
        device: DeviceOption::Number("device_id"),
        hardware: "dml",
        install: "Python's package onnxruntime-directml on Windows",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::OpenVino,
        nick: "openvino",
        label: "OpenVINO",
        id: "OpenVINOExecutionProvider",
        short: "OpenVINO",
        device: DeviceOption::Name("device_type"),
        threads: &["num_of_threads", "load_config"],
        hardware: "openvino",
        install: "Python's package onnxruntime-openvino",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::TensorRt,
        nick: "tensorrt",
        label: "TensorRT",
        id: "TensorrtExecutionProvider",
        device: DeviceOption::Number("device_id"),
        hardware: "cuda",
        install: "NVIDIA's driver, CUDA, cuDNN, TensorRT and Python's package onnxruntime-gpu",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::NvTensorRtRtx,
        nick: "nvtensorrtrtx",
        label: "TensorRT RTX",
        id: "NvTensorRTRTXExecutionProvider",
        short: "NvTensorRtRtx",
        device: DeviceOption::Number("device_id"),
        hardware: "cuda",
        install: "Python's package onnxruntime-ep-nv-tensorrt-rtx",
        set: OF_ITS_OWN,
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::Hip,
        nick: "hip",
        label: "HIP",
        id: "hipgpu",
        device: DeviceOption::Number("device_id"),
        hardware: "rocm",
        install: "AMD's HIP provider",
        set: OF_ITS_OWN,
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::VitisAi,
        nick: "vitisai",
        label: "Vitis AI",
        id: "VitisAIExecutionProvider",
        short: "VitisAI",
        hardware: "vitisai",
        install: "the ONNX Runtime of AMD's Ryzen AI software or Vitis AI",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::Qnn,
        nick: "qnn",
        label: "QNN",
        id: "QNNExecutionProvider",
        short: "QNN",
        device: DeviceOption::Name("backend_type"),
        hardware: "qnn",
        install: "Python's package onnxruntime-qnn",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::WebGpu,
        nick: "webgpu",
        label: "WebGPU",
        id: "WebGpuExecutionProvider",
        short: "WebGPU",
        hardware: "webgpu",
        install: "Python's package onnxruntime-ep-webgpu",
        set: OF_ITS_OWN,
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::Xnnpack,
        nick: "xnnpack",
        label: "XNNPACK",
        id: "XnnpackExecutionProvider",
        short: "XNNPACK",
        threads: &["intra_op_num_threads"],
        install: "an ONNX Runtime built with --use_xnnpack",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::Vsi,
        nick: "vsi",
        label: "VeriSilicon NPU",
        id: "VSINPUExecutionProvider",
        hardware: "vsi",
        install: "an ONNX Runtime built with --use_vsinpu",
        ..NONE
    },
    Facts {
        provider: ExecutionProvider::Plugin,
        nick: "plugin",
        label: "the provider of provider-library",
        device: DeviceOption::Name("device"),
        hardware: "plugin",
        install: "a provider for ONNX Runtime in a library of its own",
        set: OF_ITS_OWN,
        ..NONE
    },
];

/// Returns what people call the provider that ONNX Runtime lists under this name.
pub(super) fn label(id: &str) -> &str {
    let known = ALL.iter().find(|it| it.id == id);
    known.map_or(id.trim_end_matches("ExecutionProvider"), |it| it.label)
}

impl ExecutionProvider {
    pub fn facts(self) -> &'static Facts {
        ALL.iter().find(|it| it.provider == self).unwrap_or(&NONE)
    }

    /// Returns the one that the property `execution-provider` spells so.
    pub fn named(nick: &str) -> Option<ExecutionProvider> {
        ALL.iter().find(|it| it.nick == nick).map(|it| it.provider)
    }

    /// Whether [`Auto`](ExecutionProvider::Auto) tries it where the library has it: those that start within seconds, and need
    /// nothing said.
    pub(super) fn is_tried(self) -> bool {
        use ExecutionProvider::*;
        matches!(self, Cuda | MiGraphX | CoreMl | DirectMl | OpenVino)
    }

    /// Returns the processor or card that a model runs on: two that have the same slow each other down.
    pub fn hardware(self, device: &str) -> String {
        let facts = self.facts();
        let is_processor = self == ExecutionProvider::OpenVino && is_processor(device);
        match facts.hardware {
            "cpu" => "cpu".to_owned(),
            _ if is_processor => "cpu".to_owned(),
            hardware if device.is_empty() => format!("{hardware}:0"),
            hardware => format!("{hardware}:{device}"),
        }
    }
}

/// Whether a device of OpenVINO's is the processor, which is also what it takes where nobody says one.
pub(super) fn is_processor(device: &str) -> bool {
    device.is_empty() || device.eq_ignore_ascii_case("cpu")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_is_named_once_and_by_its_name() {
        for facts in &ALL {
            assert_eq!(
                ExecutionProvider::named(facts.nick),
                Some(facts.provider),
                "{}",
                facts.nick
            );
            assert_eq!(facts.provider.facts().nick, facts.nick);
        }
        assert_eq!(ExecutionProvider::named("gpu"), None);
    }

    #[test]
    fn who_shares_a_processor_or_a_card_is_on_the_same_hardware() {
        let hardware = |nick, device| ExecutionProvider::named(nick).unwrap().hardware(device);
        for (nick, device) in [
            ("cpu", ""),
            ("auto", ""),
            ("openvino", ""),
            ("openvino", "CPU"),
            ("xnnpack", ""),
        ] {
            assert_eq!(hardware(nick, device), "cpu", "{nick}");
        }
        assert_eq!(hardware("cuda", ""), "cuda:0");
        assert_eq!(hardware("tensorrt", "1"), "cuda:1");
        assert_eq!(hardware("openvino", "GPU"), "openvino:GPU");
    }
}
