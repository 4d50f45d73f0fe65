// SPDX-License-Identifier: MPL-2.0

//! What a process took.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use gstavrec::quantile;

pub struct Cost {
    /// Peak of resident memory in MiB.
    pub memory: f64,
    /// Processor time in seconds.
    pub time: f64,
    /// Seconds until each stream had its first answer.
    pub start: f64,
    /// Seconds for all further ones.
    pub run: f64,
}

impl Cost {
    pub fn of_child(kind: &str, model: &Path, streams: usize, frames: usize) -> Cost {
        let this = std::env::current_exe().expect("this program");
        let mut command = Command::new(this);
        command
            .arg(kind)
            .arg(model)
            .args([streams.to_string(), frames.to_string()]);
        let output = command.output().expect("a child");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{kind}: {said}");
        let line = String::from_utf8_lossy(&output.stdout);
        let mut numbers = line.split_whitespace().map(|it| it.parse().expect("a number"));
        let mut next = || numbers.next().expect("four numbers");
        Cost {
            memory: next(),
            time: next(),
            start: next(),
            run: next(),
        }
    }

    pub fn of_this_process(start: Duration, run: Duration) -> Cost {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Cost {
            memory: kibibytes("VmHWM") / 1024.0,
            time: time.tv_sec as f64 + time.tv_nsec as f64 / 1e9,
            start: start.as_secs_f64(),
            run: run.as_secs_f64(),
        }
    }

    pub fn median(costs: &[Cost]) -> Cost {
        let middle = |of: fn(&Cost) -> f64| quantile::median(costs.iter().map(of)).expect("a cost");
        Cost {
            memory: middle(|it| it.memory),
            time: middle(|it| it.time),
            start: middle(|it| it.start),
            run: middle(|it| it.run),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.memory, self.time, self.start, self.run)
    }
}

/// A line of `/proc/self/status`.
pub fn kibibytes(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|it| it.starts_with(name)).expect("the line");
    let number = line.split_whitespace().nth(1);
    number.and_then(|it| it.parse().ok()).expect("a number")
}
