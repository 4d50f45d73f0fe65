// SPDX-License-Identifier: MPL-2.0

//! How far ranking is, in one line on stderr.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Tells about twice a second, on a terminal.
pub struct Progress {
    begun: Instant,
    told: Option<Instant>,
    is_shown: bool,
    what: String,
}

const OFTEN: Duration = Duration::from_millis(500);

impl Progress {
    pub fn new(is_quiet: bool) -> Progress {
        Progress {
            begun: Instant::now(),
            told: None,
            is_shown: !is_quiet && std::io::stderr().is_terminal(),
            what: String::new(),
        }
    }

    /// Begins something else.
    pub fn begin(&mut self, what: impl Into<String>) {
        self.what = what.into();
        self.begun = Instant::now();
        self.told = None;
    }

    /// So much of it is done, 0 to 1.
    pub fn tell(&mut self, done: f64) {
        if !self.is_shown || self.told.is_some_and(|it| it.elapsed() < OFTEN) {
            return;
        }
        self.told = Some(Instant::now());
        let left = self.begun.elapsed().as_secs_f64() * (1.0 - done) / done.max(1e-3);
        let left = if done < 0.02 {
            String::new()
        } else {
            format!(", {} to go", time(left))
        };
        let _ = write!(
            std::io::stderr(),
            "\r\x1b[K{}: {:.0} %{left}",
            self.what,
            100.0 * done
        );
    }

    /// Takes the line away.
    pub fn end(&mut self) {
        if self.told.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn time(seconds: f64) -> String {
    match seconds.ceil() as u64 {
        seconds @ ..100 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}
