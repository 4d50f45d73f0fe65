// SPDX-License-Identifier: MPL-2.0

//! The messages of the Open Inference Protocol that are used, as the file `grpc_predict_v2.proto` of
//! open-inference-protocol numbers their fields; statistics are Triton's extension `statistics`.
//!
//! Requests for answers, and answers, are not here: [`request`](super::request) and [`answer`](super::answer) write and
//! read their tensors in place.

use prost::Message;

/// Path of the service in front of each call's name.
pub(super) const SERVICE: &str = "/inference.GRPCInferenceService/";

/// `ServerLiveRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Empty {}

/// `ServerLiveResponse`, and `ModelReadyResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Yes {
    #[prost(bool, tag = "1")]
    pub yes: bool,
}

/// `ModelReadyRequest`, `ModelMetadataRequest`, and `ModelStatisticsRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Named {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub version: String,
}

/// `ModelMetadataResponse`; what REST answers with the same names.
#[derive(Clone, PartialEq, Message, serde::Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, repeated, tag = "2")]
    pub versions: Vec<String>,
    #[prost(string, tag = "3")]
    pub platform: String,
    #[prost(message, repeated, tag = "4")]
    pub inputs: Vec<TensorMetadata>,
    #[prost(message, repeated, tag = "5")]
    pub outputs: Vec<TensorMetadata>,
}

/// `ModelMetadataResponse.TensorMetadata`.
#[derive(Clone, PartialEq, Message, serde::Deserialize)]
#[serde(default)]
pub(super) struct TensorMetadata {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub datatype: String,
    /// Negative where it is open.
    #[prost(int64, repeated, tag = "3")]
    pub shape: Vec<i64>,
}

/// `ModelInferRequest` without its `raw_input_contents`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct InferHead {
    #[prost(string, tag = "1")]
    pub model_name: String,
    #[prost(string, tag = "2")]
    pub model_version: String,
    #[prost(message, repeated, tag = "5")]
    pub inputs: Vec<TensorMetadata>,
    #[prost(message, repeated, tag = "6")]
    pub outputs: Vec<OutputName>,
}

/// `ModelInferRequest.InferRequestedOutputTensor`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OutputName {
    #[prost(string, tag = "1")]
    pub name: String,
}

/// `ModelStatisticsResponse`; what REST answers with the same names.
#[derive(Clone, PartialEq, Message, serde::Deserialize)]
#[serde(default)]
pub(super) struct Statistics {
    #[prost(message, repeated, tag = "1")]
    pub model_stats: Vec<ModelStatistics>,
}

#[derive(Clone, PartialEq, Message, serde::Deserialize)]
#[serde(default)]
pub(super) struct ModelStatistics {
    #[prost(message, optional, tag = "6")]
    pub inference_stats: Option<InferStatistics>,
}

#[derive(Clone, PartialEq, Message, serde::Deserialize)]
#[serde(default)]
pub(super) struct InferStatistics {
    #[prost(message, optional, tag = "1")]
    pub success: Option<StatisticDuration>,
}

/// Of all requests since the server started.
#[derive(Clone, Copy, PartialEq, Message, serde::Deserialize)]
#[serde(default)]
pub(super) struct StatisticDuration {
    #[prost(uint64, tag = "1")]
    pub count: u64,
    #[prost(uint64, tag = "2")]
    pub ns: u64,
}
