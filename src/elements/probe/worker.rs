// SPDX-License-Identifier: MPL-2.0

//! The thread that measures pairs.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use gst::glib;
use gst_video::VideoFrameRef;

use super::compare::{Comparator, Frame, Pair};
use super::fidelity::Score;
use super::imp::CAT;
use crate::media::luma::LumaReader;
use crate::plane::Plane;
use crate::score::fidelity;

/// Starts the thread; it ends when the comparator is stopped. The probe is only borrowed to post messages.
pub fn spawn(comparator: Arc<Comparator>, probe: glib::WeakRef<super::Probe>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("avrec-probe".into()).spawn(move || {
        let mut bench = Bench::default();
        while let Some(pair) = comparator.next() {
            let outcome = bench.measure(&pair);
            // The frames go back to their pools before anybody waits for the score.
            drop(pair);
            if let Err(complaint) = &outcome
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

/// Planes and readers that live from pair to pair.
#[derive(Debug, Default)]
struct Bench {
    reader: LumaReader,
    answer: Plane,
    truth: Plane,
}

impl Bench {
    fn measure(&mut self, pair: &Pair) -> Result<Score, Complaint> {
        let size = |frame: &Frame| (frame.info.width(), frame.info.height());
        if size(&pair.answer) != size(&pair.reference) {
            let text = |frame: &Frame| format!("{}x{}", frame.info.width(), frame.info.height());
            return Err(Complaint::Sizes {
                answer: text(&pair.answer),
                reference: text(&pair.reference),
            });
        }
        read(&mut self.reader, &pair.answer, &mut self.answer)?;
        read(&mut self.reader, &pair.reference, &mut self.truth)?;
        let mse = fidelity::mse(&self.answer, &self.truth)?;
        let ssim = fidelity::ssim(&self.answer, &self.truth)?;
        Ok(Score { mse, ssim })
    }
}

fn read(reader: &mut LumaReader, frame: &Frame, plane: &mut Plane) -> Result<(), Complaint> {
    let mapped = VideoFrameRef::from_buffer_ref_readable(&frame.buffer, &frame.info)?;
    Ok(reader.read(&mapped, plane)?)
}
