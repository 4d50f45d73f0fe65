// SPDX-License-Identifier: MPL-2.0

//! Which frames stand for a stretch of the stream: peaks of a score, some time apart.

/// A frame with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub pts: gst::ClockTime,
    pub running_time: gst::ClockTime,
    pub score: f64,
}

/// Finds peaks while scores come in.
///
/// A peak is a frame whose score is higher than the one before and not lower than the ones that follow until one is
/// lower, so it is known one frame late at the earliest. The first of equal ones counts. A peak below the threshold, or
/// too soon after the last selected one, is passed over, also if it is the higher one: that one was told already.
#[derive(Debug, Default)]
pub struct KeyFrames {
    before: Option<f64>,
    /// The last frame that was higher than the one before it, while none was lower since.
    peak: Option<Scored>,
    selected: Option<gst::ClockTime>,
    /// Frames selected so far.
    pub count: u32,
}

impl KeyFrames {
    /// Takes the next frame; returns a peak before it, if that is selected.
    pub fn take(&mut self, frame: Scored, threshold: f64, distance: gst::ClockTime) -> Option<Scored> {
        let before = self.before.replace(frame.score);
        if before.is_none_or(|before| before < frame.score) {
            self.peak = Some(frame);
        }
        let fell = before.is_some_and(|before| frame.score < before);
        if fell {
            self.select(threshold, distance)
        } else {
            None
        }
    }

    /// Ends the stream; returns a peak that lasted to its end, if that is selected.
    pub fn finish(&mut self, threshold: f64, distance: gst::ClockTime) -> Option<Scored> {
        let selected = self.select(threshold, distance);
        self.reset();
        selected
    }

    /// Forgets the frames before, as after a gap; times start anew.
    pub fn reset(&mut self) {
        *self = KeyFrames {
            count: self.count,
            ..KeyFrames::default()
        };
    }

    fn select(&mut self, threshold: f64, distance: gst::ClockTime) -> Option<Scored> {
        let is_far = |peak: &Scored| {
            self.selected
                .is_none_or(|last| distance <= peak.running_time.saturating_sub(last))
        };
        let peak = self.peak.take();
        let peak = peak.filter(|peak| threshold <= peak.score).filter(is_far)?;
        self.selected = Some(peak.running_time);
        self.count += 1;
        Some(peak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Indices of the frames that are selected of these scores, at one frame a second.
    fn selected(scores: &[f64], threshold: f64, distance: u64) -> Vec<u64> {
        let mut frames = KeyFrames::default();
        let distance = gst::ClockTime::from_seconds(distance);
        let scored = scores.iter().enumerate().map(|(index, &score)| Scored {
            pts: gst::ClockTime::from_seconds(100 + index as u64),
            running_time: gst::ClockTime::from_seconds(index as u64),
            score,
        });
        let mut found: Vec<_> = scored
            .filter_map(|it| frames.take(it, threshold, distance))
            .collect();
        found.extend(frames.finish(threshold, distance));
        found.iter().map(|it| it.running_time.seconds()).collect()
    }

    #[test]
    fn peaks_at_or_above_the_threshold_are_selected() {
        assert_eq!(selected(&[0.1, 0.6, 0.2, 0.4, 0.3, 0.5, 0.1], 0.5, 0), [1, 5]);
    }

    #[test]
    fn a_plateau_counts_once_and_by_its_first_frame() {
        assert_eq!(selected(&[0.1, 0.7, 0.7, 0.7, 0.2, 0.7, 0.7], 0.5, 0), [1, 5]);
        assert_eq!(selected(&[0.9, 0.9, 0.9], 0.5, 0), [0]);
    }

    #[test]
    fn a_rise_is_told_by_its_highest_frame_only() {
        assert_eq!(selected(&[0.5, 0.6, 0.8, 0.7, 0.6], 0.5, 0), [2]);
        assert_eq!(selected(&[0.5, 0.6, 0.8], 0.5, 0), [2]);
    }

    #[test]
    fn peaks_nearer_than_the_distance_are_passed_over() {
        let scores = [0.9, 0.1, 0.8, 0.1, 0.9, 0.1, 0.7, 0.1];
        assert_eq!(selected(&scores, 0.5, 4), [0, 4]);
        assert_eq!(selected(&scores, 0.5, 2), [0, 2, 4, 6]);
    }

    #[test]
    fn after_a_gap_the_first_peak_is_selected_again_and_the_count_goes_on() {
        let mut frames = KeyFrames::default();
        let hour = gst::ClockTime::from_seconds(3600);
        let at = |second, score| Scored {
            pts: gst::ClockTime::from_seconds(second),
            running_time: gst::ClockTime::from_seconds(second),
            score,
        };
        for (second, score) in [(0, 0.9), (1, 0.1), (2, 0.9)] {
            frames.take(at(second, score), 0.5, hour);
        }
        frames.reset();
        assert_eq!(frames.take(at(0, 0.8), 0.5, hour), None);
        assert_eq!(frames.take(at(1, 0.1), 0.5, hour), Some(at(0, 0.8)));
        assert_eq!(frames.count, 2);
    }
}
