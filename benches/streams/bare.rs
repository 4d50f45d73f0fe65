// SPDX-License-Identifier: MPL-2.0

//! ONNX Runtime without this project: one session for all threads, or one for each.

use std::hint::black_box;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use gstavrec::runtime::library;
use ort::AsPointer;
use ort::session::Session;
use ort::value::TensorRef;

use crate::cost::Cost;
use crate::network::{INPUT, OUTPUT, SIDE};

pub fn one_session(model: &Path, streams: usize, frames: usize) -> Cost {
    let start = Instant::now();
    let session = Arc::new(load(model));
    run_all(start, streams, frames, || session.clone())
}

pub fn own_sessions(model: &Path, streams: usize, frames: usize) -> Cost {
    run_all(Instant::now(), streams, frames, || Arc::new(load(model)))
}

/// Runs once on each thread, and then, when all have, the others.
fn run_all(start: Instant, streams: usize, frames: usize, session: impl Fn() -> Arc<Session> + Sync) -> Cost {
    let all_began = Barrier::new(streams + 1);
    let (mut first, mut further) = (start.elapsed(), start.elapsed());
    std::thread::scope(|scope| {
        for _ in 0..streams {
            scope.spawn(|| {
                let session = session();
                run(&session);
                all_began.wait();
                (1..frames).for_each(|_| run(&session));
                all_began.wait();
            });
        }
        all_began.wait();
        first = start.elapsed();
        all_began.wait();
        further = start.elapsed() - first;
    });
    Cost::of_this_process(first, further)
}

/// A session of one thread a run, as `avrec-infer` has it unless told otherwise.
fn load(model: &Path) -> Session {
    let mut builder = library::session().expect("ONNX Runtime");
    builder.commit_from_file(model).expect("the model")
}

/// Runs once. The safe interface would ask for the session alone, where `Run` of the library does not.
fn run(session: &Session) {
    let pixels = vec![0.5f32; 3 * SIDE * SIDE];
    let input = TensorRef::from_array_view(([1, 3, SIDE, SIDE], pixels.as_slice())).expect("a view");
    let mut output = ptr::null_mut();
    // SAFETY: names, input and session outlive the call, and the counts are those of the lists.
    let result = unsafe {
        ort::Error::result_from_status((ort::api().Run)(
            session.ptr().cast_mut(),
            ptr::null(),
            &INPUT.as_ptr(),
            &input.ptr(),
            1,
            &OUTPUT.as_ptr(),
            1,
            &mut output,
        ))
    };
    result.expect("a run");
    // SAFETY: the library made the value for us, and it is released once.
    unsafe { (ort::api().ReleaseValue)(black_box(output)) };
}
