// SPDX-License-Identifier: MPL-2.0

//! The same model in lower precision: each variant is measured beside the model, frame by frame, and kept where it is
//! faster and hardly worse.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gstavrec::tensor::Tensor;
use gstavrec::tune::graph::file::OnnxFile;
use gstavrec::tune::graph::precision::{Range, eight_bits, half_weights, ranged};

use super::job::Job;
use super::measured::Measured;
use super::outcome::put_beside;
use super::tapped::{Subject, floats};
use crate::console::{left_aligned, say};
use crate::failure::Failure;

/// Inputs on which ranges are seen.
const SEEN: usize = 8;

/// Runs of each model that are timed, in turn.
const RUNS: usize = 40;

/// A variant must take no more of the time than this.
const MOST_TIME: f64 = 0.85;

/// And lose no more of the quality, relatively.
const MOST_LOSS: f64 = 0.01;

/// Says how quality is measured: of the subject's own file and of another one.
pub type Measure<'a> = &'a mut dyn FnMut(&mut Subject, &OnnxFile) -> Result<Measured, Failure>;

/// A variant and what came of it.
struct Tried {
    name: &'static str,
    file: OnnxFile,
    measured: Measured,
    /// Median times of the model and of the variant.
    times: (Duration, Duration),
}

/// Tries all variants of a file, says what each is worth, and writes the fastest that may be kept. Returns whether one was.
pub fn run(
    job: &Job,
    subject: &mut Subject,
    base: &OnnxFile,
    inputs: &[Tensor],
    measure: Measure,
) -> Result<bool, Failure> {
    let ranges = ranges(subject, base, inputs)?;
    let made = [
        ("int8", eight_bits(base, &ranges)),
        ("float16", half_weights(base)),
    ];
    let mut tried = Vec::new();
    for (name, file) in made {
        let file = match file {
            Ok(file) => file,
            Err(cause) => {
                say(&format!("{name}: {cause}"));
                continue;
            }
        };
        let measured = measure(subject, &file)?;
        let times = times(subject, base, &file, inputs)?;
        tried.push(Tried {
            name,
            file,
            measured,
            times,
        });
    }
    let milliseconds = |it: Duration| format!("{:.2} ms", it.as_secs_f64() * 1e3);
    let mut rows = vec![["variant", "quality", "time", "of the model's", "kept"].map(str::to_owned)];
    for it in &tried {
        let kept = if it.is_kept() { "yes" } else { it.reason() };
        rows.push([
            it.name.to_owned(),
            it.measured.short(),
            format!("{} → {}", milliseconds(it.times.0), milliseconds(it.times.1)),
            format!("{:.0} %", 100.0 * it.share()),
            kept.to_owned(),
        ]);
    }
    say(&left_aligned(&rows));
    let kept = tried.iter().filter(|it| it.is_kept());
    let Some(best) = kept.min_by(|one, other| one.share().total_cmp(&other.share())) else {
        say("none of the variants is kept");
        return Ok(false);
    };
    let path = put_beside(job, &best.file, best.name, &best.measured)?;
    say(&format!("written {}", path.display()));
    Ok(true)
}

impl Tried {
    fn share(&self) -> f64 {
        self.times.1.as_secs_f64() / self.times.0.as_secs_f64().max(1e-9)
    }

    fn is_good(&self) -> bool {
        self.measured.before * (1.0 - MOST_LOSS) <= self.measured.after
    }

    fn is_kept(&self) -> bool {
        self.is_good() && self.share() <= MOST_TIME
    }

    fn reason(&self) -> &'static str {
        match (self.is_good(), self.share() <= MOST_TIME) {
            (false, false) => "no: slower than it must be, and worse",
            (false, true) => "no: it loses more than 1 % of the quality",
            _ => "no: it must be faster by 15 %",
        }
    }
}

/// The least and the most of each tensor over the inputs.
fn ranges(subject: &Subject, base: &OnnxFile, inputs: &[Tensor]) -> Result<BTreeMap<String, Range>, Failure> {
    let nodes = base.nodes().map_err(|err| subject.unsuitable(&err))?;
    let names = ranged(base, &nodes);
    let own = base.inputs();
    let mut file = base.clone();
    names
        .iter()
        .filter(|it| !own.contains(it))
        .for_each(|it| file.add_output(it));
    let mut tapped = subject.runner(&file)?;
    let mut ranges = BTreeMap::<String, Range>::new();
    let mut widen = |name: &str, tensor: &Tensor| {
        let Some(values) = floats(tensor) else { return };
        let range = ranges.entry(name.to_owned()).or_insert(Range {
            least: 0.0,
            most: 0.0,
        });
        for value in values.iter().filter(|it| it.is_finite()) {
            range.least = range.least.min(*value);
            range.most = range.most.max(*value);
        }
    };
    let places: Vec<_> = names.iter().map(|it| (it, tapped.place(it).ok())).collect();
    let step = inputs.len().div_ceil(SEEN).max(1);
    for input in inputs.iter().step_by(step) {
        let outputs = tapped.run(input)?;
        for (name, place) in &places {
            match place.and_then(|it| outputs.get(it)) {
                Some(tensor) => widen(name, tensor),
                // What goes into the graph.
                None if own.len() == 1 => widen(name, input),
                None => {}
            }
        }
    }
    Ok(ranges)
}

/// Median times of both, run in turn on the same inputs.
fn times(
    subject: &Subject,
    base: &OnnxFile,
    file: &OnnxFile,
    inputs: &[Tensor],
) -> Result<(Duration, Duration), Failure> {
    let mut models = [subject.runner(base)?, subject.runner(file)?];
    let mut times = [Vec::new(), Vec::new()];
    for (run, input) in inputs.iter().cycle().take(RUNS + 2).enumerate() {
        for (model, times) in models.iter_mut().zip(&mut times) {
            let start = Instant::now();
            model.run(input)?;
            // The first runs find memory and caches cold.
            if 2 <= run {
                times.push(start.elapsed());
            }
        }
    }
    let median = |mut it: Vec<Duration>| {
        it.sort();
        it.get(it.len() / 2).copied().unwrap_or_default()
    };
    let [one, other] = times.map(median);
    Ok((one, other))
}
