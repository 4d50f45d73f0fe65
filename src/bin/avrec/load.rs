// SPDX-License-Identifier: MPL-2.0

//! Load beside the pipeline: a command in a process group of its own, from one second to another.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use gst::glib;
use rustix::process::{Pid, Signal, kill_process_group};

/// A command and when it runs, counted from PLAYING.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadPlan {
    pub start: Duration,
    pub end: Duration,
    /// As typed, for people.
    pub command: String,
    words: Vec<std::ffi::OsString>,
}

impl LoadPlan {
    /// Reads `START:END:COMMAND`; the command is split like a shell splits words, but no shell runs it.
    pub fn parse(text: &str) -> Result<LoadPlan, String> {
        let wrong =
            |what: &str| format!("--load '{text}': {what} (expected START:END:COMMAND, times in seconds)");
        let mut parts = text.splitn(3, ':');
        let (Some(start), Some(end), Some(command)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("a part is missing"));
        };
        let start = seconds(start).ok_or_else(|| wrong("START is not a number of seconds"))?;
        let end = seconds(end).ok_or_else(|| wrong("END is not a number of seconds"))?;
        if end <= start {
            return Err(wrong("END does not come after START"));
        }
        let words = glib::shell_parse_argv(command).map_err(|err| wrong(&format!("COMMAND: {err}")))?;
        let program = words.first().ok_or_else(|| wrong("COMMAND is empty"))?;
        if glib::find_program_in_path(program).is_none() {
            return Err(format!(
                "--load '{text}': the command '{}' is not installed (not found in PATH)",
                program.to_string_lossy()
            ));
        }
        Ok(LoadPlan {
            start,
            end,
            command: command.trim().to_string(),
            words,
        })
    }

    /// Starts the command; what it prints is dropped, so that it does not mix with the ticker.
    pub fn start(&self) -> std::io::Result<Load> {
        let (program, arguments) = self.words.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Load { child })
    }
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.trim().parse().ok()?).ok()
}

/// A running load; dropping it ends the whole process group.
#[derive(Debug)]
pub struct Load {
    child: Child,
}

impl Load {
    /// The exit status if the command ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks the process group to end; [`Drop`] does not ask.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        // Fails only when the group is already gone, which is what was wanted.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        // Reaps the leader; its children belong to init by now.
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_read_with_its_times_and_command() {
        let plan = LoadPlan::parse("12:26.5:sleep '3' 4").unwrap();
        assert_eq!(
            (plan.start, plan.end),
            (Duration::from_secs(12), Duration::from_millis(26_500))
        );
        assert_eq!(plan.command, "sleep '3' 4");
        assert_eq!(plan.words, ["sleep", "3", "4"]);
    }

    #[test]
    fn a_wrong_load_says_what_is_wrong() {
        let expect = |text: &str, what: &str| {
            let error = LoadPlan::parse(text).unwrap_err();
            assert!(error.contains(what), "{error}");
        };
        expect("12:26", "a part is missing");
        expect("x:26:true", "START is not a number");
        expect("1:inf:true", "END is not a number");
        expect("-1:2:true", "START is not a number");
        expect("5:5:true", "END does not come after START");
        expect("1:2:", "COMMAND");
        expect("1:2:sleep 'x", "COMMAND");
        expect(
            "1:2:no-such-program --cpu 4",
            "'no-such-program' is not installed",
        );
    }

    #[test]
    fn ending_a_load_ends_what_it_started_too() {
        // The shell's child holds the pipe open, so the read ends only when the child is gone as well.
        let plan = LoadPlan::parse("0:1:sh -c 'sleep 600 & wait'").unwrap();
        let (program, arguments) = plan.words.split_first().unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let child = Command::new(program)
            .args(arguments)
            .stdout(writer)
            .process_group(0)
            .spawn()
            .unwrap();
        drop(Load { child });
        assert_eq!(std::io::copy(&mut reader, &mut std::io::sink()).unwrap(), 0);
    }
}
