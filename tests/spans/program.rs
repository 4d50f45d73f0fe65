// SPDX-License-Identifier: MPL-2.0

//! A program with the tracer.

use std::process::Command;

/// What a program told, and how it ended.
#[derive(Debug)]
pub struct Told {
    pub is_success: bool,
    /// What it printed, warnings of the bus among it.
    pub printed: String,
    /// The log of the tracer.
    pub log: String,
}

impl Told {
    /// Spans that were taken, those that were not, and records that were dropped, as told at the end.
    #[track_caller]
    pub fn counts(&self) -> [u64; 3] {
        let line = self.log.lines().find(|it| it.contains(" spans were taken, "));
        let line = line.unwrap_or_else(|| panic!("no counts: {self:#?}"));
        let words = line.rsplit("herald").next().unwrap().split_whitespace();
        let numbers: Vec<u64> = words.filter_map(|it| it.parse().ok()).collect();
        numbers[numbers.len() - 3..].try_into().unwrap()
    }

    /// How often something is told as a warning, in the log and on the bus.
    pub fn warnings(&self, what: &str) -> [usize; 2] {
        let log = self.log.lines().filter(|it| it.contains("WARN"));
        [
            log.filter(|it| it.contains(what)).count(),
            self.printed
                .lines()
                .filter(|it| it.starts_with("WARNING") && it.contains(what))
                .count(),
        ]
    }
}

/// Plays a launch line to its end, with the tracer by these parameters, and these variables.
pub fn play(parameters: &str, variables: &[(&str, &str)], line: &str) -> Told {
    let tracer = match parameters {
        "" => "avrec-spans".to_owned(),
        _ => format!("avrec-spans({parameters})"),
    };
    let mut command = Command::new("gst-launch-1.0");
    for (name, _) in std::env::vars().filter(|it| it.0.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    let output = command
        .args(line.split_whitespace())
        .env("GST_TRACERS", tracer)
        .env("GST_DEBUG", "avrec-spans:4")
        .env("GST_DEBUG_NO_COLOR", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, log) = (text(&output.stdout), text(&output.stderr));
    Told {
        is_success: output.status.success(),
        printed: printed + &log,
        log,
    }
}
