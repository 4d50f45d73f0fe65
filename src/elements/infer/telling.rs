// SPDX-License-Identifier: MPL-2.0

//! When an answer is told to who reads a console.

/// Time of the stream between two answers that are told: more is not read.
const INTERVAL: gst::ClockTime = gst::ClockTime::SECOND;

/// When the last answer was told, in running time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Telling {
    last: Option<gst::ClockTime>,
}

impl Telling {
    /// Whether an answer at this time may be told. One before the last begins anew, as after a seek.
    pub fn is_due(self, now: gst::ClockTime) -> bool {
        self.last.is_none_or(|last| now < last || last + INTERVAL <= now)
    }

    /// An answer at this time was told.
    pub fn told(&mut self, now: gst::ClockTime) {
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_a_second_is_told_and_a_seek_begins_anew() {
        let mut telling = Telling::default();
        let mut told = Vec::new();
        for ms in [0, 400, 999, 1000, 1900, 2100, 500, 900, 1500] {
            let now = gst::ClockTime::from_mseconds(ms);
            if telling.is_due(now) {
                telling.told(now);
                told.push(ms);
            }
        }
        assert_eq!(told, [0, 1000, 2100, 500, 1500]);
    }
}
