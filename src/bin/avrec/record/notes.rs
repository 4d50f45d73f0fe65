// SPDX-License-Identifier: MPL-2.0

//! What elements and the command say during a run.

use std::time::Duration;

/// Different texts that are kept: whoever says more has said enough.
const KEPT: usize = 100;

/// One text, however often it was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// When it was said first.
    pub at: Duration,
    pub text: String,
    pub times: u64,
}

/// All of a run, the first ones kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notes {
    notes: Vec<Note>,
    more: u64,
}

impl Notes {
    /// Whether it was not said before.
    pub fn add(&mut self, at: Duration, text: String) -> bool {
        if let Some(note) = self.notes.iter_mut().find(|it| it.text == text) {
            note.times += 1;
            return false;
        }
        if self.notes.len() < KEPT {
            let times = 1;
            self.notes.push(Note { at, text, times });
        } else {
            self.more += 1;
        }
        true
    }

    pub fn kept(&self) -> &[Note] {
        &self.notes
    }

    /// How many were not kept.
    pub fn more(&self) -> u64 {
        self.more
    }

    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_is_counted_and_an_endless_list_ends() {
        let mut notes = Notes::default();
        for number in 0..1_000u64 {
            let is_new = notes.add(Duration::from_secs(number), format!("warning {}", number % 150));
            assert_eq!(is_new, number < 150 || 100 <= number % 150);
        }
        assert_eq!(notes.kept().len(), KEPT);
        assert_eq!((notes.kept()[7].times, notes.kept()[7].at.as_secs()), (7, 7));
        assert_eq!(notes.more(), 300);
    }
}
