// SPDX-License-Identifier: MPL-2.0

//! Derives from a graph and its `.modelinfo` what goes in and what comes out.

use std::collections::BTreeMap;
use std::path::Path;

use super::audio_input::{self, Statements};
use super::graph_bounds::Bounds;
use super::image_axes::missing_line;
use super::image_input;
use super::input_text;
use super::modelinfo::{Content, DimsOrder, Direction, ModelInfo, TensorSection};
use super::onnx::{Graph, OtherType, Port};
use super::preprocessor::Preprocessor;
use super::recurrent_state::{self, Pair};
use super::{
    Error, FrameLaying, FurtherInput, Model, Options, Origin, Scale, StateInfo, Statement, Task, TaskChoice,
};
use super::{further_inputs, sound_family};
use crate::tensor::{Dim, ElementType, InputSpec, TensorInfo};

/// What lies beside a model and says more of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    pub info: Option<ModelInfo>,
    pub companion: Option<Preprocessor>,
}

/// What goes into a model and comes out of it, as far as can be told without a run.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    /// All of it but what is found by a run: the task, how a picture stands in the output, and the scale.
    pub model: Model,
    /// Whether the file said the shape of each output.
    pub shaped: Vec<bool>,
    pub bounds: Bounds,
    pub output_ranges: Vec<Option<Vec<(f32, f32)>>>,
    /// The task that is asked for, else the one that the metadata names, if it is one of ours.
    pub wish: Option<Task>,
}

impl Signature {
    /// Describes the model, or says why it cannot be used and what to change.
    pub(super) fn of(
        path: &Path,
        mut graph: Graph,
        beside: Beside,
        options: &Options,
    ) -> Result<Signature, Error> {
        let (info, choice) = (beside.info.as_ref(), options.task);
        let values = further_inputs::Said::read(&options.input_values, info)?;
        values.put_main_first(&mut graph);
        values.check_names(&graph)?;
        let Some(port) = graph.inputs.first() else {
            let remedy = "export the model with an input for frames or sound";
            return Err(Error::unsuitable(path, "it has no input", remedy));
        };
        let pairs = recurrent_state::pair(path, &graph.inputs, &graph.outputs, |port| values.is_told(port))?;
        let family = sound_family::of(&graph, &pairs);
        let input_section = section(info, Direction::Input, 0, port)?;
        let input = tensor_info(path, port, input_section, "input")?;
        let statements = Statements {
            metadata: &graph.metadata,
            section: input_section,
            options: options.sound,
            family,
            rate_value: values.rate(path, &graph)?,
            is_recurrent: !pairs.is_empty(),
        };
        let takes_audio = audio_input::takes_audio(&input, &statements, choice);
        if let Some(info) = info {
            let content = if takes_audio {
                Content::Sound
            } else {
                Content::Picture
            };
            info.check_use(&graph.inputs, &graph.outputs, content)?;
        }
        let (mut said, mut laying) = (Vec::new(), FrameLaying::default());
        let input_spec = if takes_audio {
            InputSpec::Sound(audio_input::spec(path, &input, &statements, &mut said)?)
        } else {
            let picture = image_input::Said {
                path,
                input: &input,
                section: input_section,
                metadata: &graph.metadata,
                companion: beside.companion.as_ref(),
                options: &options.image,
            };
            let picture = picture.read()?;
            (said, laying) = (picture.statements, picture.laying);
            InputSpec::Image(picture.spec)
        };
        let stated = || graph.metadata.get("task").and_then(|name| Task::named(name));
        let mut signature = Signature {
            shaped: Vec::new(),
            bounds: graph.bounds,
            output_ranges: Vec::new(),
            wish: match choice {
                TaskChoice::Task(task) => Some(task),
                // A voice-activity model answers with one probability a window.
                TaskChoice::Auto => stated().or(family.map(|_| Task::Score)),
            },
            model: Model {
                task: Task::Tensor,
                input,
                input_spec,
                laying,
                states: Vec::new(),
                further: Vec::new(),
                hears_voice: family.is_some(),
                outputs: Vec::new(),
                dims_orders: Vec::new(),
                output_spec: None,
                picture: 0,
                output_ranges: Vec::new(),
                is_output_range_asked: false,
                scale: Scale::ONE,
                group_id: info.and_then(|info| info.group_id.clone()),
                opset: graph.opset,
                metadata: metadata(&graph, info),
                statements: said,
                makers: Vec::new(),
                counts: graph.making.counts,
                trial: None,
            },
        };
        signature.say_sections_without_name(&graph, info)?;
        signature.add_states_and_outputs(path, &graph, &pairs, (info, &values))?;
        signature.add_further_inputs(path, &graph, &pairs, (info, &values))?;
        Ok(signature)
    }

    /// Tells of sections that fit a tensor by their place or shape and are called otherwise: they may be meant for another.
    fn say_sections_without_name(&mut self, graph: &Graph, info: Option<&ModelInfo>) -> Result<(), Error> {
        let Some(info) = info else { return Ok(()) };
        let inputs = graph.inputs.iter().map(|it| (Direction::Input, it)).enumerate();
        let outputs = graph.outputs.iter().map(|it| (Direction::Output, it)).enumerate();
        for (index, (direction, port)) in inputs.chain(outputs) {
            if let Some(section) = info.found_without_name(direction, index, port)? {
                self.model.statements.push(Statement {
                    tensor: port.name.clone(),
                    key: "section",
                    value: format!("[{}]", section.name),
                    origin: Origin::Assumed,
                    line: format!("[{}]", port.name),
                });
            }
        }
        Ok(())
    }

    fn add_states_and_outputs(
        &mut self,
        path: &Path,
        graph: &Graph,
        pairs: &[Pair],
        (info, values): (Option<&ModelInfo>, &further_inputs::Said<'_>),
    ) -> Result<(), Error> {
        for pair in pairs {
            let (Some(input), Some(output)) = (graph.inputs.get(pair.input), graph.outputs.get(pair.output))
            else {
                continue;
            };
            let input_section = section(info, Direction::Input, pair.input, input)?;
            let output_section = section(info, Direction::Output, pair.output, output)?;
            let said = values.numbers(path, input)?;
            let (initial, statement) = said.map_or((vec![0.0], None), |(numbers, it)| (numbers, Some(it)));
            self.model.states.push(StateInfo {
                input: tensor_info(path, input, input_section, "input")?,
                output: tensor_info(path, output, output_section, "output")?,
                initial,
            });
            self.model
                .statements
                .push(recurrent_state::statement(pair, input, output));
            self.model.statements.extend(statement);
        }
        for (index, port) in graph.outputs.iter().enumerate() {
            if pairs.iter().any(|pair| pair.output == index) {
                continue;
            }
            let section = section(info, Direction::Output, index, port)?;
            let model = &mut self.model;
            model.outputs.push(tensor_info(path, port, section, "output")?);
            let order = section.map_or(DimsOrder::default(), |it| it.dims_order);
            model.dims_orders.push(order);
            let maker = graph.making.makers.get(&port.name);
            model.makers.push(maker.cloned().unwrap_or_default());
            self.shaped.push(port.dims.is_some());
            // What the description says is believed before the file.
            let hints = section.into_iter().flat_map(|it| &it.hints);
            model
                .metadata
                .extend(hints.map(|(key, value)| (key.clone(), value.clone())));
            self.output_ranges.push(section.and_then(|it| it.ranges.clone()));
        }
        Ok(())
    }

    fn add_further_inputs(
        &mut self,
        path: &Path,
        graph: &Graph,
        pairs: &[Pair],
        (info, values): (Option<&ModelInfo>, &further_inputs::Said<'_>),
    ) -> Result<(), Error> {
        let rate = self.model.input_spec.sound().map(|spec| spec.rate);
        for (index, port) in graph.inputs.iter().enumerate().skip(1) {
            if pairs.iter().any(|pair| pair.input == index) {
                continue;
            }
            let (fill, statement) = values.fill(path, port, rate)?;
            let section = section(info, Direction::Input, index, port)?;
            let other_type = port.element_type.err();
            // Types that frames do not have stand in what is as wide.
            let port = Port {
                element_type: match other_type {
                    Some(OtherType::BOOL) => Ok(ElementType::U8),
                    Some(OtherType::FLOAT64) => Ok(ElementType::I64),
                    _ => port.element_type,
                },
                ..port.clone()
            };
            let info = tensor_info(path, &port, section, "input")?;
            self.model.further.push(FurtherInput {
                info,
                other_type,
                fill,
            });
            self.model.statements.push(statement);
        }
        Ok(())
    }

    /// Lets a property say the range of all outputs.
    pub(super) fn say_output_range(&mut self, line: &str) -> Result<(), Error> {
        let Some(ranges) = input_text::ranges(line) else {
            return Err(Error::Setting {
                key: "output-range",
                value: line.to_owned(),
                cause: "is not understood".to_owned(),
                remedy: "write pairs min,max with semicolons, such as 0,1".to_owned(),
            });
        };
        for own in &mut self.output_ranges {
            *own = Some(ranges.clone());
        }
        Ok(())
    }

    /// Whether each output's shape is fixed or made of the input's own named dimensions.
    pub(super) fn outputs_follow_input(&self) -> bool {
        let input = &self.model.input;
        let follows = |dim: &Dim| match dim {
            Dim::Fixed(_) => true,
            Dim::Dynamic(name) => !name.is_empty() && input.dims.contains(dim),
        };
        let mut dims = self.model.outputs.iter().flat_map(|output| &output.dims);
        self.shaped.iter().all(|&shaped| shaped) && dims.all(follows)
    }
}

fn section<'a>(
    info: Option<&'a ModelInfo>,
    direction: Direction,
    index: usize,
    port: &Port,
) -> Result<Option<&'a TensorSection>, Error> {
    info.map_or(Ok(None), |info| info.find(direction, index, port))
}

fn tensor_info(
    path: &Path,
    port: &Port,
    section: Option<&TensorSection>,
    role: &str,
) -> Result<TensorInfo, Error> {
    let element_type = port.element_type.map_err(|other| {
        let cause = format!("{role} '{}' is {}", port.name, other.name());
        Error::unsuitable(
            path,
            cause,
            "add a Cast to float32 (float16, uint8, int32 and int64 work too)",
        )
    })?;
    let stated = section.and_then(|section| section.dims.as_ref());
    let from_section = |dims: &Vec<Option<usize>>| {
        dims.iter()
            .map(|dim| dim.map_or(Dim::Dynamic(String::new()), Dim::Fixed))
            .collect::<Vec<_>>()
    };
    let dims = match (&port.dims, stated) {
        (Some(model), Some(stated)) => model.iter().zip(stated).map(refine).collect(),
        (Some(model), None) => model.clone(),
        (None, Some(stated)) => from_section(stated),
        // Many exporters leave output shapes out; they are seen when the model runs.
        (None, None) if role == "output" => Vec::new(),
        (None, None) => {
            let cause = format!("{role} '{}' has no shape", port.name);
            let remedy = missing_line(path, &port.name, "dims=1,3,-1,-1");
            return Err(Error::unsuitable(path, cause, remedy));
        }
    };
    let id = section
        .and_then(|section| section.id.clone())
        .unwrap_or_else(|| port.name.clone());
    Ok(TensorInfo {
        name: port.name.clone(),
        id,
        element_type,
        dims,
    })
}

/// Lets the description fix what the model leaves open.
fn refine((model, stated): (&Dim, &Option<usize>)) -> Dim {
    match (model, stated) {
        (Dim::Dynamic(_), Some(size)) => Dim::Fixed(*size),
        _ => model.clone(),
    }
}

/// What the file says of itself, and before that what its description says in the same words.
fn metadata(graph: &Graph, info: Option<&ModelInfo>) -> BTreeMap<String, String> {
    let mut metadata = graph.metadata.clone();
    metadata.extend(info.into_iter().flat_map(|it| it.hints.clone()));
    metadata
}
