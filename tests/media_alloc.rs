// SPDX-License-Identifier: MPL-2.0

//! What the streaming thread allocates per frame: nothing, from the second frame on, unless a plane is scaled
//! by another factor than two, for which the scaler makes its table of weights anew.

mod media;

use std::alloc::{GlobalAlloc, Layout as Block, System};
use std::cell::Cell;

use gst_video::VideoFormat;
use gstavrec::media::picture::{FrameToTensor, TensorToFrame};
use gstavrec::tensor::{Channels, ElementType, Layout};

use media::*;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator with a count for each thread.
struct Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        // The count is gone while a thread ends.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(block) }
    }

    unsafe fn dealloc(&self, at: *mut u8, block: Block) {
        unsafe { System.dealloc(at, block) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
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
            assert_eq!(allocations(&mut frame), 0, "{format} {element_type:?}");
        }
    }
}
