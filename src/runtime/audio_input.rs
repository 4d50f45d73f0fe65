// SPDX-License-Identifier: MPL-2.0

//! Tells which models take audio, and how it stands in their tensors.
//!
//! A shape says how many samples a run takes, and nothing says at which rate: that is stated. Of several who state a
//! number the first one of these is believed: a property; a line in the section of the input in the `.modelinfo`
//! (`sample_rate`, `window`, `hop`, `context`, `delay`); the metadata of the ONNX file, under the same keys; the constant
//! that an input for the rate gets; the family. A rate that nobody states is an error. The others are assumed: no delay
//! (sound comes out a little early or late, and nobody is hurt), no context, a window of 10 ms where the shape leaves it
//! open, and from one window to the next a whole one where something is carried over, else half a one.

use std::collections::BTreeMap;
use std::path::Path;

use super::modelinfo::{self, TensorSection, dims_line};
use super::sound_family::SoundFamily;
use super::{Error, Origin, SoundOptions, Statement, Task, TaskChoice};
use crate::tensor::{Dim, ElementType, SoundSpec, TensorInfo};

/// Rates that sound has: from below telephones to above studios, Hz.
const RATES: std::ops::RangeInclusive<u32> = 1000..=768_000;

/// Samples a run may take: 87 s at 48 kHz. More is a mistake, and would delay a stream by as much.
const MAX_HOP: usize = 1 << 22;

/// Runs a second of a model that takes any number of samples: those of 10 ms are common in speech.
const DEFAULT_RUNS: usize = 100;

/// What is said of a model besides its shapes.
pub(super) struct Statements<'a> {
    pub metadata: &'a BTreeMap<String, String>,
    pub section: Option<&'a TensorSection>,
    pub options: SoundOptions,
    pub family: Option<SoundFamily>,
    /// The constant that an input for the rate gets, and who says it.
    pub rate_value: Option<(f64, Origin)>,
    /// Whether something is handed on from run to run.
    pub is_recurrent: bool,
}

/// A number with who said it.
type Told = Option<(usize, Origin)>;

impl Statements<'_> {
    fn get(&self, key: &str) -> Option<&String> {
        let stated = self.section.and_then(|section| section.sound.get(key));
        stated.or_else(|| self.metadata.get(key))
    }

    /// Who says this key, and the number; the family's where nobody else does.
    fn told(
        &self,
        path: &Path,
        key: &str,
        asked: Option<u32>,
        of_family: Option<usize>,
    ) -> Result<Told, Error> {
        if let Some(asked) = asked {
            return Ok(Some((asked as usize, Origin::Asked)));
        }
        let is_beside = self.section.is_some_and(|it| it.sound.contains_key(key));
        let origin = match is_beside {
            true => Origin::ModelInfo,
            false => Origin::File(format!("metadata {key}")),
        };
        let number = self.number(path, key)?.map(|number| (number, origin));
        let of_family = of_family.zip(self.family);
        Ok(number.or(of_family.map(|(number, family)| (number, Origin::Family(family.name)))))
    }

    fn number(&self, path: &Path, key: &str) -> Result<Option<usize>, Error> {
        let Some(text) = self.get(key) else {
            return Ok(None);
        };
        // Some exporters write every number as a float.
        let number = text.trim().trim_end_matches(".0").parse().ok();
        let cause = || format!("{key}={text} is no whole number");
        let remedy = || format!("write {key} as digits, such as '{key}=160'");
        number
            .map(Some)
            .ok_or_else(|| Error::unsuitable(path, cause(), remedy()))
    }
}

/// Whether a model is for audio: asked for, stated, or of a shape that frames do not have.
pub(super) fn takes_audio(input: &TensorInfo, statements: &Statements<'_>, choice: TaskChoice) -> bool {
    let is_asked = choice == TaskChoice::Task(Task::Audio);
    let says_rate = statements.get("sample_rate").is_some();
    let stated = statements.metadata.get("task");
    let says_audio = stated.is_some_and(|it| it == Task::Audio.name());
    let is_row = matches!(
        input.dims.as_slice(),
        [_] | [Dim::Fixed(1), _] | [Dim::Fixed(1), Dim::Fixed(1 | 2), _]
    );
    let says_rate = says_rate || statements.options.rate.is_some();
    is_asked || says_rate || says_audio || is_row || statements.family.is_some()
}

/// Describes the input, or says what is missing and where to write it.
pub(super) fn spec(
    path: &Path,
    input: &TensorInfo,
    statements: &Statements<'_>,
    told: &mut Vec<Statement>,
) -> Result<SoundSpec, Error> {
    let unsuitable = |cause: String, remedy: String| Err(Error::unsuitable(path, cause, remedy));
    let what = format!("input '{}'", input.name);
    if !matches!(input.element_type, ElementType::F32 | ElementType::F16) {
        let cause = format!("{what} is of an integer type that sound does not have");
        return unsuitable(cause, "add a Cast from float32 in front of it".into());
    }
    let (channels, samples) = axes(path, input)?;
    let (rate, rate_origin) = rate(path, input, statements)?;
    let lengths = lengths(path, input, statements, (rate, samples))?;
    told.extend(lengths.statements(input, rate));
    told.push(statement(
        input,
        "sample-rate",
        rate as usize,
        rate_origin,
        other_rate(rate),
    ));
    let Lengths {
        window,
        context: (context, _),
        step: (step, _),
        ..
    } = lengths;
    let delay = statements.number(path, "delay")?.unwrap_or(0);
    if MAX_HOP < delay {
        let cause = format!("a delay of {delay} samples is more than {MAX_HOP}");
        return unsuitable(cause, add(path, input, "delay", "160"));
    }
    Ok(SoundSpec {
        channels,
        element_type: input.element_type,
        hop: window + context,
        context,
        step,
        rate,
        delay,
    })
}

/// Where a number may be written that is missing or wrong.
fn add(path: &Path, input: &TensorInfo, key: &str, example: &str) -> String {
    let property = match key {
        "delay" => String::new(),
        key => format!("set {}={example}, ", key.replace('_', "-")),
    };
    let section = modelinfo::section_of(path, &input.name);
    format!(
        "{property}add {key} to its metadata (metadata_props), or the line '{key}={example}' to {section}"
    )
}

fn statement(input: &TensorInfo, key: &'static str, value: usize, origin: Origin, other: usize) -> Statement {
    Statement {
        tensor: input.name.clone(),
        key,
        value: value.to_string(),
        origin,
        line: format!("{key}={other}"),
    }
}

fn other_rate(rate: u32) -> usize {
    if rate == 16_000 { 8000 } else { 16_000 }
}

/// The sample rate, and who says it.
fn rate(path: &Path, input: &TensorInfo, statements: &Statements<'_>) -> Result<(u32, Origin), Error> {
    let family = statements.family;
    let options = statements.options;
    let stated = statements.told(path, "sample_rate", options.rate, None)?;
    let by_value = statements.rate_value.clone();
    if let Some(((rate, _), (value, _))) = stated.as_ref().zip(by_value.as_ref())
        && *rate as f64 != *value
    {
        let cause = format!("sample-rate={rate} goes against the input for the rate, which gets {value}");
        return Err(Error::unsuitable(path, cause, "leave one of them out"));
    }
    let by_value = by_value.map(|(value, origin)| (value as usize, origin));
    let of_family = family.map(|it| (it.rate as usize, Origin::Family(it.name)));
    let Some((rate, origin)) = stated.or(by_value).or(of_family) else {
        let line = dims_line(&input.dims);
        let what = format!("input '{}'", input.name);
        let cause = format!("{what} ({line}) looks like sound, and its sample rate is not said");
        return Err(Error::unsuitable(
            path,
            cause,
            add(path, input, "sample_rate", "16000"),
        ));
    };
    let Some(rate) = u32::try_from(rate).ok().filter(|rate| RATES.contains(rate)) else {
        let (least, most) = RATES.into_inner();
        let cause = format!("sample_rate={rate} is not from {least} to {most}");
        return Err(Error::unsuitable(
            path,
            cause,
            add(path, input, "sample_rate", "16000"),
        ));
    };
    match family {
        Some(family) if rate != family.rate && !(family.takes_rate && rate * 2 == family.rate) => {
            let half = if family.takes_rate { ", or half of it" } else { "" };
            let cause = format!(
                "models of the family {} hear {} Hz{half}, not {rate}",
                family.name, family.rate
            );
            Err(Error::unsuitable(
                path,
                cause,
                format!("set sample-rate={}", family.rate),
            ))
        }
        _ => Ok((rate, origin)),
    }
}

/// How a stream is cut, in samples per channel, each with who says it.
struct Lengths {
    /// New samples of a run.
    window: usize,
    /// Who said the window, where the shape does not.
    window_origin: Option<Origin>,
    context: (usize, Origin),
    step: (usize, Origin),
}

impl Lengths {
    fn statements(&self, input: &TensorInfo, rate: u32) -> Vec<Statement> {
        let Lengths {
            window,
            context,
            step,
            ..
        } = self;
        let of_window = self.window_origin.clone().map(|origin| {
            // 32 ms and 30 ms are the common ones of models of speech.
            let other = if *window == rate as usize * 4 / 125 {
                rate as usize * 3 / 100
            } else {
                rate as usize * 4 / 125
            };
            statement(input, "window", *window, origin, other)
        });
        let of_context = (context.1 != Origin::Assumed).then(|| {
            statement(
                input,
                "context",
                context.0,
                context.1.clone(),
                if context.0 == 0 { 64 } else { 0 },
            )
        });
        let other = if step.0 == *window {
            window.div_ceil(2)
        } else {
            *window
        };
        let of_step = statement(input, "hop", step.0, step.1.clone(), other);
        of_window.into_iter().chain(of_context).chain([of_step]).collect()
    }
}

fn lengths(
    path: &Path,
    input: &TensorInfo,
    statements: &Statements<'_>,
    (rate, samples): (u32, &Dim),
) -> Result<Lengths, Error> {
    let (family, options) = (statements.family, statements.options);
    // A family's windows are as long in time at each of its rates.
    let of_family = |samples: fn(SoundFamily) -> usize| {
        family.map(|it| samples(it) * rate as usize / it.rate.max(1) as usize)
    };
    let context = statements.told(path, "context", options.context, of_family(|it| it.context))?;
    let context = context.unwrap_or((0, Origin::Assumed));
    let stated = statements.told(path, "window", options.window, of_family(|it| it.window))?;
    let hop = statements.told(path, "hop", options.hop, None)?;
    let (window, window_origin) = match (samples, stated) {
        (Dim::Fixed(samples), Some((window, _))) if *samples != window.saturating_add(context.0) => {
            let (name, context) = (&input.name, context.0);
            let cause = format!(
                "window={window} and context={context} contradict input '{name}', which takes {samples} samples"
            );
            let remedy = format!("set window={}, or leave it out", samples.saturating_sub(context));
            return Err(Error::unsuitable(path, cause, remedy));
        }
        (Dim::Fixed(samples), _) => (samples.saturating_sub(context.0), None),
        (Dim::Dynamic(_), Some((window, Origin::Family(_))))
            if family.is_some_and(|it| it.is_window_free) =>
        {
            (window, Some(Origin::Assumed))
        }
        (Dim::Dynamic(_), Some((window, origin))) => (window, Some(origin)),
        // Who says how many samples a run moves on says its window, where nobody says that.
        (Dim::Dynamic(_), None) => match hop.clone() {
            Some((hop, origin)) => (hop, Some(origin)),
            None => (rate as usize / DEFAULT_RUNS, Some(Origin::Assumed)),
        },
    };
    if window == 0 {
        let cause = format!("a context of {} samples leaves nothing new in a run", context.0);
        return Err(Error::unsuitable(path, cause, add(path, input, "context", "64")));
    }
    if MAX_HOP < window.saturating_add(context.0) {
        let cause = format!("a run takes {window} samples, where 1 to {MAX_HOP} are sane");
        return Err(Error::unsuitable(path, cause, add(path, input, "window", "160")));
    }
    let usual = match context.0 != 0 || statements.is_recurrent {
        true => window,
        false => window.div_ceil(2),
    };
    let step = match hop.or(statements.told(path, "step", None, None)?) {
        Some(hop) => hop,
        None => (
            usual,
            family.map_or(Origin::Assumed, |it| Origin::Family(it.name)),
        ),
    };
    if !(1..=window).contains(&step.0) {
        let cause = format!(
            "hop={} leaves out sound between windows of {window} samples",
            step.0
        );
        return Err(Error::unsuitable(
            path,
            cause,
            format!("set hop={window}, or leave it out"),
        ));
    }
    Ok(Lengths {
        window,
        window_origin,
        context,
        step,
    })
}

/// Splits the dimensions into channels and samples.
fn axes<'a>(path: &Path, input: &'a TensorInfo) -> Result<(usize, &'a Dim), Error> {
    match input.dims.as_slice() {
        [samples] | [Dim::Dynamic(_), samples] => Ok((1, samples)),
        [Dim::Fixed(channels @ (1 | 2)), samples] => Ok((*channels, samples)),
        [
            Dim::Fixed(1) | Dim::Dynamic(_),
            Dim::Fixed(channels @ (1 | 2)),
            samples,
        ] => Ok((*channels, samples)),
        [Dim::Fixed(1) | Dim::Dynamic(_), Dim::Dynamic(_), samples] => Ok((1, samples)),
        other => {
            let cause = format!("input '{}' ({}) is no sound", input.name, dims_line(other));
            let remedy =
                "export the model with an input of 1,samples or 1,channels,samples and 1 or 2 channels";
            Err(Error::unsuitable(path, cause, remedy))
        }
    }
}
