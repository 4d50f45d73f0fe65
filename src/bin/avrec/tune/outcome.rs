// SPDX-License-Identifier: MPL-2.0

//! What came of it: a new file with where it comes from, or the numbers that speak against one.

use std::path::{Path, PathBuf};

use gstavrec::bounded_file;
use gstavrec::tune::graph::file::OnnxFile;

use super::date::today;
use super::job::Job;
use super::material::{File, digest};
use super::measured::Measured;
use crate::failure::{Failure, cannot_write};

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
            Some(_) if !measured.is_gain() => {
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
