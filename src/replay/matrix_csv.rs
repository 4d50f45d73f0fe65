// SPDX-License-Identifier: MPL-2.0

//! Matrices as files: CSV with a header line, one row a frame.
//!
//! ```text
//! # budget_ms: 40
//! # period_ms: 40
//! # small.prior: 0.91
//! # small.baseline_ms: 2.4
//! t_ms,small.latency_ms,small.quality,large.latency_ms,large.quality
//! 0,2.51,0.90,27.3,0.94
//! ```
//!
//! `# large.device: 1` says that a candidate does not run on the processor, but on another device, by a number of your choice.
//! A column `pressure` behind `t_ms`, which need not be there, says what the machine told as the frame arrived: for which
//! share of its time a run had to expect to wait for a processor, 0 to 1. An empty field says that it told nothing.

use std::io::{self, Read, Write};

use csv::{ReaderBuilder, StringRecord, Terminator, Trim, WriterBuilder};

use super::{Cell, Column, Matrix};
use crate::quantile::median;

/// Largest number of candidates that a file may have; a bound for hostile input.
const MOST_CANDIDATES: usize = 256;

/// Longest time in milliseconds that anything may take, one day; a bound for hostile input.
const LONGEST_MS: f64 = 86_400_000.0;

/// What is wrong with a matrix file, and where; lines and columns count from 1, a column is a field.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {column}: {cause}")]
pub struct MatrixError {
    pub line: usize,
    pub column: usize,
    pub cause: String,
}

fn wrong<T>(line: usize, column: usize, cause: impl Into<String>) -> Result<T, MatrixError> {
    Err(MatrixError {
        line,
        column,
        cause: cause.into(),
    })
}

/// A finite number of 0 or more.
fn number(line: usize, column: usize, what: &str, text: &str) -> Result<f64, MatrixError> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && 0.0 <= number => Ok(number),
        _ => {
            let cause = format!("{what} is '{text}'; give a number of 0 or more");
            wrong(line, column, cause)
        }
    }
}

/// What the leading comment lines say.
#[derive(Debug, Default)]
struct Remarks {
    /// Line, key and value.
    all: Vec<(usize, String, f64)>,
}

impl Remarks {
    /// Takes `# key: value`; a comment of any other form is a remark for people.
    fn read(&mut self, line: usize, text: &str) -> Result<(), MatrixError> {
        let Some((key, value)) = text.trim_start_matches('#').split_once(':') else {
            return Ok(());
        };
        let key = key.trim();
        let is_ours = matches!(key, "budget_ms" | "period_ms" | "floor")
            || key.ends_with(".prior")
            || key.ends_with(".baseline_ms")
            || key.ends_with(".device");
        if is_ours {
            let value = number(line, 1, key, value.trim())?;
            self.all.push((line, key.to_string(), value));
        }
        Ok(())
    }

    fn get(&self, key: &str) -> Option<f64> {
        self.all.iter().rev().find(|it| it.1 == key).map(|it| it.2)
    }

    /// A key that names no candidate of the header, or a share that is none.
    fn check(&self, names: &[String]) -> Result<(), MatrixError> {
        for (line, key, value) in &self.all {
            let name = key
                .strip_suffix(".prior")
                .or_else(|| key.strip_suffix(".baseline_ms"))
                .or_else(|| key.strip_suffix(".device"));
            let cause = if name.is_some_and(|name| names.iter().all(|it| it != name)) {
                let known = names.join(", ");
                format!("{key} names no candidate of the header; known: {known}")
            } else if (key.ends_with(".prior") || key == "floor") && 1.0 < *value {
                format!("{key} is {value}; a quality lies in 0 to 1")
            } else if key.ends_with(".device") && !(value.fract() == 0.0 && *value < MOST_CANDIDATES as f64) {
                format!("{key} is {value}; give 0 for the processor, or the number of another device")
            } else if key.ends_with("_ms") && !(0.0 < *value && *value <= LONGEST_MS) {
                format!("{key} is {value}; give a time above 0 and of at most a day")
            } else {
                continue;
            };
            return wrong(*line, 1, cause);
        }
        Ok(())
    }
}

/// What a reader knows better than the file; `None` leaves it to the file.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Timing {
    pub budget_ms: Option<f64>,
    pub period_ms: Option<f64>,
}

/// Reads a matrix.
///
/// Without `budget_ms` the budget is one period; without `period_ms` the period is the median step of `t_ms`.
pub fn read(file: impl Read) -> Result<Matrix, MatrixError> {
    read_timed(file, Timing::default())
}

/// Reads a matrix as [`read`] does, with another budget or period than the file's.
pub fn read_timed(file: impl Read, timing: Timing) -> Result<Matrix, MatrixError> {
    // Each record ends with a line, the last one too, so that the reader's position tells the line of a mistake.
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(file.chain(&b"\n"[..]));
    let mut record = StringRecord::new();
    let mut remarks = Remarks::default();
    let mut header: Option<Header> = None;
    let mut times = Vec::new();
    let mut rows: Vec<Cell> = Vec::new();
    let mut pressure = Vec::new();
    loop {
        let is_read = reader.read_record(&mut record);
        let line = (reader.position().line() as usize).saturating_sub(1).max(1);
        match is_read {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return wrong(line, 1, format!("cannot be read: {error}")),
        }
        let first = record.get(0).unwrap_or_default();
        match &header {
            _ if first.is_empty() && record.len() == 1 => {}
            None if first.starts_with('#') => remarks.read(line, first)?,
            None => header = Some(Header::read(line, &record)?),
            Some(_) if first.starts_with('#') => {}
            Some(header) => {
                let time = header.row(line, &record, &mut rows, &mut pressure)?;
                if let Some(last) = times.last().filter(|it| time < **it) {
                    return wrong(line, 1, format!("t_ms goes back from {last} to {time}"));
                }
                times.push(time);
            }
        }
    }
    let Some(Header { names, .. }) = header else {
        return wrong(1, 1, "there is no header line; it begins with t_ms");
    };
    if times.is_empty() {
        let cause = "there is no frame: add at least one row after the header line";
        return wrong(1, 1, cause);
    }
    remarks.check(&names)?;
    let known = timing.period_ms.or_else(|| remarks.get("period_ms"));
    let Some(period) = known.or_else(|| median_step(&times)) else {
        let cause = "one row tells no period: add the line '# period_ms: 40' with your own";
        return wrong(1, 1, cause);
    };
    let budget = timing.budget_ms.or_else(|| remarks.get("budget_ms"));
    let columns = names.into_iter().map(|name| Column {
        prior: remarks.get(&format!("{name}.prior")),
        baseline_ms: remarks.get(&format!("{name}.baseline_ms")),
        device: remarks.get(&format!("{name}.device")).unwrap_or(0.0) as usize,
        name,
    });
    let mut matrix = Matrix::new(columns.collect(), budget.unwrap_or(period), period);
    matrix.floor = remarks.get("floor").unwrap_or(0.0);
    matrix.push(rows);
    pressure.into_iter().for_each(|it| matrix.sense(it));
    Ok(matrix)
}

/// What the header line says of the columns.
struct Header {
    /// Names of the candidates.
    names: Vec<String>,
    has_pressure: bool,
}

impl Header {
    fn read(line: usize, record: &StringRecord) -> Result<Header, MatrixError> {
        if record.get(0) != Some("t_ms") {
            return wrong(line, 1, "the header line begins with t_ms");
        }
        let has_pressure = record.get(1) == Some("pressure");
        let before = 1 + usize::from(has_pressure);
        let fields: Vec<&str> = record.iter().skip(before).collect();
        if fields.is_empty() {
            let cause = "there is no candidate: add NAME.latency_ms and NAME.quality";
            return wrong(line, before + 1, cause);
        }
        let mut names: Vec<String> = Vec::new();
        for (index, pair) in fields.chunks(2).enumerate() {
            let column = before + 1 + 2 * index;
            let Some(name) = pair[0].strip_suffix(".latency_ms").filter(|it| !it.is_empty()) else {
                return wrong(line, column, format!("'{}' should be NAME.latency_ms", pair[0]));
            };
            let expected = format!("{name}.quality");
            if pair.get(1) != Some(&expected.as_str()) {
                let cause = format!("{name}.latency_ms is followed by {expected}");
                return wrong(line, column + 1, cause);
            }
            if names.iter().any(|it| it == name) {
                return wrong(line, column, format!("candidate {name} is there twice"));
            }
            names.push(name.to_string());
            if MOST_CANDIDATES < names.len() {
                return wrong(line, column, format!("more than {MOST_CANDIDATES} candidates"));
            }
        }
        Ok(Header { names, has_pressure })
    }

    /// Adds the cells of one row and what the machine said, and returns when its frame arrived.
    fn row(
        &self,
        line: usize,
        record: &StringRecord,
        cells: &mut Vec<Cell>,
        pressure: &mut Vec<Option<f64>>,
    ) -> Result<f64, MatrixError> {
        let before = 1 + usize::from(self.has_pressure);
        let (count, expected) = (record.len(), before + 2 * self.names.len());
        if count != expected {
            let column = count.min(expected) + usize::from(expected < count);
            let cause = format!("{count} fields instead of the header's {expected}");
            return wrong(line, column, cause);
        }
        let time = number(line, 1, "t_ms", &record[0])?;
        if self.has_pressure {
            pressure.push(share(line, &record[1])?);
        }
        for (index, name) in self.names.iter().enumerate() {
            let field = before + 2 * index;
            let latency_ms = number(line, field + 1, &format!("{name}.latency_ms"), &record[field])?;
            if LONGEST_MS < latency_ms {
                let given = &record[field];
                let cause = format!("{name}.latency_ms is '{given}'; give at most a day, {LONGEST_MS}");
                return wrong(line, field + 1, cause);
            }
            let quality = number(line, field + 2, &format!("{name}.quality"), &record[field + 1])?;
            if 1.0 < quality {
                let cause = format!("{name}.quality is {quality}; a quality lies in 0 to 1");
                return wrong(line, field + 2, cause);
            }
            cells.push(Cell { latency_ms, quality });
        }
        Ok(time)
    }
}

/// What the machine said, in the second column of a row; nothing where the field is empty.
fn share(line: usize, field: &str) -> Result<Option<f64>, MatrixError> {
    if field.is_empty() {
        return Ok(None);
    }
    let share = number(line, 2, "pressure", field)?;
    if 1.0 < share {
        return wrong(line, 2, format!("pressure is {share}; a share lies in 0 to 1"));
    }
    Ok(Some(share))
}

fn median_step(times: &[f64]) -> Option<f64> {
    let steps = times.windows(2).map(|it| it[1] - it[0]);
    median(steps.filter(|it| 0.0 < *it))
}

/// Writes a matrix as [`read`] takes it.
pub fn write(matrix: &Matrix, file: impl Write) -> io::Result<()> {
    let mut writer = WriterBuilder::new().flexible(true).from_writer(file);
    writer.write_record([format!("# budget_ms: {}", matrix.budget_ms)])?;
    writer.write_record([format!("# period_ms: {}", matrix.period_ms)])?;
    if 0.0 < matrix.floor {
        writer.write_record([format!("# floor: {}", matrix.floor)])?;
    }
    for Column {
        name,
        prior,
        baseline_ms,
        device,
    } in &matrix.columns
    {
        for (key, value) in [("prior", prior), ("baseline_ms", baseline_ms)] {
            if let Some(value) = value {
                writer.write_record([format!("# {name}.{key}: {value}")])?;
            }
        }
        if 0 < *device {
            writer.write_record([format!("# {name}.device: {device}")])?;
        }
    }
    let names = matrix.columns.iter().map(|it| &it.name);
    let fields = names.flat_map(|it| [format!("{it}.latency_ms"), format!("{it}.quality")]);
    let is_sensed = matrix.is_sensed();
    let sensed = is_sensed.then(|| "pressure".to_string());
    writer.write_record(std::iter::once("t_ms".to_string()).chain(sensed).chain(fields))?;
    for frame in 0..matrix.frames() {
        let time = format!("{:.3}", frame as f64 * matrix.period_ms);
        let cells = matrix.row(frame).iter();
        let fields = cells.flat_map(|it| [format!("{:.3}", it.latency_ms), format!("{:.4}", it.quality)]);
        let told = matrix.pressure(frame).map(|it| format!("{it:.3}"));
        let pressure = is_sensed.then(|| told.unwrap_or_default());
        writer.write_record(std::iter::once(time).chain(pressure).chain(fields))?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests;
