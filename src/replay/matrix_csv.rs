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

use std::fmt;
use std::io::{self, BufRead, Write};

use super::{Cell, Column, Matrix};

/// Largest number of candidates that a file may have; a bound for hostile input.
const MOST_CANDIDATES: usize = 256;

/// Longest time in milliseconds that anything may take, one day; a bound for hostile input.
const LONGEST_MS: f64 = 86_400_000.0;

/// What is wrong with a matrix file, and where; lines and columns count from 1, a column is a field.
#[derive(Debug)]
pub struct MatrixError {
    pub line: usize,
    pub column: usize,
    pub cause: String,
}

impl fmt::Display for MatrixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.cause)
    }
}

impl std::error::Error for MatrixError {}

fn wrong<T>(line: usize, column: usize, cause: impl Into<String>) -> Result<T, MatrixError> {
    Err(MatrixError {
        line,
        column,
        cause: cause.into(),
    })
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
        if !is_ours {
            return Ok(());
        }
        match value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && 0.0 <= number => {
                self.all.push((line, key.to_string(), number));
                Ok(())
            }
            _ => wrong(
                line,
                1,
                format!("{key} is '{}'; give a number of 0 or more", value.trim()),
            ),
        }
    }

    fn get(&self, key: &str) -> Option<f64> {
        self.all.iter().rev().find(|it| it.1 == key).map(|it| it.2)
    }

    /// A key that names no candidate of the header, or a share that is none.
    fn check(&self, names: &[&str]) -> Result<(), MatrixError> {
        for (line, key, value) in &self.all {
            let name = key
                .strip_suffix(".prior")
                .or_else(|| key.strip_suffix(".baseline_ms"));
            if name.is_some_and(|it| !names.contains(&it)) {
                return wrong(
                    *line,
                    1,
                    format!(
                        "{key} names no candidate of the header; known: {}",
                        names.join(", ")
                    ),
                );
            }
            if (key.ends_with(".prior") || key == "floor") && 1.0 < *value {
                return wrong(*line, 1, format!("{key} is {value}; a quality lies in 0 to 1"));
            }
            if key.ends_with("_ms") && !(0.0 < *value && *value <= LONGEST_MS) {
                return wrong(
                    *line,
                    1,
                    format!("{key} is {value}; give a time above 0 and of at most a day"),
                );
            }
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
pub fn read(file: impl BufRead) -> Result<Matrix, MatrixError> {
    read_timed(file, Timing::default())
}

/// Reads a matrix as [`read`] does, with another budget or period than the file's.
pub fn read_timed(file: impl BufRead, timing: Timing) -> Result<Matrix, MatrixError> {
    let mut remarks = Remarks::default();
    let mut header: Option<Vec<String>> = None;
    let mut times = Vec::new();
    let mut rows: Vec<Cell> = Vec::new();
    for (index, line) in file.lines().enumerate() {
        let number = index + 1;
        let line = match line {
            Ok(line) => line,
            Err(error) => return wrong(number, 1, format!("cannot be read: {error}")),
        };
        let text = line.trim_start_matches('\u{feff}').trim_end();
        match &header {
            _ if text.is_empty() => {}
            None if text.starts_with('#') => remarks.read(number, text)?,
            None => header = Some(names(number, text)?),
            Some(_) if text.starts_with('#') => {}
            Some(names) => {
                let (time, cells) = row(number, text, names, times.last().copied())?;
                times.push(time);
                rows.extend(cells);
            }
        }
    }
    let Some(names) = header else {
        return wrong(1, 1, "there is no header line; it begins with t_ms");
    };
    if times.is_empty() {
        return wrong(
            1,
            1,
            "there is no frame: add at least one row after the header line",
        );
    }
    let plain: Vec<&str> = names.iter().map(String::as_str).collect();
    remarks.check(&plain)?;
    let known = timing.period_ms.or_else(|| remarks.get("period_ms"));
    let period = match known.or_else(|| median_step(&times)) {
        Some(period) => period,
        None => {
            return wrong(
                1,
                1,
                "one row tells no period: add the line '# period_ms: 40' with your own",
            );
        }
    };
    let budget = timing
        .budget_ms
        .or_else(|| remarks.get("budget_ms"))
        .unwrap_or(period);
    let columns = names
        .iter()
        .map(|name| Column {
            name: name.clone(),
            prior: remarks.get(&format!("{name}.prior")),
            baseline_ms: remarks.get(&format!("{name}.baseline_ms")),
        })
        .collect();
    let mut matrix = Matrix::new(columns, budget, period);
    matrix.floor = remarks.get("floor").unwrap_or(0.0);
    matrix.push(rows);
    Ok(matrix)
}

/// Names of the candidates that the header line gives.
fn names(line: usize, text: &str) -> Result<Vec<String>, MatrixError> {
    let mut fields = text.split(',').map(str::trim);
    if fields.next() != Some("t_ms") {
        return wrong(line, 1, "the header line begins with t_ms");
    }
    let fields: Vec<&str> = fields.collect();
    if fields.is_empty() {
        return wrong(
            line,
            2,
            "there is no candidate: add NAME.latency_ms and NAME.quality",
        );
    }
    let mut names: Vec<String> = Vec::new();
    for (index, pair) in fields.chunks(2).enumerate() {
        let column = 2 + 2 * index;
        let Some(name) = pair[0].strip_suffix(".latency_ms").filter(|it| !it.is_empty()) else {
            return wrong(line, column, format!("'{}' should be NAME.latency_ms", pair[0]));
        };
        let expected = format!("{name}.quality");
        if pair.get(1) != Some(&expected.as_str()) {
            return wrong(
                line,
                column + 1,
                format!("{name}.latency_ms is followed by {expected}"),
            );
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

/// Arrival and cells of one row.
fn row(
    line: usize,
    text: &str,
    names: &[String],
    last: Option<f64>,
) -> Result<(f64, Vec<Cell>), MatrixError> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    let expected = 1 + 2 * names.len();
    if fields.len() != expected {
        let column = fields.len().min(expected) + usize::from(expected < fields.len());
        return wrong(
            line,
            column,
            format!("{} fields instead of the header's {expected}", fields.len()),
        );
    }
    let number = |index: usize, what: &str| match fields[index].parse::<f64>() {
        Ok(number) if number.is_finite() && 0.0 <= number => Ok(number),
        _ => wrong(
            line,
            index + 1,
            format!("{what} is '{}'; give a number of 0 or more", fields[index]),
        ),
    };
    let time = number(0, "t_ms")?;
    if let Some(last) = last.filter(|it| time < *it) {
        return wrong(line, 1, format!("t_ms goes back from {last} to {time}"));
    }
    let mut cells = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let column = 1 + 2 * index;
        let latency_ms = number(column, &format!("{name}.latency_ms"))?;
        if LONGEST_MS < latency_ms {
            return wrong(
                line,
                column + 1,
                format!(
                    "{name}.latency_ms is '{}'; give at most a day, {LONGEST_MS}",
                    fields[column]
                ),
            );
        }
        let quality = number(column + 1, &format!("{name}.quality"))?;
        if 1.0 < quality {
            return wrong(
                line,
                column + 2,
                format!("{name}.quality is {quality}; a quality lies in 0 to 1"),
            );
        }
        cells.push(Cell { latency_ms, quality });
    }
    Ok((time, cells))
}

fn median_step(times: &[f64]) -> Option<f64> {
    let mut steps: Vec<f64> = times
        .windows(2)
        .map(|it| it[1] - it[0])
        .filter(|it| 0.0 < *it)
        .collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied()
}

/// Writes a matrix as [`read`] takes it.
pub fn write(matrix: &Matrix, mut file: impl Write) -> io::Result<()> {
    writeln!(file, "# budget_ms: {}", matrix.budget_ms)?;
    writeln!(file, "# period_ms: {}", matrix.period_ms)?;
    if 0.0 < matrix.floor {
        writeln!(file, "# floor: {}", matrix.floor)?;
    }
    for column in &matrix.columns {
        if let Some(prior) = column.prior {
            writeln!(file, "# {}.prior: {prior}", column.name)?;
        }
        if let Some(baseline) = column.baseline_ms {
            writeln!(file, "# {}.baseline_ms: {baseline}", column.name)?;
        }
    }
    write!(file, "t_ms")?;
    for column in &matrix.columns {
        write!(file, ",{0}.latency_ms,{0}.quality", column.name)?;
    }
    writeln!(file)?;
    for frame in 0..matrix.frames() {
        write!(file, "{:.3}", frame as f64 * matrix.period_ms)?;
        for cell in matrix.row(frame) {
            write!(file, ",{:.3},{:.4}", cell.latency_ms, cell.quality)?;
        }
        writeln!(file)?;
    }
    Ok(())
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
