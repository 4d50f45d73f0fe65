// SPDX-License-Identifier: MPL-2.0

//! Models and tensors written down, and what comes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use gstavrec::answer::{Answer, ClassScore, Detection, Region};
use gstavrec::decode::{Decoder, Evidence, Fault, Recognition, Settings, Task, Unfit};
use gstavrec::letterbox::{Letterbox, Size};
use gstavrec::tensor::{Data, Dim, ElementType, Tensor, TensorInfo};
use half::f16;

/// A declared model; 0 stands for a free size.
#[derive(Clone, Default)]
pub struct Model {
    pub outputs: Vec<TensorInfo>,
    pub input: Option<Size>,
    pub metadata: BTreeMap<String, String>,
    pub labels: Option<usize>,
    pub evidence: Evidence,
}

impl Model {
    pub fn new(outputs: &[(&str, &[usize])]) -> Self {
        let outputs = outputs.iter().map(|(name, dims)| TensorInfo {
            name: (*name).into(),
            id: (*name).into(),
            element_type: ElementType::F32,
            dims: dims.iter().map(|&it| dim(it)).collect(),
        });
        Model {
            outputs: outputs.collect(),
            ..Model::default()
        }
    }

    pub fn input(mut self, width: usize, height: usize) -> Self {
        self.input = Some(Size { width, height });
        self
    }

    pub fn labels(mut self, labels: usize) -> Self {
        self.labels = Some(labels);
        self
    }

    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    pub fn element_type(mut self, output: usize, element_type: ElementType) -> Self {
        self.outputs[output].element_type = element_type;
        self
    }

    pub fn recognize(&self, task: Option<Task>) -> Result<Recognition, Unfit> {
        Recognition::with_evidence(
            task,
            &self.outputs,
            self.input,
            &self.metadata,
            self.labels,
            &self.evidence,
        )
    }

    /// What a run at load gave.
    pub fn seen(mut self, outputs: &[Tensor]) -> Self {
        self.evidence.seen = Arc::new(outputs.to_vec());
        self
    }

    /// The operators that made the outputs.
    pub fn made_by(mut self, makers: &[&str]) -> Self {
        self.evidence.makers = makers.iter().map(|it| (*it).into()).collect();
        self
    }

    #[track_caller]
    pub fn decoder(&self, task: Task) -> Decoder {
        Decoder::new(&self.recognize(Some(task)).unwrap())
    }

    /// What the user reads when the task does not fit.
    #[track_caller]
    pub fn refusal(&self, task: Option<Task>) -> String {
        self.recognize(task).unwrap_err().to_string()
    }
}

fn dim(size: usize) -> Dim {
    if size == 0 {
        Dim::Dynamic("n".into())
    } else {
        Dim::Fixed(size)
    }
}

pub fn tensor(dims: &[usize], values: &[f32]) -> Tensor {
    Tensor {
        dims: dims.to_vec(),
        data: Data::F32(values.to_vec()),
    }
}

/// A tensor with rows and columns exchanged: [1, rows, columns] to [1, columns, rows].
pub fn transposed(rows: &[&[f32]]) -> Tensor {
    let columns = rows[0].len();
    let values: Vec<f32> = (0..columns)
        .flat_map(|column| rows.iter().map(move |row| row[column]))
        .collect();
    tensor(&[1, columns, rows.len()], &values)
}

pub fn rows(rows: &[&[f32]]) -> Tensor {
    tensor(&[1, rows.len(), rows[0].len()], &rows.concat())
}

/// The same in half precision.
pub fn halved(tensor: &Tensor) -> Tensor {
    let Data::F32(values) = &tensor.data else { panic!() };
    Tensor {
        dims: tensor.dims.clone(),
        data: Data::F16(values.iter().map(|&it| f16::from_f32(it)).collect()),
    }
}

/// A frame of 200×100 in the middle of an input of 100×100: half the size, 25 rows of padding above.
pub fn place() -> Letterbox {
    let size = |width, height| Size { width, height };
    Letterbox::centered(size(200, 100), size(100, 100))
}

pub fn detection(left: f32, top: f32, width: f32, height: f32, class: u32, confidence: f32) -> Detection {
    Detection {
        region: Region {
            left,
            top,
            width,
            height,
        },
        class,
        confidence,
        ..Detection::default()
    }
}

#[track_caller]
pub fn detections(decoder: &mut Decoder, outputs: &[Tensor], settings: &Settings) -> Vec<Detection> {
    match decoder.decode(outputs, place(), settings).unwrap() {
        Answer::Detections(detections) => detections.clone(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn classes(decoder: &mut Decoder, outputs: &[Tensor], settings: &Settings) -> Vec<ClassScore> {
    match decoder.decode(outputs, place(), settings).unwrap() {
        Answer::Classes(classes) => classes.clone(),
        other => panic!("{other:?}"),
    }
}

/// What the user reads when a frame cannot be decoded.
#[track_caller]
pub fn fault(decoder: &mut Decoder, outputs: &[Tensor]) -> String {
    let fault: Fault = decoder
        .decode(outputs, place(), &Settings::default())
        .unwrap_err();
    fault.to_string()
}
