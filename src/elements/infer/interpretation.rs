// SPDX-License-Identifier: MPL-2.0

//! What a model's outputs mean: the decoder for them, the names of its classes, and how frames go in for it.
//! Made in the loader thread; the streaming thread reads outputs with it.

use std::collections::BTreeMap;
use std::path::Path;

use super::answer_settings::{AnswerSettings, DecodeOptions};
use super::companions::Companions;
use super::failure::Fault;
use super::labels_file;
use super::seen_outputs;
use super::text_input::{self, TextInput};
use crate::answer::Answer;
use crate::decode::{self, Decoder, Evidence, Recognition, Source, Taken, Unfit, UsualInput};
use crate::letterbox::{Letterbox, Placement, Size};
use crate::runtime::{Model, Origin, Statement, Task, TaskChoice};
use crate::tensor::{Dim, Fit, Tensor};

/// What a loaded model is taken for.
pub struct Interpretation {
    pub task: Task,
    pub fit: Fit,
    /// Who says the fit.
    pub fit_origin: Origin,
    /// What holds of the inputs of the family that was recognized, if it is one.
    pub usual: Option<UsualInput>,
    /// For the tasks whose answer is neither a picture nor sound nor raw.
    pub decoding: Option<Decoding>,
    /// What models of text are fed; `None` for others.
    pub text: Option<TextInput>,
    /// What the outputs are taken for, one thing each.
    pub statements: Vec<Statement>,
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
    /// Finds out what the model is for and how its outputs are read. `look` runs it once, where its size is fixed.
    pub fn of(
        model: &Model,
        path: &Path,
        choice: TaskChoice,
        settings: &AnswerSettings,
        look: impl FnOnce() -> Option<Vec<Tensor>>,
    ) -> Result<Interpretation, Fault> {
        let is_stated = choice != TaskChoice::Auto || model.metadata.contains_key("task");
        let wish = match model.task {
            Task::Image | Task::Tensor
                if !is_stated && is_plane_alone(model) && text_input::is_named_detector(path) =>
            {
                Some(Task::Detect)
            }
            Task::Tensor if !is_stated => None,
            Task::Tensor if choice == TaskChoice::Auto && !says_tensor(model) => None,
            task => Some(task),
        };
        let wanted = match wish.map(decoded) {
            // Pictures, sound and tensors need no decoder.
            Some(None) => return Interpretation::plain(model, settings, is_stated),
            Some(Some(task)) => Some(task),
            None => None,
        };
        let given = settings.labels_file.as_deref().filter(|path| !path.is_empty());
        let given = given.map(|path| labels_file::read(Path::new(path))).transpose()?;
        let hints = hints(model, settings.family.as_deref());
        let given_count = given.as_ref().map(Vec::len);
        let recognized = recognize((model, path), &hints, wanted, given_count);
        match recognized {
            Ok(mut recognition) => {
                settle(&mut recognition, model, look);
                let task = task_of(recognition.task);
                let labels = given.unwrap_or_else(|| recognition.names.clone());
                let text = TextInput::of(&recognition, model);
                let usual = UsualInput::of(&recognition);
                let trained = trained(&recognition, &usual, model);
                let (fit, fit_origin) = fit(settings, model, task, trained)?;
                let is_family_asked = hints.get("family") != model.metadata.get("family");
                let stated = |it: &Taken| match stated(it, choice, model) {
                    statement if statement.key == "family" && is_family_asked => Statement {
                        origin: Origin::Asked,
                        ..statement
                    },
                    statement => statement,
                };
                let statements = recognition.taken.iter().map(stated);
                Ok(Interpretation {
                    task,
                    fit,
                    fit_origin,
                    usual,
                    text,
                    decoding: Some(Decoding {
                        decoder: Decoder::labeled(&recognition, &labels),
                        labels,
                        kept: None,
                    }),
                    statements: statements.collect(),
                    assumed: recognition.assumed,
                    warnings: recognition.warnings,
                })
            }
            Err(unfit) if wanted.is_none() => {
                let (fit, fit_origin) = fit(settings, model, Task::Tensor, UNTRAINED)?;
                let doubt = format!("The outputs are left as tensors: {unfit}.");
                Ok(Interpretation {
                    task: Task::Tensor,
                    fit,
                    fit_origin,
                    usual: None,
                    decoding: None,
                    text: None,
                    statements: vec![Statement {
                        tensor: String::new(),
                        key: "task",
                        value: Task::Tensor.name().into(),
                        origin: Origin::Assumed,
                        line: "task=detect".into(),
                    }],
                    assumed: vec![format!("The outputs are taken for task=tensor, because {unfit}.")],
                    warnings: (unfit.is_doubt || given.is_some())
                        .then_some(doubt)
                        .into_iter()
                        .collect(),
                })
            }
            Err(source) => Err(Fault::Unfit {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn plain(model: &Model, settings: &AnswerSettings, is_stated: bool) -> Result<Interpretation, Fault> {
        let (kind, task) = match model.task {
            Task::Audio => ("sound", model.task.name()),
            task => ("a picture", task.name()),
        };
        let mut assumed = Vec::new();
        if !is_stated {
            assumed.push(format!(
                "The output looks like {kind} and is taken for task={task}; set task to say it for certain."
            ));
        }
        let of_range = |it: &&Statement| it.key == "output-range" && it.origin == Origin::Assumed;
        assumed.extend(model.statements.iter().find(of_range).map(|it| {
            format!(
                "The range of {} is taken to be {} (black, white); set output-range to say another.",
                it.tensor, it.value
            )
        }));
        let others = model.outputs.iter().enumerate();
        let others = others.filter(|(index, _)| model.task == Task::Image && *index != model.picture);
        let others: Vec<&str> = others.map(|(_, it)| it.name.as_str()).collect();
        let warning = format!(
            "The picture is {}; {} is not read. task=tensor gives all outputs.",
            model.outputs.get(model.picture).map_or("", |it| it.name.as_str()),
            others.join(", ")
        );
        let (fit, fit_origin) = fit(settings, model, model.task, UNTRAINED)?;
        Ok(Interpretation {
            task: model.task,
            fit,
            fit_origin,
            usual: None,
            decoding: None,
            text: None,
            statements: vec![Statement {
                tensor: String::new(),
                key: "task",
                value: task.into(),
                origin: if is_stated { Origin::Asked } else { Origin::Assumed },
                line: "task=tensor".into(),
            }],
            assumed,
            warnings: (!others.is_empty()).then_some(warning).into_iter().collect(),
        })
    }
}

/// What recognition took something for, in the words of the runtime.
fn stated(taken: &Taken, choice: TaskChoice, model: &Model) -> Statement {
    let range_origin = || match taken.key {
        "output-range" if model.is_output_range_asked => Origin::Asked,
        "output-range" => Origin::ModelInfo,
        // The runtime takes the metadata's task over.
        _ if choice == TaskChoice::Auto => Origin::File("task".into()),
        _ => Origin::Asked,
    };
    Statement {
        tensor: taken.tensor.clone(),
        key: taken.key,
        value: taken.value.clone(),
        origin: match &taken.source {
            Source::Asked => range_origin(),
            Source::File(what) => Origin::File(what.clone()),
            Source::Shape => Origin::Shape,
            Source::Family(name) => Origin::Family(name),
            Source::Assumed => Origin::Assumed,
        },
        line: taken.line.clone(),
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
        Task::Matte => Some(decode::Task::Matte),
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
        decode::Task::Matte => Task::Matte,
        decode::Task::Score => Task::Score,
        decode::Task::Text => Task::Text,
    }
}

/// The model's metadata, with the family that the user asks for.
fn hints(model: &Model, family: Option<&str>) -> BTreeMap<String, String> {
    let mut hints = model.metadata.clone();
    if let Some(family) = family.filter(|it| !matches!(*it, "" | "auto")) {
        hints.insert("family".to_owned(), family.to_owned());
    }
    hints
}

fn recognize(
    (model, path): (&Model, &Path),
    hints: &BTreeMap<String, String>,
    task: Option<decode::Task>,
    labels: Option<usize>,
) -> Result<Recognition, Unfit> {
    let size = model.input_spec.image().and_then(|it| it.size);
    let input = size.map(|(width, height)| Size { width, height });
    // What the description says of the order of dims is for the decoders of others: theirs for YOLO reads exactly the
    // memory that ONNX defines, and asks that it be called column-major.
    let ports = seen_outputs::of(model);
    let companions = Companions::of(path);
    let one = |it: &Option<Vec<(f32, f32)>>| it.as_ref().and_then(|it| it.first().copied());
    let evidence = Evidence {
        makers: model.makers.clone(),
        seen: model
            .trial
            .as_ref()
            .map(|it| it.values.clone())
            .unwrap_or_default(),
        counts: model.counts,
        is_batch_free: matches!(model.input.dims.first(), Some(Dim::Dynamic(_)))
            && 3 < model.input.dims.len(),
        ranges: model.output_ranges.iter().map(one).collect(),
        companions: companions.labels,
    };
    let mut recognition = Recognition::with_evidence(task, &ports, input, hints, labels, &evidence)?;
    recognition.warnings.extend(companions.warnings);
    Ok(recognition)
}

/// Whether all that comes out is one plane over the picture.
fn is_plane_alone(model: &Model) -> bool {
    match model.outputs.as_slice() {
        [one] => matches!(one.dims.as_slice(), [_, Dim::Fixed(1) | Dim::Dynamic(_), _, _]),
        _ => false,
    }
}

/// Lets a run say what the declarations do not.
fn settle(recognition: &mut Recognition, model: &Model, look: impl FnOnce() -> Option<Vec<Tensor>>) {
    let size = model.input_spec.image().and_then(|it| it.size);
    let size = size.filter(|_| recognition.is_unsettled());
    if let Some(((width, height), outputs)) = size.and_then(|size| Some((size, look()?))) {
        recognition.settle(&outputs, Size { width, height });
    }
}

/// How a model is fed of which nothing is known.
const UNTRAINED: (Fit, Origin) = (Fit::Stretch, Origin::Assumed);

/// How frames go in, and who says so: the user, what lies beside the model, else as models of the family are trained;
/// refused where the answer could not be laid over the frame again.
fn fit(
    settings: &AnswerSettings,
    model: &Model,
    task: Task,
    trained: (Fit, Origin),
) -> Result<(Fit, Origin), Fault> {
    let asked = Option::<Fit>::from(settings.fit).map(|fit| (fit, Origin::Asked));
    let said = model.statements.iter().find(|it| it.key == "fit");
    let said = model.laying.fit.zip(said.map(|it| it.origin.clone()));
    let is_whole = |wish: Fit| match task {
        Task::Image => wish == Fit::Stretch,
        Task::Detect | Task::Segment | Task::Matte => wish != Fit::Crop,
        Task::Classify | Task::Score | Task::Text | Task::Tensor | Task::Audio => true,
    };
    // A companion that other programs read speaks of classifying; a line that was written for this one is meant.
    let said = said.filter(|(fit, origin)| is_whole(*fit) || *origin == Origin::ModelInfo);
    let (fit, origin) = asked.or(said).unwrap_or(trained);
    if is_whole(fit) {
        return Ok((fit, origin));
    }
    Err(Fault::Fit {
        fit: fit.name().into(),
        task: task.name(),
    })
}

/// How models of a recognized family are fed in training, and from where that is known.
fn trained(recognition: &Recognition, usual: &Option<UsualInput>, model: &Model) -> (Fit, Origin) {
    let author = model.metadata.get("author").map(String::as_str);
    let is_classifier = recognition.task == decode::Task::Classify;
    let fit = match recognition.placement {
        Placement::Centered => Fit::Centered,
        Placement::Cornered => Fit::Cornered,
        Placement::Stretched if is_classifier && author == Some("Ultralytics") => {
            return (Fit::Crop, Origin::File("author=Ultralytics".into()));
        }
        Placement::Stretched => Fit::Stretch,
        Placement::Line => Fit::Line,
    };
    let family = usual.as_ref().map(|it| Origin::Family(it.family));
    (fit, family.unwrap_or(Origin::Assumed))
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

    /// What an answer said against the reading of the outputs, once each.
    pub fn doubt(&mut self) -> Option<String> {
        self.decoder.doubt()
    }

    /// Forgets earlier frames, as after a gap.
    pub fn reset(&mut self) {
        self.decoder.reset();
        self.kept = None;
    }
}
