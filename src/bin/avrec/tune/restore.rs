// SPDX-License-Identifier: MPL-2.0

//! Models that restore pictures: a frame made worse goes in, and the frame itself should come out.

use gst_video::{
    VideoConverter, VideoConverterConfig, VideoDitherMethod, VideoFrame, VideoFrameRef, VideoInfo,
    VideoResamplerMethod,
};
use gstavrec::media::degrade;
use gstavrec::media::picture::FrameToTensor;
use gstavrec::score::decibels;
use gstavrec::tensor::{Data, ImageSpec, Tensor};
use gstavrec::tune::blocks::{Split, split};
use gstavrec::tune::gain::Mean;
use gstavrec::tune::graph::file::OnnxFile;
use gstavrec::tune::graph::layer::Rows;
use gstavrec::tune::graph::tail::Tail;
use gstavrec::tune::ridge::{self, Sums};

use super::job::{Job, check_enough};
use super::material::{self, Frame};
use super::measured::Measured;
use super::outcome::Outcome;
use super::tapped::{MOST_FEATURES, Subject, floats};
use super::variants;
use crate::console::say;
use crate::failure::Failure;

/// Parts of the first half, each of which is left out once to choose the ridge.
const FOLDS: usize = 4;

/// Positions of one frame that are learned from; more teach little, for neighbours are alike.
const POSITIONS: usize = 20_000;

pub fn tune(job: &Job, mut subject: Subject) -> Result<Outcome, Failure> {
    let model = subject.offline.model();
    let name = model
        .outputs
        .get(model.picture)
        .map(|it| it.name.clone())
        .unwrap_or_default();
    let tail = Tail::find(&subject.file, &subject.nodes, &name).map_err(|it| subject.unsuitable(&it))?;
    if MOST_FEATURES < tail.layer.features {
        let text = format!(
            "its last layer has {} features, more than {MOST_FEATURES}",
            tail.layer.features
        );
        return Err(subject.unsuitable(&text));
    }
    let material = material::frames(&job.typed.material, job.typed.frames as usize)?;
    let places: Vec<_> = material.frames.iter().map(|it| it.place.clone()).collect();
    let split = split(&places);
    check_enough(&split)?;
    say(&format!(
        "{} frames, {} to fit {} outputs of {} features on, {} held out",
        places.len(),
        split.fitted.len(),
        tail.layer.outputs,
        tail.layer.features,
        split.held.len()
    ));
    let mut pairs = Pairs {
        shift: if job.typed.shuffle { job.typed.seed } else { 0 },
    };
    let folds = sums(&mut subject, &tail, (&material.frames, &split), &mut pairs)?;
    let settings = format!("{} frames", split.fitted.len());
    let Some(fit) = ridge::fit(&folds) else {
        let file = subject.file.clone();
        lower(job, &mut subject, &file, (&material.frames, &split), &name)?;
        return Ok(Outcome {
            file,
            measured: None,
            files: material.files,
            fitted: String::new(),
            settings,
        });
    };
    let layer = &tail.layer;
    let (mut weights, mut biases) = (layer.weights.clone(), layer.biases.clone());
    for (output, change) in fit.change.chunks_exact(layer.features + 1).enumerate() {
        let (change, bias) = change.split_at(layer.features);
        let old = &mut weights[output * layer.features..][..layer.features];
        old.iter_mut()
            .zip(change)
            .for_each(|(it, change)| *it += *change as f32);
        biases[output] += bias[0] as f32;
    }
    let mut file = subject.file.clone();
    layer
        .write(&mut file, &weights, &biases)
        .map_err(|it| subject.unsuitable(&it))?;
    let measured = measure(&mut subject, &file, (&material.frames, &split), &name)?;
    let base = if measured.is_gain() {
        file.clone()
    } else {
        subject.file.clone()
    };
    lower(job, &mut subject, &base, (&material.frames, &split), &name)?;
    Ok(Outcome {
        file,
        measured: Some(measured),
        files: material.files,
        fitted: format!("ridge regression of '{}', ridge {}", layer.output, fit.ridge),
        settings,
    })
}

/// Tries lower precision, where that was asked for.
fn lower(
    job: &Job,
    subject: &mut Subject,
    base: &OnnxFile,
    (frames, split): (&[Frame], &Split),
    name: &str,
) -> Result<(), Failure> {
    if !job.typed.variants {
        return Ok(());
    }
    let mut inputs = Vec::new();
    for (item, _) in split.fitted.iter().take(MOST_INPUTS) {
        inputs.push(pair(subject, &frames[*item])?.input);
    }
    let mut quality = |subject: &mut Subject, file: &OnnxFile| measure(subject, file, (frames, split), name);
    variants::run(job, subject, base, &inputs, &mut quality).map(|_| ())
}

/// Inputs that stand in memory for the measurement of variants.
const MOST_INPUTS: usize = 16;

/// What goes into the model, and what should come out: the values of the frame in the output's own range.
pub struct Pair {
    pub input: Tensor,
    pub target: Tensor,
}

/// Makes pairs of frames.
pub struct Pairs {
    /// Not 0 where targets are taken from other frames, which teaches nothing.
    pub shift: u64,
}

/// Sums over the rows of the first half, a part for each fold.
fn sums(
    subject: &mut Subject,
    tail: &Tail,
    (frames, split): (&[Frame], &Split),
    pairs: &mut Pairs,
) -> Result<Vec<Sums>, Failure> {
    let layer = &tail.layer;
    let mut names = vec![layer.input.as_str(), layer.output.as_str()];
    names.extend(tail.tensors());
    let mut tapped = subject.tapped(&names)?;
    let graph_inputs = subject.file.inputs();
    let blocks = split.fitted.iter().map(|it| it.1 + 1).max().unwrap_or(0);
    let count = FOLDS.min(blocks);
    let mut folds = vec![Sums::new(layer.features, layer.outputs); count];
    let mut features = vec![0.0; layer.features];
    for (turn, (item, block)) in split.fitted.iter().enumerate() {
        let pair = pairs.of(subject, frames, (split, turn), *item)?;
        let places = names
            .iter()
            .map(|it| match graph_inputs.iter().any(|input| input == it) {
                true => Ok(None),
                false => tapped.place(it).map(Some),
            });
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let outputs = tapped.run(&pair.input)?;
        let tensor = |index: usize| match places[index] {
            Some(place) => outputs.get(place),
            None => Some(&pair.input),
        };
        let unlike =
            || subject.unsuitable(&"its last layer gives tensors of another shape than its weights say");
        let (Some(input), Some(output)) = (tensor(0), tensor(1)) else {
            return Err(unlike());
        };
        let (Some(values), Some(given), Some(wanted)) = (floats(input), floats(output), floats(&pair.target))
        else {
            return Err(unlike());
        };
        let others: Vec<_> = (2..names.len()).map(|it| tensor(it).and_then(floats)).collect();
        let other = |name: &str| {
            let index = names.iter().skip(2).position(|it| *it == name)?;
            others.get(index)?.as_deref()
        };
        let wanted = tail.undo(&output.dims, &wanted, other).ok_or_else(unlike)?;
        let rows = Rows::new(layer, (&input.dims, &values), &output.dims).ok_or_else(unlike)?;
        let step = rows.len().div_ceil(POSITIONS).max(1);
        let sums = &mut folds[block % count];
        // Another start in each frame, so that no position is left out in all of them.
        for position in (turn % step..rows.len()).step_by(step) {
            rows.features(position, &mut features);
            let missing = (0..layer.outputs).map(|it| {
                let place = rows.place(position, it);
                wanted[place] - given[place]
            });
            sums.add(&features, missing);
        }
    }
    folds.iter_mut().for_each(Sums::settle);
    Ok(folds)
}

impl Pairs {
    /// The pair of a frame of the first half.
    fn of(
        &mut self,
        subject: &mut Subject,
        frames: &[Frame],
        (split, turn): (&Split, usize),
        item: usize,
    ) -> Result<Pair, Failure> {
        let mut pair = pair(subject, &frames[item])?;
        if self.shift != 0 {
            let count = split.fitted.len();
            let shift = 1 + (self.shift as usize).wrapping_mul(0x9e37) % count.saturating_sub(1).max(1);
            let other = split.fitted[(turn + shift) % count].0;
            pair.target = self::pair(subject, &frames[other])?.target;
            scramble(&mut pair.target, self.shift.wrapping_add(turn as u64));
        }
        Ok(pair)
    }
}

/// Puts the values of a picture into another order.
fn scramble(tensor: &mut Tensor, seed: u64) {
    let Data::F32(values) = &mut tensor.data else {
        return;
    };
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for index in (1..values.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        values.swap(index, (state % (index as u64 + 1)) as usize);
    }
}

/// Degrades a frame: smaller where the model makes frames larger, with noise where it keeps their size.
fn pair(subject: &mut Subject, frame: &Frame) -> Result<Pair, Failure> {
    let model = subject.offline.model();
    let (scale, spec) = (model.scale, model.output_spec.clone());
    let keeps_size = model.keeps_size();
    let Some(spec) = spec else {
        return Err(subject.unsuitable(&"its answer is no picture"));
    };
    let (width, height) = (frame.info.width() as usize, frame.info.height() as usize);
    let back = (scale.width.inverse(), scale.height.inverse());
    if back.0.value() > 1.0 || back.1.value() > 1.0 {
        return Err(
            subject.unsuitable(&"it makes pictures smaller, and what it should make of them is not known")
        );
    }
    let even = |side: usize| (side / 2 * 2).max(2);
    let small = (even(back.0.apply(width)), even(back.1.apply(height)));
    let whole = (scale.width.apply(small.0), scale.height.apply(small.1));
    let failed = |err: &dyn std::fmt::Display| Failure::Pipeline(err.to_string());
    let (worse, info, truth) = if keeps_size {
        let mut buffer = frame.buffer.copy_deep().map_err(|err| failed(&err))?;
        let writable = buffer
            .get_mut()
            .ok_or_else(|| failed(&"a copy of a frame is shared"))?;
        let mut mapped =
            VideoFrameRef::from_buffer_ref_writable(writable, &frame.info).map_err(|err| failed(&err))?;
        let seed = frame.number.wrapping_mul(31).wrapping_add(frame.file as u64);
        degrade::degrade(&mut mapped, (width, height), seed).map_err(|err| failed(&err))?;
        drop(mapped);
        (
            buffer,
            frame.info.clone(),
            (frame.buffer.clone(), frame.info.clone()),
        )
    } else {
        let truth = cut(frame, whole).map_err(|err| failed(&err))?;
        let small = scaled(&truth.0, &truth.1, small).map_err(|err| failed(&err))?;
        (small.0, small.1, truth)
    };
    let input = subject
        .offline
        .fill(&worse, &info)
        .map_err(Failure::Pipeline)?
        .clone();
    let output = subject
        .offline
        .model()
        .output_size(info.width() as usize, info.height() as usize);
    let sized = ImageSpec {
        size: Some(output),
        ..spec
    };
    let mut target = Tensor::default();
    let mut to_tensor = FrameToTensor::new(&truth.1, &sized).map_err(|err| failed(&err))?;
    let mapped = VideoFrameRef::from_buffer_ref_readable(&truth.0, &truth.1).map_err(|err| failed(&err))?;
    to_tensor.fill(&mapped, &mut target).map_err(|err| failed(&err))?;
    Ok(Pair { input, target })
}

type Picture = (gst::Buffer, VideoInfo);

/// The top left part of a frame.
fn cut(frame: &Frame, (width, height): (usize, usize)) -> Result<Picture, gst::glib::BoolError> {
    if (frame.info.width() as usize, frame.info.height() as usize) == (width, height) {
        return Ok((frame.buffer.clone(), frame.info.clone()));
    }
    let mut config = VideoConverterConfig::new();
    config.set_src_width(i32::try_from(width).ok());
    config.set_src_height(i32::try_from(height).ok());
    convert((&frame.buffer, &frame.info), (width, height), config)
}

/// A frame of another size, as `videoscale` makes it by default.
fn scaled(
    buffer: &gst::Buffer,
    info: &VideoInfo,
    size: (usize, usize),
) -> Result<Picture, gst::glib::BoolError> {
    let mut config = VideoConverterConfig::new();
    config.set_resampler_method(VideoResamplerMethod::Linear);
    config.set_dither_method(VideoDitherMethod::None);
    convert((buffer, info), size, config)
}

fn convert(
    (buffer, info): (&gst::Buffer, &VideoInfo),
    (width, height): (usize, usize),
    config: VideoConverterConfig,
) -> Result<Picture, gst::glib::BoolError> {
    let made = VideoInfo::builder(info.format(), width as u32, height as u32)
        .fps(info.fps())
        .interlace_mode(info.interlace_mode())
        .colorimetry(&info.colorimetry())
        .build()?;
    let memory = gst::Buffer::with_size(made.size())?;
    let from = VideoFrameRef::from_buffer_ref_readable(buffer, info)?;
    let unmapped = |_| gst::glib::bool_error!("a frame cannot be written");
    let mut to = VideoFrame::from_buffer_writable(memory, &made).map_err(unmapped)?;
    let converter = VideoConverter::new(info, &made, Some(config))?;
    converter.frame_ref(&from, &mut to.as_mut_video_frame_ref());
    Ok((to.into_buffer(), made))
}

/// Runs both models on the second half.
fn measure(
    subject: &mut Subject,
    file: &OnnxFile,
    (frames, split): (&[Frame], &Split),
    name: &str,
) -> Result<Measured, Failure> {
    let mut models = [subject.runner(&subject.file)?, subject.runner(file)?];
    let places = [models[0].place(name)?, models[1].place(name)?];
    let mut told = [Vec::new(), Vec::new()];
    let mut places_held = Vec::new();
    for (item, _) in &split.held {
        let pair = pair(subject, &frames[*item])?;
        let spec = subject.offline.model().output_spec.clone();
        let range = spec
            .and_then(|it| it.ranges.first().copied())
            .unwrap_or((0.0, 1.0));
        for (index, model) in models.iter_mut().enumerate() {
            let answer = model.run(&pair.input)?.get(places[index]);
            let error = answer.and_then(|it| squared_error(it, &pair.target, range));
            let error = error.ok_or_else(|| subject.unsuitable(&"its answer has no size that fits"))?;
            told[index].push(decibels(error).min(MOST_DECIBELS));
        }
        places_held.push(frames[*item].place.clone());
    }
    let [before, after] = told.map(Mean);
    Ok(Measured::of(
        ("mean-psnr-db", "dB"),
        (1.0, 2),
        &places_held,
        (&before, &after),
    ))
}

/// What a picture without an error counts as.
const MOST_DECIBELS: f64 = 100.0;

/// Mean squared error in squared levels of 255, rounded to levels as frames have them.
fn squared_error(answer: &Tensor, truth: &Tensor, (black, white): (f32, f32)) -> Option<f64> {
    let (answer, truth) = (floats(answer)?, floats(truth)?);
    if answer.len() != truth.len() {
        return None;
    }
    let level = |it: f32| (((it - black) / (white - black)).clamp(0.0, 1.0) * 255.0).round();
    let squares = answer
        .iter()
        .zip(truth.iter())
        .map(|(one, other)| f64::from((level(*one) - level(*other)).powi(2)));
    Some(squares.sum::<f64>() / answer.len().max(1) as f64)
}
