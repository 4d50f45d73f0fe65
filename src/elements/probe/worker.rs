// SPDX-License-Identifier: MPL-2.0

//! The thread that measures pairs.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use gst::glib;
use gst_video::{VideoFrameRef, VideoInfo};

use super::CAT;
use super::compare::{Comparator, Frame, Pair};
use super::fidelity::{OtherScore, PictureScore, Score};
use crate::answer::Answer;
use crate::elements::comparable;
use crate::elements::content::{self, Carried, Pixels, Sound};
use crate::media::luma::LumaReader;
use crate::plane::Plane;
use crate::score::{Content, Record, Unlike, fidelity};

/// Starts the thread; it ends when the comparator is stopped. The probe is only borrowed to post messages.
pub fn spawn(comparator: Arc<Comparator>, probe: glib::WeakRef<super::Probe>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("avrec-probe".into()).spawn(move || {
        let mut bench = Bench::default();
        while let Some(pair) = comparator.next() {
            let outcome = bench.measure(&pair);
            // The frames go back to their pools before anybody waits for the score.
            drop(pair);
            if let Err(complaint) = &outcome
                && bench.is_worth_telling(complaint)
                && comparator.complain()
                && let Some(probe) = probe.upgrade()
            {
                warn(&probe, complaint);
            }
            comparator.done(outcome.ok());
        }
    })
}

/// Why a pair cannot be measured.
#[derive(Debug, thiserror::Error)]
enum Complaint {
    #[error(
        "frame of {answer} and reference of {reference} do not compare; put videoscale before the reference pad"
    )]
    Sizes { answer: String, reference: String },
    #[error("{0}")]
    Measure(#[from] fidelity::Error),
    #[error("{0}")]
    Read(#[from] crate::media::Error),
    #[error(
        "the stream carries {0} and the reference {1}; give the reference answers of the same task and, of sound, \
         the same rate"
    )]
    Unlike(&'static str, &'static str),
    /// Silence, or too few scores so far.
    #[error("a pair says nothing")]
    Nothing,
    #[error("no frames or samples that can be read; put a converter before the probe and its reference")]
    Unreadable,
    #[error("a frame cannot be mapped; put a download element before the probe ({0})")]
    Map(#[from] glib::BoolError),
}

fn warn(probe: &super::Probe, complaint: &Complaint) {
    gst::warning!(CAT, obj = probe, "Frames are not compared: {complaint}");
    gst::element_warning!(
        probe,
        gst::StreamError::Format,
        ("Quality is not measured: {complaint}"),
        ["later pairs like this one are counted as unmatched and not told again"]
    );
}

/// Pairs in a row that must be unlike before it is told: a frame on which nothing was found carries nothing.
const UNLIKE: u32 = 3;

/// What lives from pair to pair.
#[derive(Debug, Default)]
struct Bench {
    reader: LumaReader,
    answer: Plane,
    truth: Plane,
    record: Record,
    /// Empty answers of the kinds that both streams last said.
    answer_said: Option<Answer>,
    truth_said: Option<Answer>,
    unlike: u32,
}

impl Bench {
    fn measure(&mut self, pair: &Pair) -> Result<Score, Complaint> {
        let said = |frame: &Frame| content::said(&frame.buffer, &frame.caps, None);
        let (answer, truth) = (said(&pair.answer), said(&pair.reference));
        for (said, stream) in [(&answer, &mut self.answer_said), (&truth, &mut self.truth_said)] {
            *stream = said.as_ref().map(comparable::empty).or(stream.take());
        }
        if pair.answer.is_sound() || self.answer_said.is_some() || self.truth_said.is_some() {
            return self.measure_other(pair, answer, truth);
        }
        let picture = self.measure_picture(pair)?;
        Ok(Score {
            picture: Some(picture),
            other: self.measure_cut_out(pair),
        })
    }

    /// What the metas say, or samples.
    fn measure_other(
        &mut self,
        pair: &Pair,
        answer: Option<Answer>,
        truth: Option<Answer>,
    ) -> Result<Score, Complaint> {
        let carried = |frame: &Frame, said: Option<Answer>| match said {
            Some(said) => Ok(Carried::Said(said)),
            None => placed(frame).ok_or(Complaint::Unreadable),
        };
        let (answer, truth) = (carried(&pair.answer, answer)?, carried(&pair.reference, truth)?);
        let (answer_said, truth_said) = (self.answer_said.as_ref(), self.truth_said.as_ref());
        let contents = comparable::contents((&answer, answer_said), (&truth, truth_said));
        let comparison = contents.and_then(|it| self.record.compare(&it.0, &it.1));
        let comparison = comparison.map_err(|unlike| match unlike {
            Unlike::Kinds(one, other) => Complaint::Unlike(one, other),
            Unlike::Nothing => Complaint::Nothing,
        })?;
        self.unlike = 0;
        let map = self.record.figures().find(|it| it.0 == "map").map(|it| it.1);
        Ok(Score {
            picture: None,
            other: Some(OtherScore { comparison, map }),
        })
    }

    /// How far two pictures cut out the same, if one of them cuts out something.
    fn measure_cut_out(&mut self, pair: &Pair) -> Option<OtherScore> {
        let pixels = |frame: &Frame| Pixels::cut_out(&frame.buffer, &frame.caps);
        let (answer, truth) = (pixels(&pair.answer)?, pixels(&pair.reference)?);
        if !answer.is_cut_out() && !truth.is_cut_out() {
            return None;
        }
        let (answer, truth) = (
            Content::Coverage(answer.coverage()),
            Content::Coverage(truth.coverage()),
        );
        let comparison = self.record.compare(&answer, &truth).ok()?;
        Some(OtherScore {
            comparison,
            map: None,
        })
    }

    fn measure_picture(&mut self, pair: &Pair) -> Result<PictureScore, Complaint> {
        let info = |frame: &Frame| VideoInfo::from_caps(&frame.caps).map_err(|_| Complaint::Unreadable);
        let (answer, reference) = (info(&pair.answer)?, info(&pair.reference)?);
        let size = |info: &VideoInfo| (info.width(), info.height());
        if size(&answer) != size(&reference) {
            let text = |info: &VideoInfo| format!("{}x{}", info.width(), info.height());
            return Err(Complaint::Sizes {
                answer: text(&answer),
                reference: text(&reference),
            });
        }
        read(&mut self.reader, (&pair.answer, &answer), &mut self.answer)?;
        read(&mut self.reader, (&pair.reference, &reference), &mut self.truth)?;
        let mse = fidelity::mse(&self.answer, &self.truth)?;
        let ssim = fidelity::ssim(&self.answer, &self.truth)?;
        Ok(PictureScore { mse, ssim })
    }

    /// Whether a pair that could not be measured is more than an accident.
    fn is_worth_telling(&mut self, complaint: &Complaint) -> bool {
        match complaint {
            Complaint::Nothing => false,
            Complaint::Unlike(..) => {
                self.unlike += 1;
                UNLIKE <= self.unlike
            }
            _ => true,
        }
    }
}

/// What a buffer carries beside metas; sound with its running time, by which it is aligned.
fn placed(frame: &Frame) -> Option<Carried> {
    if !frame.is_sound() {
        return Carried::read(&frame.buffer, &frame.caps, Some(&frame.buffer));
    }
    let sound = Sound::read(&frame.buffer, &frame.caps)?;
    Some(Carried::Sound(Sound {
        pts: Some(frame.at),
        ..sound
    }))
}

fn read(
    reader: &mut LumaReader,
    (frame, info): (&Frame, &VideoInfo),
    plane: &mut Plane,
) -> Result<(), Complaint> {
    let mapped = VideoFrameRef::from_buffer_ref_readable(&frame.buffer, info)?;
    Ok(reader.read(&mapped, plane)?)
}
