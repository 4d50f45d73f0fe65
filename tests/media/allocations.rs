// SPDX-License-Identifier: MPL-2.0

//! What the streaming thread allocates per frame: nothing, from the second frame on, unless a plane is scaled
//! by another factor than two, for which the scaler makes its table of weights anew.

use gst_video::VideoFormat;
use gstavrec::answer::{Answer, Detection, Region};
use gstavrec::media::draw::{Painter, Style};
use gstavrec::media::picture::{FrameToTensor, TensorToFrame};
use gstavrec::tensor::{Channels, ElementType, Layout};

use crate::support::counting::allocations;
use crate::support::frames::*;

fn allocations_of(run: impl FnOnce()) -> u64 {
    let before = allocations();
    run();
    allocations() - before
}

#[test]
fn an_upscaler_s_frames_cost_no_allocation_after_the_first() {
    for (format, colorimetry) in [
        (VideoFormat::I420, "bt601"),
        (VideoFormat::Nv12, "bt709"),
        (VideoFormat::Bgra, "sRGB"),
    ] {
        for element_type in [ElementType::F32, ElementType::F16] {
            let spec = spec(Channels::Luma, Layout::Nchw, element_type, (0.0, 1.0));
            let source = Frame::new(format, 64, 48, colorimetry, noise);
            let large = Frame::new(format, 128, 96, colorimetry, noise);
            let (mut tensor, answer) = (source.to_tensor(&spec), large.to_tensor(&spec));
            let mut fill = FrameToTensor::new(&source.info, &spec).unwrap();
            let mut write = TensorToFrame::new(&source.info, &large.info, &spec).unwrap();
            let mut target = large.empty();
            let (readable, mut writable) = (source.readable(), target.writable());
            let mut frame = || {
                fill.fill(&readable, &mut tensor).unwrap();
                write.write(&answer, &readable, &mut writable).unwrap();
            };
            frame();
            assert_eq!(allocations_of(&mut frame), 0, "{format} {element_type:?}");
        }
    }
}

#[test]
fn labels_cost_no_allocation_once_they_were_drawn() {
    let labels = ["person", "自行车", "شخص", "पैदल"].map(str::to_owned);
    for format in [VideoFormat::I420, VideoFormat::Bgrx] {
        let mut frame = Frame::new(format, 640, 360, "bt709", noise);
        let mut painter = Painter::new(&frame.info).unwrap();
        let answer = |confidence: f32| {
            let object = |class: u32| Detection {
                region: Region {
                    left: 100.0 * class as f32,
                    top: 80.0,
                    width: 90.0,
                    height: 60.0,
                },
                class,
                confidence,
                ..Detection::default()
            };
            Answer::Detections((0..4).map(object).collect())
        };
        // All digits were seen then.
        let answers = [0.1, 0.23, 0.45, 0.67, 0.89, 0.58].map(answer);
        let mut writable = frame.writable();
        let mut draw = |answer| {
            painter
                .overlay(&mut writable, answer, &labels, Style::default())
                .unwrap()
        };
        answers[..5].iter().for_each(&mut draw);
        assert_eq!(allocations_of(|| draw(&answers[5])), 0, "{format}");
    }
}
