// SPDX-License-Identifier: MPL-2.0

//! The matrix of a recording: what every candidate made of every frame, as CSV, one row a frame.
//!
//! Each row is in the file before the next frame's is made, so an interrupted recording is a shorter one.
//! A file that cannot be written any more is told once; the run goes on without it.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use gstavrec::bounded_file;
use gstavrec::messages::{Survey, Surveyed};
use gstavrec::quantile::median;

use crate::console::warn;

/// Frames that are waited for before the head is written: enough for a median that two slow ones do not move.
const BASELINE_FRAMES: usize = 20;

/// Latency of an answer that did not come: as long as the switch waits for one.
const NO_ANSWER: Duration = Duration::from_secs(10);

/// Where surveys go; `Matrix::none()` takes them and forgets them.
#[derive(Default)]
pub struct Matrix {
    writer: RefCell<Option<Writer<File>>>,
}

impl Matrix {
    pub fn none() -> Matrix {
        Matrix::default()
    }

    pub fn create(path: &Path) -> io::Result<Matrix> {
        let writer = Writer::new(bounded_file::create(path)?);
        Ok(Matrix {
            writer: RefCell::new(Some(writer)),
        })
    }

    /// Adds the row of one frame.
    pub fn add(&self, survey: Survey) {
        if let Some(writer) = self.writer.borrow_mut().as_mut() {
            writer.add(survey);
        }
    }

    /// Writes what is held back still, and returns the number of rows; an error if not all were written.
    pub fn finish(self) -> io::Result<u64> {
        self.writer.into_inner().map_or(Ok(0), Writer::finish)
    }
}

/// What the rows have beside the time.
struct Columns {
    /// Whether the machine says how long things wait.
    is_sensed: bool,
    candidates: Vec<Column>,
}

/// The two columns of a candidate.
struct Column {
    candidate: String,
    /// The last quality that was known.
    quality: f64,
}

struct Writer<W> {
    out: W,
    /// Once the head is written; no longer than that may rows be held back.
    columns: Option<Columns>,
    held: Vec<Survey>,
    rows: u64,
    error: Option<io::Error>,
    told_incomparable: bool,
}

impl<W: Write> Writer<W> {
    fn new(out: W) -> Writer<W> {
        Writer {
            out,
            columns: None,
            held: Vec::with_capacity(BASELINE_FRAMES),
            rows: 0,
            error: None,
            told_incomparable: false,
        }
    }

    fn add(&mut self, survey: Survey) {
        self.tell_incomparable(&survey);
        self.held.push(survey);
        if self.columns.is_some() || self.held.len() == BASELINE_FRAMES {
            self.write_held();
        }
    }

    fn finish(mut self) -> io::Result<u64> {
        self.write_held();
        self.error.map_or(Ok(self.rows), Err)
    }

    /// Writes the frames held back; the first time below the head, which is made of them.
    fn write_held(&mut self) {
        let Some(first) = self.held.first() else { return };
        let mut text = String::new();
        let columns = self.columns.get_or_insert_with(|| {
            text = head(&self.held, first);
            let column = |it: &Surveyed| Column {
                candidate: it.name.clone(),
                quality: it.prior.unwrap_or(0.0),
            };
            Columns {
                is_sensed: is_sensed(&self.held),
                candidates: first.candidates.iter().map(column).collect(),
            }
        });
        for survey in &self.held {
            text += &row(survey, self.rows, columns);
            self.rows += 1;
        }
        self.held.clear();
        if self.error.is_some() {
            return;
        }
        if let Err(error) = self.out.write_all(text.as_bytes()) {
            warn(&format!(
                "warning: the matrix ends here, the run goes on: {error}"
            ));
            self.error = Some(error);
        }
    }

    /// Warns once when there is an answer that the reference's says nothing about.
    fn tell_incomparable(&mut self, survey: &Survey) {
        let reference = of(survey, &survey.reference).and_then(|it| it.latency);
        if self.told_incomparable || reference.is_none() {
            return;
        }
        let is_incomparable =
            |it: &&Surveyed| it.name != survey.reference && it.latency.is_some() && it.agreement.is_none();
        if let Some(other) = survey.candidates.iter().find(is_incomparable) {
            self.told_incomparable = true;
            warn(&format!(
                "warning: the answers of {} and of the reference, {}, cannot be compared \
                 (are they raw video?); its prior, or else 0, stands for its quality",
                other.name, survey.reference
            ));
        }
    }
}

/// The comment lines and the header line.
fn head(surveys: &[Survey], first: &Survey) -> String {
    let mut text = format!("# budget_ms: {}\n", millis(first.budget));
    let times = surveys
        .iter()
        .filter_map(|it| it.running_time.map(Duration::from));
    let steps = times
        .clone()
        .zip(times.skip(1))
        .map(|(one, next)| next.saturating_sub(one));
    let period = median(steps).unwrap_or(first.budget);
    let _ = writeln!(text, "# period_ms: {}", millis(period));
    for candidate in &first.candidates {
        let name = clean(&candidate.name);
        if let Some(prior) = candidate.prior {
            let _ = writeln!(text, "# {name}.prior: {prior}");
        }
        let latencies = surveys.iter().filter_map(|it| of(it, &candidate.name)?.latency);
        if let Some(baseline) = median(latencies) {
            let _ = writeln!(text, "# {name}.baseline_ms: {}", millis(baseline));
        }
    }
    text.push_str(if is_sensed(surveys) {
        "t_ms,pressure"
    } else {
        "t_ms"
    });
    for candidate in &first.candidates {
        let name = clean(&candidate.name);
        let _ = write!(text, ",{name}.latency_ms,{name}.quality");
    }
    text.push('\n');
    text
}

/// Whether the machine says how long things wait; it does from the second or third frame on.
fn is_sensed(surveys: &[Survey]) -> bool {
    surveys.iter().any(|it| it.waiting.is_some())
}

fn row(survey: &Survey, number: u64, columns: &mut Columns) -> String {
    // A stream without time stamps is taken as one frame each budget.
    let at = survey
        .running_time
        .map(Duration::from)
        .unwrap_or_else(|| survey.budget.mul_f64(number as f64));
    let mut text = millis(at);
    if columns.is_sensed {
        // A frame without a reading is not a calm one.
        let told = survey.waiting.map(|it| format!("{it:.3}"));
        let _ = write!(text, ",{}", told.unwrap_or_default());
    }
    for column in &mut columns.candidates {
        let answered = of(survey, &column.candidate).filter(|it| it.latency.is_some());
        if let Some(quality) = answered.and_then(|it| quality(survey, it)) {
            column.quality = quality;
        }
        let quality = answered.map_or(0.0, |_| column.quality);
        let latency = answered.and_then(|it| it.latency).unwrap_or(NO_ANSWER);
        let _ = write!(text, ",{},{quality:.5}", millis(latency));
    }
    text.push('\n');
    text
}

/// Agreement with the reference times the reference's own quality, which is its prior, or else 1; `None`
/// where nothing could be compared.
fn quality(survey: &Survey, candidate: &Surveyed) -> Option<f64> {
    let reference = of(survey, &survey.reference).and_then(|it| it.prior);
    let agreement = match candidate.agreement {
        None if candidate.name == survey.reference => Some(1.0),
        agreement => agreement,
    };
    Some((agreement? * reference.unwrap_or(1.0)).clamp(0.0, 1.0))
}

/// What the candidate of that name made of the frame.
fn of<'a>(survey: &'a Survey, name: &str) -> Option<&'a Surveyed> {
    survey.candidates.iter().find(|it| it.name == name)
}

/// A name without what has a meaning in the file.
fn clean(name: &str) -> String {
    let is_special = |it: char| matches!(it, ',' | ':' | '"' | '#') || it.is_control();
    name.replace(is_special, "_")
}

/// Milliseconds with three digits after the point.
fn millis(duration: Duration) -> String {
    format!("{:.3}", 1000.0 * duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, prior, milliseconds and agreement.
    type Found<'a> = (&'a str, Option<f64>, Option<u64>, Option<f64>);

    /// The survey of frame `number` at 25 frames a second.
    fn survey(number: u64, candidates: &[Found]) -> Survey {
        let candidates = candidates.iter().map(|it| Surveyed {
            name: it.0.to_string(),
            prior: it.1,
            latency: it.2.map(Duration::from_millis),
            agreement: it.3,
        });
        Survey {
            frame: number,
            pts: None,
            running_time: Some(gst::ClockTime::from_mseconds(40 * number)),
            budget: Duration::from_millis(33),
            reference: "large".to_string(),
            waiting: None,
            candidates: candidates.collect(),
        }
    }

    fn written(surveys: impl IntoIterator<Item = Survey>) -> String {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        surveys.into_iter().for_each(|it| writer.add(it));
        writer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_has_the_latency_and_the_quality_of_each_answer() {
        let text = written([
            survey(
                0,
                &[
                    ("a,b", None, Some(2), Some(0.5)),
                    ("large", Some(0.9), Some(30), None),
                ],
            ),
            survey(
                1,
                &[("a,b", None, None, None), ("large", Some(0.9), Some(31), None)],
            ),
            survey(
                2,
                &[("a,b", None, Some(4), None), ("large", Some(0.9), None, None)],
            ),
        ]);
        let expected = "# budget_ms: 33.000\n# period_ms: 40.000\n# a_b.baseline_ms: 2.000\n# large.prior: 0.9\n\
             # large.baseline_ms: 30.000\nt_ms,a_b.latency_ms,a_b.quality,large.latency_ms,large.quality\n\
             0.000,2.000,0.45000,30.000,0.90000\n40.000,10000.000,0.00000,31.000,0.90000\n\
             80.000,4.000,0.45000,10000.000,0.00000\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_frame_without_a_reading_is_not_a_calm_one() {
        let at = |number, waiting| Survey {
            waiting,
            ..survey(number, &[("large", None, Some(1), None)])
        };
        let text = written([at(0, None), at(1, Some(0.0)), at(2, Some(0.5)), at(3, None)]);
        let rows = text.lines().skip_while(|it| !it.starts_with("t_ms,pressure,"));
        let told: Vec<_> = rows.skip(1).filter_map(|it| it.split(',').nth(1)).collect();
        assert_eq!(told, ["", "0.000", "0.500", ""], "{text}");
    }

    #[test]
    fn the_baseline_is_that_of_the_first_frames_and_later_rows_come_at_once() {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        for number in 0..30 {
            let latency = if number < 20 { 10 + number % 3 } else { 90 };
            writer.add(survey(number, &[("large", None, Some(latency), None)]));
        }
        assert_eq!((writer.rows, writer.held.len()), (30, 0));
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("# large.baseline_ms: 11.000\n"), "{text}");
        assert!(text.ends_with("\n1160.000,90.000,1.00000\n"), "{text}");
    }

    #[test]
    fn a_full_disk_is_an_error_at_the_end() {
        let matrix = Matrix::create(Path::new("/dev/full")).unwrap();
        for number in 0..30 {
            matrix.add(survey(number, &[("large", None, Some(1), None)]));
        }
        assert_eq!(matrix.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn without_a_frame_there_is_no_head() {
        assert_eq!(written([]), "");
    }
}
