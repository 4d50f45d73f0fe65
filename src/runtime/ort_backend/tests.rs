// SPDX-License-Identifier: MPL-2.0

//! How often the bytes of a frame are copied on their way through ONNX Runtime: not at all. The tensor that the media code
//! writes is the one that the library reads, and the one that the library writes is the one that the decoder reads.

use super::*;
use crate::runtime::ort_session;
use crate::runtime::provider_choice::ProviderChoice;
use crate::tensor::ElementType;

/// A model of one operator, from an input to an output of the same shape.
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models/invert_rgb.onnx");

/// Bytes of a frame: an order of magnitude beyond what a session of that model takes for itself.
const SIZE: [usize; 4] = [1, 3, 256, 256];

/// A session that may allocate `limit` bytes, with what one user has of it. `None` without ONNX Runtime.
fn session(limit: u64) -> Option<(OrtModel, Places, [Input; 1], [Tensor; 1])> {
    let environment = &library::loaded().ok()?.environment;
    let options = Options {
        memory_limit: limit,
        provider: ProviderChoice::default(),
        ..Options::default()
    };
    let path = Path::new(MODEL);
    let opened = onnx_file::open(path, &Options::default(), load).unwrap();
    let described = &opened.signature.model;
    let model = OrtModel {
        memory_info: MemoryInfo::cpu().unwrap(),
        session: ort_session::create(environment, path, opened.weights.clone(), &options, Ok).unwrap(),
        provider: ExecutionProvider::Cpu,
        inputs: Names::new(path, described.inputs()).unwrap(),
        outputs: Names::new(path, described.results()).unwrap(),
        _memory: MemoryReturned,
    };
    let places = Places {
        inputs: vec![Place::default()],
        outputs: vec![Place::default()],
        input_values: Vec::new(),
        output_values: Vec::new(),
        pinned: false,
        memory_limit: u64::MAX,
        run_options: None,
    };
    let zeros = || buffer::zeros(ElementType::F32, &SIZE, u64::MAX).unwrap();
    let input = Input::new(zeros(), SIZE.to_vec());
    Some((model, places, [input], [zeros()]))
}

/// Lets the library write its answer into `output`.
fn pin(model: &OrtModel, places: &mut Places, inputs: &mut [Input], output: &mut Tensor) {
    // Shapes that are new forget what is bound.
    places.bind_inputs(model, inputs).unwrap();
    let memory = buffer::bytes_mut(&mut output.data);
    let number = type_number(ElementType::F32);
    // SAFETY: the tensor outlives the runs below.
    let value = unsafe { OrtValue::view(&model.memory_info, memory, number, &SIZE) }.unwrap();
    places.outputs[0].keep(memory, value);
}

#[test]
fn the_library_copies_neither_what_goes_in_nor_what_comes_out() {
    // Less than a tenth of a frame, so that a copy of one fails.
    let limit = SIZE.iter().product::<usize>() as u64 * 4 / 10;
    let Some((model, mut places, mut inputs, mut outputs)) = session(limit) else {
        return;
    };
    let error = places.run(&model, &mut inputs, &mut outputs).unwrap_err();
    let message = error.message().to_owned();
    assert!(
        message.contains("Available memory"),
        "an answer of its own is beyond the limit: {message}"
    );

    pin(&model, &mut places, &mut inputs, &mut outputs[0]);
    for value in [0.25, 0.75] {
        let crate::tensor::Data::F32(input) = &mut inputs[0].tensor.data else {
            unreachable!()
        };
        input.fill(value);
        places.run(&model, &mut inputs, &mut outputs).unwrap();
        let crate::tensor::Data::F32(output) = &outputs[0].data else {
            unreachable!()
        };
        assert!(
            output.iter().all(|it| (it - (1.0 - value)).abs() < 1e-6),
            "{}",
            output[0]
        );
    }
}

#[test]
fn after_the_first_run_the_library_writes_where_the_decoder_reads_and_nothing_moves() {
    let Some((model, mut places, mut inputs, mut outputs)) = session(u64::MAX) else {
        return;
    };
    places.pinned = true;
    places.run(&model, &mut inputs, &mut outputs).unwrap();
    let read = buffer::bytes_mut(&mut outputs[0].data);
    let written = buffer::bytes_mut(&mut inputs[0].tensor.data);
    for _ in 0..3 {
        places.run(&model, &mut inputs, &mut outputs).unwrap();
        assert_eq!(buffer::bytes_mut(&mut outputs[0].data), read);
        assert_eq!(buffer::bytes_mut(&mut inputs[0].tensor.data), written);
        // What the run got, not what is kept.
        assert_eq!(address(places.input_values[0]), written.0);
        assert_eq!(address(places.output_values[0]), read.0);
    }
}

/// Where the library reads or writes the elements of a value.
fn address(value: *const ort::sys::OrtValue) -> *mut u8 {
    let mut address = ptr::null_mut();
    // SAFETY: the value is one that the run above used; the output is a local, and the status is consumed once.
    unsafe {
        let status = (ort::api().GetTensorMutableData)(value.cast_mut(), &mut address);
        ort::Error::result_from_status(status).unwrap();
    }
    address.cast()
}
