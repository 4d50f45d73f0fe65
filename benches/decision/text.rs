// SPDX-License-Identifier: MPL-2.0

//! Tables of words.

use gstavrec::replay::Interval;

/// Prints rows with their columns aligned: the first to the left, the others to the right.
pub fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|it| it.get(column));
        cells.map(|it| it.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line += &if column == 0 {
                format!("{cell:<width$}")
            } else {
                format!("  {cell:>width$}")
            };
        }
        println!("{}", line.trim_end());
    }
}

pub fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|it| it.to_string()).collect()
}

/// A share in percent with one digit after the point.
pub fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// A mean share in percent with its interval.
pub fn interval(of: Interval) -> String {
    format!(
        "{} ({} to {})",
        percent(of.mean),
        percent(of.low),
        percent(of.high)
    )
}
