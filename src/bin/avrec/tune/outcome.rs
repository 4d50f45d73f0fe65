// SPDX-License-Identifier: MPL-2.0

//! What came of it: a new file with where it comes from, or the numbers that speak against one.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gstavrec::bounded_file;
use gstavrec::recommend::Estimate;
use gstavrec::score::Statistic;
use gstavrec::tune::blocks::Place;
use gstavrec::tune::gain::gain;
use gstavrec::tune::graph::file::OnnxFile;

use super::Job;
use super::material::{File, digest};
use crate::failure::{Failure, cannot_write};

/// A figure of which more is better, on the half that was held out.
pub struct Measured {
    /// The field's name of the figure.
    pub figure: &'static str,
    /// What stands behind a value, such as `dB`.
    pub unit: &'static str,
    pub before: f64,
    pub after: f64,
    /// `None` where nothing can be concluded.
    pub gain: Option<Estimate>,
    /// Decimals that are told.
    decimals: usize,
    /// What the figure is told times.
    factor: f64,
}

impl Measured {
    /// Of a figure before and after, over items at these places; values are told times a factor, with so many decimals.
    pub fn of(
        (figure, unit): (&'static str, &'static str),
        (factor, decimals): (f64, usize),
        places: &[Place],
        (before, after): (&dyn Statistic, &dyn Statistic),
    ) -> Measured {
        let places: Vec<&Place> = places.iter().collect();
        let weights = vec![1.0; places.len()];
        let value = |it: &dyn Statistic| it.value(&weights).unwrap_or(f64::NAN) * factor;
        let gain = gain(&places, before, after).ok().map(|it| Estimate {
            value: it.value * factor,
            low: it.low * factor,
            high: it.high * factor,
            ..it
        });
        Measured {
            figure,
            unit,
            before: value(before),
            after: value(after),
            gain,
            decimals,
            factor,
        }
    }

    /// Of items that say nothing.
    pub fn nothing(unit: &'static str) -> Measured {
        Measured {
            figure: unit,
            unit,
            before: f64::NAN,
            after: f64::NAN,
            gain: None,
            decimals: 3,
            factor: 1.0,
        }
    }

    /// The figure after the change, in its own unit.
    pub fn value(&self) -> f64 {
        self.after / self.factor
    }

    /// Whether the interval of the gain lies above zero.
    pub fn is_gain(&self) -> bool {
        self.gain.is_some_and(|it| 0.0 < it.low)
    }

    /// `34.33 → 34.60 dB`
    pub fn short(&self) -> String {
        let (unit, decimals) = (self.unit, self.decimals);
        format!("{:.decimals$} → {:.decimals$} {unit}", self.before, self.after)
    }

    /// `34.33 → 34.60 dB on the held-out half (+0.267, 0.21 to 0.32)`
    pub fn text(&self) -> String {
        let (unit, decimals) = (self.unit, self.decimals);
        let start = format!(
            "{:.decimals$} → {:.decimals$} {unit} on the held-out half",
            self.before, self.after
        );
        match self.gain {
            Some(gain) => {
                let more = self.decimals + 1;
                let (value, low, high) = (gain.value, gain.low, gain.high);
                format!("{start} ({value:+.more$}, {low:.more$} to {high:.more$})")
            }
            None => start,
        }
    }
}

/// A changed model with what it is worth.
pub struct Outcome {
    pub file: OnnxFile,
    /// `None` where no change was found that is worth a measurement.
    pub measured: Option<Measured>,
    pub files: Vec<File>,
    /// What was fitted, in words.
    pub fitted: String,
    pub settings: String,
}

impl Outcome {
    /// Writes the new model where it is a gain, and says so.
    pub fn tell(self, job: &Job) -> Result<String, Failure> {
        let Some(measured) = &self.measured else {
            let text = "no gain: no change of the last layer makes what was left out of the first half better; nothing \
                        was written";
            return Err(Failure::NoGain(text.to_owned()));
        };
        let text = measured.text();
        if job.typed.anyway && !measured.is_gain() {
            self.write(job, measured)?;
        }
        match measured.gain {
            None => Err(Failure::NoGain(format!(
                "nothing can be concluded from so little material, {text}; give more of it. Nothing was written"
            ))),
            Some(gain) if !(0.0 < gain.low) => {
                Err(Failure::NoGain(format!("no gain: {text}; nothing was written")))
            }
            Some(_) => {
                self.write(job, measured)?;
                let text = format!("{text}, written {}", job.output.display());
                let Some(listed) = &job.listed else {
                    return Ok(text);
                };
                let digests = (digest(&job.output)?, digest(&job.typed.model)?);
                let name = listed.add(&job.output, digests, measured, &self.files)?;
                Ok(format!("{text}, candidate {name}"))
            }
        }
    }

    fn write(&self, job: &Job, measured: &Measured) -> Result<(), Failure> {
        let mut file = self.file.clone();
        let parent = digest(&job.typed.model)?;
        let names = self.files.iter().map(|it| {
            let name = it.path.file_name().unwrap_or_default().to_string_lossy();
            format!("{name} {}", it.digest)
        });
        file.set_metadata("avrec.tuned-from", &parent);
        file.set_metadata("avrec.tuned-on", &names.collect::<Vec<_>>().join("\n"));
        file.set_metadata("avrec.tuned-by", &format!("{}; {}", self.fitted, self.settings));
        file.set_metadata("avrec.tuned-gain", &measured.text());
        file.set_metadata("avrec.tuned-date", &today());
        put(&job.output, &file.write())?;
        describe(&job.typed.model, &job.output)
    }
}

/// Writes a variant of a model beside the place of the tuned one, and returns where it is.
pub fn put_beside(job: &Job, file: &OnnxFile, name: &str, measured: &Measured) -> Result<PathBuf, Failure> {
    let stem = job.output.file_stem().unwrap_or_default().to_string_lossy();
    let path = job.output.with_file_name(format!("{stem}-{name}.onnx"));
    let mut file = file.clone();
    file.set_metadata("avrec.tuned-from", &digest(&job.typed.model)?);
    file.set_metadata("avrec.tuned-by", name);
    file.set_metadata("avrec.tuned-gain", &measured.text());
    file.set_metadata("avrec.tuned-date", &today());
    put(&path, &file.write())?;
    describe(&job.typed.model, &path)?;
    Ok(path)
}

/// Writes a file that is not there yet whole, or not at all.
pub fn put(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let cannot = |err| Failure::Output(cannot_write("model", path, &err));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = bounded_file::write(&beside, content);
    // A link fails where something has come there meanwhile.
    let written = written.and_then(|()| std::fs::hard_link(&beside, path));
    let _ = std::fs::remove_file(&beside);
    written.map_err(cannot)
}

/// The largest description that is copied.
const MOST_DESCRIPTION: u64 = 1 << 20;

/// Lets the new model be read as the old one: by a copy of what lies beside it.
fn describe(model: &Path, output: &Path) -> Result<(), Failure> {
    let of = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".modelinfo");
        PathBuf::from(name)
    };
    let (old, new) = (of(model), of(output));
    if !old.exists() || new.exists() {
        return Ok(());
    }
    let content = bounded_file::read(&old, MOST_DESCRIPTION);
    let copied = content.and_then(|it| bounded_file::write(&new, it));
    copied.map_err(|err| Failure::Output(cannot_write("description", &new, &err)))
}

/// The day as `2026-11-28`, by Greenwich (civil calendar of Howard Hinnant's `days_from_civil`).
pub fn today() -> String {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |it| it.as_secs());
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
