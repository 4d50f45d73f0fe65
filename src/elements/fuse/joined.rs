// SPDX-License-Identifier: MPL-2.0

//! One frame: the two answers that belong to it become one, with what is to be told of it.

use std::sync::Arc;
use std::time::Duration;

use super::settings::Settings;
use crate::answer::{self, ClassScore};
use crate::media::metas;
use crate::messages::{Class, Classes, Combined, FuseStats, Fused, FusedSide, Nested, SoundMeta};
use crate::recommend::fusion::{Answer, Distribution, FitError, Fusion, Held, Input, Live, Side};

/// The state of a stream, which the streaming thread has.
pub struct Joined {
    live: Live,
    /// Those of `live`, to go with answers.
    labels: Arc<[String]>,
    /// The answer about the picture, held where frames come without one.
    seen: Held<Answer>,
    pub stats: FuseStats,
    /// A fault was told.
    has_complained: bool,
}

/// What one frame comes to.
pub struct Outcome {
    /// `None` where nobody listens.
    pub told: Option<Fused>,
    /// Of classes: by numbers of `labels`, the most probable first.
    pub answer: Option<answer::Answer>,
    pub labels: Arc<[String]>,
    pub heard: Option<SoundMeta>,
}

impl Joined {
    pub fn new(fit: Option<Fusion>, settings: &Settings) -> Joined {
        Joined {
            live: Live::new(fit, settings.quality_window.into()),
            labels: Arc::default(),
            seen: Held::new(),
            stats: FuseStats::default(),
            has_complained: false,
        }
    }

    pub fn set_window(&mut self, window: gst::ClockTime) {
        self.live.remember(window.into());
    }

    /// Forgets what a side said: its time begins anew.
    pub fn flush(&mut self, side: Side) {
        if side == Side::Picture {
            self.seen.clear();
        }
        self.live.flush(side);
    }

    /// Fuses the answers for a frame at `time`, the one about the picture as it stands on the frame.
    ///
    /// # Errors
    ///
    /// When they cannot be fused: a sentence, the first time; then nothing.
    pub fn fuse(
        &mut self,
        time: Duration,
        picture: Option<Answer>,
        sound: Option<(Duration, Arc<Answer>)>,
        settings: &Settings,
    ) -> Result<Outcome, Option<FitError>> {
        if let Some(answer) = picture {
            self.seen.hear(time, answer);
            self.seen.forget(time, &settings.of_picture());
        }
        let seen = self.seen.of(time, &settings.of_picture());
        let inputs = [seen, sound.as_ref().map(|it| (it.0, &*it.1))];
        let age = inputs.map(|it| it.map(|it| it.0.abs_diff(time)));
        self.stats.frames += 1;
        match inputs.map(|it| it.is_some()) {
            [true, true] => self.stats.both += 1,
            [true, false] => self.stats.picture_only += 1,
            [false, true] => self.stats.sound_only += 1,
            [false, false] => {}
        }
        let weighed = [0, 1].map(|it| Input {
            answer: inputs[it],
            trust: settings.trust[it],
        });
        let fused = match self
            .live
            .fuse(weighed, |it| metas::label_of_class(it).into_owned())
        {
            Ok(fused) => fused,
            Err(error) => {
                (self.stats.picture_weight, self.stats.sound_weight) = (0.0, 0.0);
                let is_new = !std::mem::replace(&mut self.has_complained, true);
                return Err(is_new.then_some(error));
            }
        };
        let (weights, worth) = (fused.weights, fused.worth);
        if *fused.labels != *self.labels {
            self.labels = fused.labels.into();
        }
        let counts = weights.iter().any(|it| 0.0 < *it);
        let answer = counts.then(|| answer_of(fused.combined, &self.labels, fused.named));
        let is_told = settings.post_messages || settings.info_messages;
        let combined = (is_told && counts).then(|| told(fused.combined, &self.labels, fused.named));
        (self.stats.picture_weight, self.stats.sound_weight) = weights.into();
        (self.stats.picture_worth, self.stats.sound_worth) = worth.into();
        let side = |which: usize| {
            age[which].map(|age| {
                let (classes, score) = told(&fused.said[which], &self.labels, fused.named);
                let worth = worth[which];
                Nested(FusedSide {
                    classes,
                    score,
                    age,
                    worth,
                })
            })
        };
        let (classes, score) = combined.unwrap_or_default();
        let told = is_told.then(|| Fused {
            pts: None,
            running_time: None,
            picture: side(0),
            sound: side(1),
            picture_weight: weights[0],
            sound_weight: weights[1],
            combined: Combined { classes, score },
        });
        Ok(Outcome {
            told,
            heard: sound
                .as_ref()
                .map(|(at, answer)| heard(answer, at.abs_diff(time))),
            answer,
            labels: self.labels.clone(),
        })
    }
}

/// Classes of `named` with their probabilities, the most probable first; of numbers the probability of yes.
fn told(said: &Distribution, labels: &[String], named: &[usize]) -> (Option<Vec<Class>>, Option<f64>) {
    if labels.is_empty() {
        return (None, Some(said.of(1)));
    }
    let mut named = named.to_vec();
    said.rank(&mut named);
    let classes = named.into_iter().map(|class| Class {
        label: labels[class].clone(),
        label_id: class as u32,
        confidence: said.of(class),
    });
    (Some(classes.collect()), None)
}

/// The same for the frame; `named` is in order.
fn answer_of(said: &Distribution, labels: &[String], named: &[usize]) -> answer::Answer {
    if labels.is_empty() {
        return answer::Answer::Score(said.of(1) as f32);
    }
    let scores = named.iter().map(|class| ClassScore {
        class: *class as u32,
        confidence: said.of(*class) as f32,
    });
    answer::Answer::Classes(scores.collect())
}

/// What was heard, as it came.
fn heard(answer: &Answer, age: Duration) -> SoundMeta {
    let (classes, score) = match answer {
        Answer::Classes(shares) => {
            let names: Vec<String> = shares
                .iter()
                .map(|it| metas::label_of_class(it.0).into_owned())
                .collect();
            let classes = Classes {
                label: names.first().cloned(),
                // Its own number is not on the buffer.
                label_id: None,
                confidence: shares.first().map(|it| it.1),
                labels: Some(names),
                label_ids: None,
                confidences: Some(shares.iter().map(|it| it.1).collect()),
            };
            (Some(classes), None)
        }
        Answer::Score(score) => (None, Some(*score)),
        Answer::Other(_) => (None, None),
    };
    SoundMeta { classes, score, age }
}
