// SPDX-License-Identifier: MPL-2.0

//! What a model's outputs mean: the decoder for them, the names of its classes, and how frames go in for it.
//! Made in the loader thread; the streaming thread reads outputs with it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::answer_settings::{AnswerSettings, DecodeOptions};
use super::enums;
use super::failure::Fault;
use super::text_input::{self, TextInput};
use crate::answer::Answer;
use crate::decode::{self, Decoder, Recognition, Unfit, labels};
use crate::letterbox::{Letterbox, Placement, Size};
use crate::media::picture::Fit;
use crate::runtime::{Model, Task, TaskChoice};
use crate::tensor::{Dim, Tensor, TensorInfo};

/// Bytes that a labels file may have: far more than the largest vocabularies in use.
const MAX_LABELS_BYTES: u64 = 8 << 20;

/// What a loaded model is taken for.
pub struct Interpretation {
    pub task: Task,
    pub fit: Fit,
    /// For the tasks whose answer is neither a picture nor sound nor raw.
    pub decoding: Option<Decoding>,
    /// What models of text are fed; `None` for others.
    pub text: Option<TextInput>,
    /// What was assumed where nothing said it, a sentence each.
    pub assumed: Vec<String>,
    /// What the user should know though it works.
    pub warnings: Vec<String>,
}

/// Reads the outputs of one model.
pub struct Decoding {
    decoder: Decoder,
    pub(super) labels: Vec<String>,
    /// The last answer, where the frames that follow carry it again.
    kept: Option<Answer>,
}

impl Interpretation {
    /// Finds out what the model is for and how its outputs are read.
    pub fn of(
        model: &Model,
        path: &Path,
        choice: TaskChoice,
        settings: &AnswerSettings,
    ) -> Result<Interpretation, Fault> {
        let is_stated = choice != TaskChoice::Auto || model.metadata.contains_key("task");
        let wish = match model.task {
            Task::Tensor if !is_stated => None,
            Task::Tensor if choice == TaskChoice::Auto && !says_tensor(model) => None,
            Task::Image if !is_stated && text_input::is_named_detector(path) => Some(Task::Detect),
            task => Some(task),
        };
        let wanted = match wish.map(decoded) {
            // Pictures, sound and tensors need no decoder.
            Some(None) => return Interpretation::plain(model, settings.fit, is_stated),
            Some(Some(task)) => Some(task),
            None => None,
        };
        let given = settings.labels_file.as_deref().filter(|path| !path.is_empty());
        let given = given.map(|path| read_labels(Path::new(path))).transpose()?;
        let recognized = recognize(model, wanted, given.as_ref().map(Vec::len));
        match recognized {
            Ok(recognition) => {
                let task = task_of(recognition.task);
                let labels = given.unwrap_or_else(|| recognition.names.clone());
                Ok(Interpretation {
                    task,
                    fit: fit(settings.fit, task, trained(&recognition, model))?,
                    text: TextInput::of(&recognition, model),
                    decoding: Some(Decoding {
                        decoder: Decoder::labeled(&recognition, &labels),
                        labels,
                        kept: None,
                    }),
                    assumed: recognition.assumed,
                    warnings: recognition.warnings,
                })
            }
            Err(unfit) if wanted.is_none() => Ok(Interpretation {
                task: Task::Tensor,
                fit: fit(settings.fit, Task::Tensor, Fit::Stretch)?,
                decoding: None,
                text: None,
                assumed: vec![format!("The outputs are taken for task=tensor, because {unfit}.")],
                warnings: Vec::new(),
            }),
            Err(source) => Err(Fault::Unfit {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn plain(model: &Model, choice: enums::Fit, is_stated: bool) -> Result<Interpretation, Fault> {
        let (kind, task) = match model.task {
            Task::Audio => ("sound", model.task.name()),
            task => ("a picture", task.name()),
        };
        let looks = format!(
            "The output looks like {kind} and is taken for task={task}; set task to say it for certain."
        );
        Ok(Interpretation {
            task: model.task,
            fit: fit(choice, model.task, Fit::Stretch)?,
            decoding: None,
            text: None,
            assumed: (!is_stated).then_some(looks).into_iter().collect(),
            warnings: Vec::new(),
        })
    }
}

fn says_tensor(model: &Model) -> bool {
    model.metadata.get("task").map(String::as_str) == Some(Task::Tensor.name())
}

fn decoded(task: Task) -> Option<decode::Task> {
    match task {
        Task::Detect => Some(decode::Task::Detect),
        Task::Classify => Some(decode::Task::Classify),
        Task::Segment => Some(decode::Task::Segment),
        Task::Score => Some(decode::Task::Score),
        Task::Text => Some(decode::Task::Text),
        Task::Image | Task::Audio | Task::Tensor => None,
    }
}

fn task_of(task: decode::Task) -> Task {
    match task {
        decode::Task::Detect => Task::Detect,
        decode::Task::Classify => Task::Classify,
        decode::Task::Segment => Task::Segment,
        decode::Task::Score => Task::Score,
        decode::Task::Text => Task::Text,
    }
}

fn recognize(model: &Model, task: Option<decode::Task>, labels: Option<usize>) -> Result<Recognition, Unfit> {
    let size = model.input_spec.image().and_then(|it| it.size);
    let input = size.map(|(width, height)| Size { width, height });
    // What the description says of the order of dims is for the decoders of others: theirs for YOLO reads exactly the
    // memory that ONNX defines, and asks that it be called column-major.
    let ports = ports(model, input.is_some());
    Recognition::new(task, &ports, input, &model.metadata, labels)
}

/// The outputs as declared; what is not declared is taken from the run at load, where the input's size is fixed, and
/// what cannot be as it is declared.
fn ports(model: &Model, is_fixed: bool) -> Vec<TensorInfo> {
    let seen = model.trial.as_ref().map(|trial| trial.outputs.as_slice());
    let seen = seen.unwrap_or_default();
    let refined = |(index, info): (usize, &TensorInfo)| {
        let mut info = info.clone();
        let Some(dims) = seen.get(index) else { return info };
        // A file that declares another number of dimensions than there are is wrong in the others too.
        if is_fixed || info.dims.len() != dims.len() {
            info.dims = dims.iter().map(|&dim| Dim::Fixed(dim)).collect();
        }
        info
    };
    model.outputs.iter().enumerate().map(refined).collect()
}

fn read_labels(path: &Path) -> Result<Vec<String>, Fault> {
    let fault = |cause: String| Fault::Labels {
        path: path.to_owned(),
        cause,
    };
    let metadata = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?;
    if !metadata.is_file() {
        // A pipe would block, or never end.
        let cause = "it is not a regular file; give a text file with one label a line";
        return Err(fault(cause.into()));
    }
    let mut text = String::new();
    let file = File::open(path).map_err(|error| fault(error.to_string()))?;
    let mut limited = file.take(MAX_LABELS_BYTES + 1);
    let unread = |error| format!("{error}; give a text file in UTF-8 with one label a line");
    (limited.read_to_string(&mut text)).map_err(|error| fault(unread(error)))?;
    if MAX_LABELS_BYTES < text.len() as u64 {
        let most = format!("it has more than {MAX_LABELS_BYTES} bytes");
        return Err(fault(format!("{most}; give a text file with one label a line")));
    }
    labels::from_file(&text).map_err(|unfit| fault(unfit.to_string()))
}

/// How frames go in: as the user says, else as models of the family are trained; refused where the answer could
/// not be laid over the frame again.
fn fit(choice: enums::Fit, task: Task, trained: Fit) -> Result<Fit, Fault> {
    let wish = match choice {
        enums::Fit::Auto => trained,
        enums::Fit::Stretch => Fit::Stretch,
        enums::Fit::Letterbox => Fit::Centered,
        enums::Fit::Corner => Fit::Cornered,
        enums::Fit::Crop => Fit::Crop,
    };
    let is_whole = match task {
        Task::Image => wish == Fit::Stretch,
        Task::Detect | Task::Segment => wish != Fit::Crop,
        Task::Classify | Task::Score | Task::Text | Task::Tensor | Task::Audio => true,
    };
    if is_whole {
        return Ok(wish);
    }
    Err(Fault::Fit {
        fit: enums::nick(choice),
        task: task.name(),
    })
}

/// How models of a recognized family are fed in training.
fn trained(recognition: &Recognition, model: &Model) -> Fit {
    let author = model.metadata.get("author").map(String::as_str);
    let is_classifier = recognition.task == decode::Task::Classify;
    match recognition.placement {
        Placement::Centered => Fit::Centered,
        Placement::Cornered => Fit::Cornered,
        Placement::Stretched if is_classifier && author == Some("Ultralytics") => Fit::Crop,
        Placement::Stretched => Fit::Stretch,
        Placement::Line => Fit::Line,
    }
}

/// An answer with the names of its classes.
#[derive(Clone, Copy)]
pub struct LabeledAnswer<'a> {
    pub answer: &'a Answer,
    pub labels: &'a [String],
}

impl Decoding {
    /// Reads the outputs of a run on a frame that lay at `place`, and keeps the answer where others carry it too.
    pub fn read(
        &mut self,
        outputs: &[Tensor],
        place: Letterbox,
        live: &DecodeOptions,
        interval: u32,
    ) -> Result<LabeledAnswer<'_>, decode::Fault> {
        let answer = self.decoder.decode(outputs, place, &live.decoding())?;
        // A copy costs an allocation, so it is made only where it is needed.
        self.kept = (1 < interval).then(|| answer.clone());
        Ok(LabeledAnswer {
            answer,
            labels: &self.labels,
        })
    }

    /// The last answer again; `None` where there is none since the last gap.
    pub fn again(&self) -> Option<LabeledAnswer<'_>> {
        self.kept.as_ref().map(|answer| LabeledAnswer {
            answer,
            labels: &self.labels,
        })
    }

    /// Values that were left out since the model was loaded, because they were no numbers or outside of the frame.
    pub fn dropped(&self) -> u64 {
        self.decoder.dropped()
    }

    /// Forgets earlier frames, as after a gap.
    pub fn reset(&mut self) {
        self.decoder.reset();
        self.kept = None;
    }
}
