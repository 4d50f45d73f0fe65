// SPDX-License-Identifier: MPL-2.0

//! What the streaming thread allocates per frame: nothing, from the second frame on, unless a plane is scaled
//! by another factor than two, for which the scaler makes its table of weights anew.

use gst_video::VideoFormat;
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
