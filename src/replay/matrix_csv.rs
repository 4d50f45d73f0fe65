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
            || key.ends_with(".baseline_ms");
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
                .or_else(|| key.strip_suffix(".baseline_ms"));
            let cause = if name.is_some_and(|name| names.iter().all(|it| it != name)) {
                let known = names.join(", ");
                format!("{key} names no candidate of the header; known: {known}")
            } else if (key.ends_with(".prior") || key == "floor") && 1.0 < *value {
                format!("{key} is {value}; a quality lies in 0 to 1")
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
    let mut header: Option<Vec<String>> = None;
    let mut times = Vec::new();
    let mut rows: Vec<Cell> = Vec::new();
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
            None => header = Some(names(line, &record)?),
            Some(_) if first.starts_with('#') => {}
            Some(names) => {
                let time = row(line, &record, names, &mut rows)?;
                if let Some(last) = times.last().filter(|it| time < **it) {
                    return wrong(line, 1, format!("t_ms goes back from {last} to {time}"));
                }
                times.push(time);
            }
        }
    }
    let Some(names) = header else {
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
        name,
    });
    let mut matrix = Matrix::new(columns.collect(), budget.unwrap_or(period), period);
    matrix.floor = remarks.get("floor").unwrap_or(0.0);
    matrix.push(rows);
    Ok(matrix)
}

/// Names of the candidates that the header line gives.
fn names(line: usize, record: &StringRecord) -> Result<Vec<String>, MatrixError> {
    if record.get(0) != Some("t_ms") {
        return wrong(line, 1, "the header line begins with t_ms");
    }
    let fields: Vec<&str> = record.iter().skip(1).collect();
    if fields.is_empty() {
        let cause = "there is no candidate: add NAME.latency_ms and NAME.quality";
        return wrong(line, 2, cause);
    }
    let mut names: Vec<String> = Vec::new();
    for (index, pair) in fields.chunks(2).enumerate() {
        let column = 2 + 2 * index;
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
    Ok(names)
}

/// Adds the cells of one row, and returns when its frame arrived.
fn row(
    line: usize,
    record: &StringRecord,
    names: &[String],
    cells: &mut Vec<Cell>,
) -> Result<f64, MatrixError> {
    let (count, expected) = (record.len(), 1 + 2 * names.len());
    if count != expected {
        let column = count.min(expected) + usize::from(expected < count);
        let cause = format!("{count} fields instead of the header's {expected}");
        return wrong(line, column, cause);
    }
    let time = number(line, 1, "t_ms", &record[0])?;
    for (index, name) in names.iter().enumerate() {
        let field = 1 + 2 * index;
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
    } in &matrix.columns
    {
        for (key, value) in [("prior", prior), ("baseline_ms", baseline_ms)] {
            if let Some(value) = value {
                writer.write_record([format!("# {name}.{key}: {value}")])?;
            }
        }
    }
    let names = matrix.columns.iter().map(|it| &it.name);
    let fields = names.flat_map(|it| [format!("{it}.latency_ms"), format!("{it}.quality")]);
    writer.write_record(std::iter::once("t_ms".to_string()).chain(fields))?;
    for frame in 0..matrix.frames() {
        let time = format!("{:.3}", frame as f64 * matrix.period_ms);
        let cells = matrix.row(frame).iter();
        let fields = cells.flat_map(|it| [format!("{:.3}", it.latency_ms), format!("{:.4}", it.quality)]);
        writer.write_record(std::iter::once(time).chain(fields))?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: &str = "# budget_ms: 30\n# a.prior: 0.5\n# recorded on a Sunday\nt_ms,a.latency_ms,a.quality\n0,1.5,0.5\n40,2,0.25\n";

    #[test]
    fn a_matrix_is_read_with_its_remarks() {
        let matrix = read(FINE.as_bytes()).unwrap();
        assert_eq!(
            (matrix.frames(), matrix.budget_ms, matrix.period_ms),
            (2, 30.0, 40.0)
        );
        assert_eq!(matrix.columns[0].prior, Some(0.5));
        assert_eq!(matrix.columns[0].baseline_ms, None);
        assert_eq!(matrix.cell(1, 0).quality, 0.25);
    }

    #[test]
    fn a_reader_may_know_better() {
        let timing = Timing {
            budget_ms: Some(12.0),
            period_ms: Some(16.0),
        };
        let matrix = read_timed(FINE.as_bytes(), timing).unwrap();
        assert_eq!((matrix.budget_ms, matrix.period_ms), (12.0, 16.0));
        // One row tells no period, and without a budget that is the period.
        let period = Timing {
            budget_ms: None,
            ..timing
        };
        let matrix = read_timed("t_ms,a.latency_ms,a.quality\n0,1,1\n".as_bytes(), period).unwrap();
        assert_eq!((matrix.budget_ms, matrix.period_ms), (16.0, 16.0));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let matrix = read(FINE.as_bytes()).unwrap();
        let mut file = Vec::new();
        write(&matrix, &mut file).unwrap();
        assert_eq!(read(file.as_slice()).unwrap(), matrix);
    }

    #[test]
    fn a_name_may_be_anything() {
        let mut matrix = read(FINE.as_bytes()).unwrap();
        matrix.columns[0].name = "large, \"fast\"".to_string();
        let mut file = Vec::new();
        write(&matrix, &mut file).unwrap();
        assert_eq!(read(file.as_slice()).unwrap(), matrix);
    }

    #[test]
    fn a_file_of_another_system_tells_the_same_lines() {
        let file =
            "\u{feff}# budget_ms: 30\r\n\r\nt_ms, a.latency_ms, a.quality\r\n\r\n0, 1, 1\r\n\r\n40, soon, 1";
        let error = read(file.as_bytes()).unwrap_err().to_string();
        assert!(
            error.starts_with("line 7, column 2: a.latency_ms is 'soon'"),
            "{error}"
        );
        assert_eq!(
            read(file.replace("soon", "2").as_bytes()).unwrap().budget_ms,
            30.0
        );
        let error = read(&b"t_ms,a.latency_ms,a.quality\n0,1,1\n40,\xff,1\n"[..]).unwrap_err();
        assert!(
            error.to_string().starts_with("line 3, column 1: cannot be read"),
            "{error}"
        );
    }

    #[test]
    fn an_error_names_line_column_and_remedy() {
        let cases = [
            ("", "line 1, column 1: there is no header line"),
            ("t_ms\n", "line 1, column 2: there is no candidate"),
            (
                "time,a.latency_ms,a.quality\n",
                "line 1, column 1: the header line begins with t_ms",
            ),
            (
                "t_ms,a.latency,a.quality\n",
                "line 1, column 2: 'a.latency' should be NAME.latency_ms",
            ),
            (
                "t_ms,a.latency_ms,b.quality\n",
                "line 1, column 3: a.latency_ms is followed by a.quality",
            ),
            (
                "t_ms,a.latency_ms,a.quality,a.latency_ms,a.quality\n",
                "line 1, column 4: candidate a is there twice",
            ),
            ("t_ms,a.latency_ms,a.quality\n", "there is no frame"),
            (
                "t_ms,a.latency_ms,a.quality\n0,1\n",
                "line 2, column 2: 2 fields instead of the header's 3",
            ),
            (
                "t_ms,a.latency_ms,a.quality\n0,1,1,1\n",
                "line 2, column 4: 4 fields",
            ),
            (
                "t_ms,a.latency_ms,a.quality\n0,fast,1\n",
                "line 2, column 2: a.latency_ms is 'fast'",
            ),
            ("t_ms,a.latency_ms,a.quality\n0,-1,1\n", "line 2, column 2"),
            (
                "t_ms,a.latency_ms,a.quality\n0,1e300,1\n",
                "line 2, column 2: a.latency_ms is '1e300'",
            ),
            (
                "t_ms,a.latency_ms,a.quality\n0,1,NaN\n",
                "line 2, column 3: a.quality is 'NaN'",
            ),
            (
                "t_ms,a.latency_ms,a.quality\n0,1,1.5\n",
                "line 2, column 3: a.quality is 1.5",
            ),
            (
                "t_ms,a.latency_ms,a.quality\n40,1,1\n0,1,1\n",
                "line 3, column 1: t_ms goes back from 40 to 0",
            ),
            ("# budget_ms: soon\n", "line 1, column 1: budget_ms is 'soon'"),
            (
                "# b.prior: 0.5\nt_ms,a.latency_ms,a.quality\n0,1,1\n40,1,1\n",
                "line 1, column 1: b.prior names no candidate of the header; known: a",
            ),
            (
                "# period_ms: 0\nt_ms,a.latency_ms,a.quality\n0,1,1\n",
                "line 1, column 1: period_ms is 0",
            ),
            ("t_ms,a.latency_ms,a.quality\n0,1,1\n", "one row tells no period"),
        ];
        for (file, expected) in cases {
            let error = read(file.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{file:?}: {error}");
        }
    }
}
