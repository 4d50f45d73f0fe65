// SPDX-License-Identifier: MPL-2.0

//! Tells which models take audio, and how it stands in their tensors.
//!
//! A shape says how many samples a run takes, and nothing says at which rate: that is stated, as
//! `sample_rate` in the metadata of the ONNX file, or as a line `sample_rate=16000` in the section of the
//! input in the `.modelinfo` file, which counts more. So may be `delay` (samples by which the answer lags, 0
//! where nothing is said: sound comes out a little early or late, and nobody is hurt), `hop` (new samples a
//! run, where the model takes any number; 10 ms where nothing is said) and `context` (samples of the run before
//! that stand in front of the new ones, 0 where nothing is said). A family that is known needs none of these lines.

use std::collections::BTreeMap;
use std::path::Path;

use super::modelinfo::{TensorSection, dims_line};
use super::sound_family::SoundFamily;
use super::{Error, Origin, Statement, Task, TaskChoice};
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
    pub family: Option<SoundFamily>,
}

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
        of_family: Option<usize>,
    ) -> Result<Option<(usize, Origin)>, Error> {
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
    let add = |key: &str, example: &str| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!(
            "add {key} to its metadata (metadata_props), or the line '{key}={example}' to section [{}] of \
             {name}.modelinfo beside it",
            input.name
        )
    };
    let family = statements.family;
    let of_family = family.map(|it| it.rate as usize);
    let Some((rate, rate_origin)) = statements.told(path, "sample_rate", of_family)? else {
        let line = dims_line(&input.dims);
        let cause = format!("{what} ({line}) looks like sound, and its sample rate is not said");
        return unsuitable(cause, add("sample_rate", "16000"));
    };
    let Some(rate) = u32::try_from(rate).ok().filter(|rate| RATES.contains(rate)) else {
        let (least, most) = RATES.into_inner();
        let cause = format!("sample_rate={rate} is not from {least} to {most}");
        return unsuitable(cause, add("sample_rate", "16000"));
    };
    // A family's windows are as long in time at each of its rates.
    let at_rate = |samples: usize, of: u32| samples * rate as usize / of.max(1) as usize;
    let of_family = family.map(|it| at_rate(it.context, it.rate));
    let context = statements.told(path, "context", of_family)?;
    let of_family = family.map(|it| at_rate(it.hop, it.rate));
    let stated = statements.told(path, "hop", of_family)?;
    let mut tell = |key, number: usize, origin: &Origin| {
        told.push(Statement {
            tensor: input.name.clone(),
            key,
            value: number.to_string(),
            origin: origin.clone(),
            line: format!("{}={number}", key.replace('-', "_")),
        });
    };
    tell("sample-rate", rate as usize, &rate_origin);
    if let Some((context, origin)) = &context {
        tell("context", *context, origin);
    }
    match (&stated, samples) {
        (Some((hop, origin)), _) => tell("hop", *hop, origin),
        (None, Dim::Dynamic(_)) => tell("hop", rate as usize / DEFAULT_RUNS, &Origin::Assumed),
        (None, Dim::Fixed(_)) => {}
    }
    let context = context.map_or(0, |(context, _)| context);
    let stated = stated.map(|(hop, _)| hop.saturating_add(context));
    let hop = match (samples, stated) {
        (Dim::Fixed(samples), Some(hop)) if *samples != hop => {
            let new = hop - context;
            let cause =
                format!("hop={new} and context={context} contradict {what}, which takes {samples} samples");
            let remedy = format!("write hop={}, or leave it out", samples.saturating_sub(context));
            return unsuitable(cause, remedy);
        }
        (Dim::Fixed(samples), _) => *samples,
        (Dim::Dynamic(_), Some(hop)) => hop,
        (Dim::Dynamic(_), None) => context.saturating_add(rate as usize / DEFAULT_RUNS),
    };
    if !(1..=MAX_HOP).contains(&hop) {
        let cause = format!("a run takes {hop} samples, where 1 to {MAX_HOP} are sane");
        return unsuitable(cause, add("hop", "160"));
    }
    if hop <= context {
        let cause = format!("a context of {context} samples leaves nothing new in a run of {hop}");
        return unsuitable(cause, add("context", "64"));
    }
    let delay = statements.number(path, "delay")?.unwrap_or(0);
    if MAX_HOP < delay {
        let cause = format!("a delay of {delay} samples is more than {MAX_HOP}");
        return unsuitable(cause, add("delay", "160"));
    }
    Ok(SoundSpec {
        channels,
        element_type: input.element_type,
        hop,
        context,
        rate,
        delay,
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
