// SPDX-License-Identifier: MPL-2.0

//! Lines for a person. A closed terminal or pipe must not end a run, so a failed write is left alone.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lines that stand last on the terminal and are written anew by the next [`redraw`].
static REDRAWN: AtomicUsize = AtomicUsize::new(0);

/// A line on stdout.
pub fn say(text: &str) {
    REDRAWN.store(0, Ordering::Relaxed);
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line on stderr, with the program's name.
pub fn warn(text: &str) {
    REDRAWN.store(0, Ordering::Relaxed);
    let _ = writeln!(std::io::stderr(), "avrec: {text}");
}

/// Whole lines that stay, and a block that takes the place of the last one where that is what stands last on a terminal.
/// Elsewhere each block follows the one before.
pub fn redraw(stay: &str, block: &str) {
    let mut out = std::io::stdout().lock();
    if !out.is_terminal() {
        let _ = writeln!(out, "{stay}{block}");
        return;
    }
    let lines = block.lines().count();
    let old = match REDRAWN.swap(lines, Ordering::Relaxed) {
        0 => String::new(),
        old => format!("\x1b[{old}A\x1b[J"),
    };
    // A line that is too long is cut, so that a line is a row.
    let _ = writeln!(out, "{old}{stay}\x1b[?7l{block}\x1b[?7h");
}

/// Columns of a terminal that a line may take.
pub const WIDTH: usize = 100;

/// The rows as lines whose cells stand one below the other, all to the left.
pub fn left_aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The rows as lines whose cells stand one below the other: the first to the left, all others to the right.
pub fn aligned(rows: &[impl AsRef<[String]>]) -> String {
    let rows = || rows.iter().map(AsRef::as_ref);
    let mut widths = vec![0; rows().map(<[String]>::len).max().unwrap_or_default()];
    for row in rows() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // Two blanks between columns where there is room, else one.
    let natural = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    let gap = if natural <= WIDTH { "  " } else { " " };
    let lines = rows().map(|row| {
        let mut line = String::new();
        for (position, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line += &match position {
                0 => format!("{cell:<width$}"),
                _ => format!("{gap}{cell:>width$}"),
            };
        }
        line.trim_end().to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}
