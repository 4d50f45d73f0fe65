// SPDX-License-Identifier: MPL-2.0

//! The JSON-lines log: one object a line, each with a `type`, units in the field names, written by a
//! thread of its own. A log that cannot be written any more is told once; the run goes on without it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use gst::prelude::*;
use gst::{StructureRef, glib};
use gstavrec::bounded_file;
use serde_json::{Map, Value};

use crate::console::warn;

/// A quiet log is flushed after this long, so that `tail -f` shows a run as it goes.
const FLUSH_AFTER: Duration = Duration::from_millis(500);

/// One line of the log.
pub type Entry = Map<String, Value>;

/// Where entries go; `Log::none()` takes them and forgets them.
pub struct Log {
    writer: Option<(Sender<Entry>, JoinHandle<io::Result<()>>)>,
}

impl Log {
    pub fn none() -> Log {
        Log { writer: None }
    }

    pub fn create(path: &Path) -> io::Result<Log> {
        let file = bounded_file::create(path)?;
        let name = path.display().to_string();
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("avrec-log".to_string())
            .spawn(move || {
                write_all(&receiver, file).inspect_err(|err| {
                    warn(&format!(
                        "warning: the log '{name}' ends here, the run goes on: {err}"
                    ))
                })
            })?;
        Ok(Log {
            writer: Some((sender, thread)),
        })
    }

    /// Queues a line; never waits for the disk.
    pub fn write(&self, entry: Entry) {
        if let Some((sender, _)) = &self.writer {
            // Fails after the writer gave up, which was told already.
            let _ = sender.send(entry);
        }
    }

    /// Waits until everything is written; an error if it could not be.
    pub fn finish(self) -> io::Result<()> {
        let Some((sender, thread)) = self.writer else {
            return Ok(());
        };
        drop(sender);
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the log's writer panicked")))
    }
}

fn write_all(entries: &Receiver<Entry>, file: File) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    loop {
        match entries.recv_timeout(FLUSH_AFTER) {
            Ok(entry) => {
                serde_json::to_writer(&mut out, &entry)?;
                out.write_all(b"\n")?;
            }
            Err(RecvTimeoutError::Timeout) => out.flush()?,
            Err(RecvTimeoutError::Disconnected) => return out.flush(),
        }
    }
}

/// Starts an entry of the given type.
pub fn entry(kind: &str) -> Entry {
    Entry::from_iter([("type".to_string(), Value::from(kind))])
}

/// Appends all fields of an element message; what GStreamer names without a unit gets one.
pub fn extend(entry: &mut Entry, structure: &StructureRef) {
    for (name, value) in structure.iter() {
        let name = match name.as_str() {
            "pts" => "pts-ns",
            "running-time" => "running-time-ns",
            other => other,
        };
        entry.insert(name.to_string(), json(value));
    }
}

/// "No time" becomes null, as does a number that is not finite.
fn json(value: &glib::Value) -> Value {
    if let Ok(number) = value.get::<u64>() {
        return if number == u64::MAX {
            Value::Null
        } else {
            Value::from(number)
        };
    }
    if let Ok(time) = value.get::<Option<gst::ClockTime>>() {
        return time.map_or(Value::Null, |time| Value::from(time.nseconds()));
    }
    if let Ok(structure) = value.get::<gst::Structure>() {
        let mut fields = Entry::new();
        extend(&mut fields, &structure);
        return Value::Object(fields);
    }
    if let Ok(array) = value.get::<gst::Array>() {
        return array.iter().map(|value| json(value)).collect();
    }
    if let Ok(list) = value.get::<gst::List>() {
        return list.iter().map(|value| json(value)).collect();
    }
    None.or_else(|| value.get::<i64>().ok().map(Value::from))
        .or_else(|| value.get::<u32>().ok().map(Value::from))
        .or_else(|| value.get::<i32>().ok().map(Value::from))
        .or_else(|| value.get::<f64>().ok().map(Value::from))
        .or_else(|| value.get::<bool>().ok().map(Value::from))
        .or_else(|| value.get::<Option<String>>().ok().map(Value::from))
        .unwrap_or_else(|| {
            value
                .serialize()
                .map_or(Value::Null, |text| Value::from(text.as_str()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_an_object_with_units_and_nested_parts() {
        gst::init().unwrap();
        let candidate = gst::Structure::builder("candidate")
            .field("name", "a\"<b>")
            .field("runs", 3u64)
            .build();
        let message = gst::Structure::builder("avrec/probe")
            .field("pts", 40_000_000u64)
            .field("running-time", u64::MAX)
            .field("psnr-db", f64::INFINITY)
            .field("ssim", 0.5)
            .field("late", true)
            .field("candidates", gst::Array::new([candidate]))
            .build();
        let mut line = entry("probe");
        extend(&mut line, &message);
        let expected = serde_json::json!({
            "type": "probe", "pts-ns": 40_000_000, "running-time-ns": null, "psnr-db": null, "ssim": 0.5,
            "late": true, "candidates": [{"name": "a\"<b>", "runs": 3}],
        });
        assert_eq!(Value::Object(line), expected);
    }

    #[test]
    fn a_full_disk_is_an_error_at_the_end_and_never_a_wait() {
        let log = Log::create(Path::new("/dev/full")).unwrap();
        for _ in 0..10_000 {
            log.write(entry("frame"));
        }
        assert_eq!(log.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
