// SPDX-License-Identifier: MPL-2.0

//! Decodes a file, and hands each frame or buffer to a closure.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use parking_lot::Mutex;

/// Length of a stretch of sound that is one item.
pub const STRETCH: Duration = Duration::from_secs(2);

/// How long a decoder may stand still.
const PATIENCE: Duration = Duration::from_secs(60);

/// What frames and samples become, so that all candidates meet the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// 8 bits a sample and halved chroma, as streams mostly are.
    Video,
    /// 8 bits a channel: pictures keep their colors.
    Picture,
    /// 32-bit floats, interleaved.
    Sound,
}

impl Form {
    fn line(self) -> &'static str {
        match self {
            Form::Video => "videoconvert name=convert ! video/x-raw,format=I420",
            Form::Picture => "videoconvert name=convert ! video/x-raw,format=RGB",
            Form::Sound => "audioconvert name=convert ! audio/x-raw,format=F32LE,layout=interleaved",
        }
    }
}

/// Whether a closure wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    More,
    Enough,
}

/// Decodes a file from its beginning, until its end or until `each` has had enough. `each` gets buffers in order; what it
/// fails with ends the decoding.
///
/// # Errors
///
/// A sentence on what is wrong with the file.
pub fn decode(
    path: &Path,
    form: Form,
    each: impl FnMut(&gst::BufferRef, &gst::CapsRef) -> Result<Wish, String> + Send + 'static,
) -> Result<(), String> {
    let line = format!(
        "filesrc name=file ! decodebin name=decoder ! {} ! fakesink name=sink sync=false",
        form.line()
    );
    play(&line, Some(path), each)
}

/// Plays what a launch fragment gives, for so long.
pub fn play_live(
    fragment: &str,
    form: Form,
    length: Duration,
    mut each: impl FnMut(&gst::BufferRef, &gst::CapsRef) -> Result<Wish, String> + Send + 'static,
) -> Result<(), String> {
    let line = format!("{fragment} ! {} ! fakesink name=sink sync=false", form.line());
    let begun = std::time::Instant::now();
    play(&line, None, move |buffer, caps| match each(buffer, caps)? {
        Wish::More if begun.elapsed() < length => Ok(Wish::More),
        _ => Ok(Wish::Enough),
    })
}

fn play(
    line: &str,
    path: Option<&Path>,
    each: impl FnMut(&gst::BufferRef, &gst::CapsRef) -> Result<Wish, String> + Send + 'static,
) -> Result<(), String> {
    let pipeline = gst::parse::launch(line).map_err(|err| err.message().to_string())?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .map_err(|_| "it is no pipeline".to_string())?;
    if let (Some(path), Some(source)) = (path, pipeline.by_name("file")) {
        source.set_property("location", path);
    }
    let (ended, each) = (Arc::new(Mutex::new(None)), Mutex::new(each));
    let pad = pipeline.by_name("sink").and_then(|it| it.static_pad("sink"));
    if let (Some(pad), Some(bus)) = (pad, pipeline.bus()) {
        let ended = ended.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let (Some(buffer), Some(caps)) = (info.buffer(), pad.current_caps()) else {
                return gst::PadProbeReturn::Ok;
            };
            let mut ended = ended.lock();
            if ended.is_some() {
                return gst::PadProbeReturn::Ok;
            }
            match (*each.lock())(buffer, &caps) {
                Ok(Wish::More) => return gst::PadProbeReturn::Ok,
                Ok(Wish::Enough) => *ended = Some(Ok(())),
                Err(cause) => *ended = Some(Err(cause)),
            }
            let _ = bus.post(gst::message::Application::new(gst::Structure::new_empty(
                "enough",
            )));
            gst::PadProbeReturn::Ok
        });
    }
    let started = pipeline.set_state(gst::State::Playing);
    let played = wait(&pipeline, &ended);
    let is_linked = pipeline
        .by_name("convert")
        .and_then(|it| it.static_pad("sink"))
        .is_none_or(|it| it.is_linked());
    let _ = pipeline.set_state(gst::State::Null);
    match (played, ended.lock().take()) {
        (_, Some(ended)) => ended,
        (Err(_), None) if !is_linked && path.is_some() => Err(match line.contains("audioconvert") {
            true => "it has no sound that can be decoded".to_string(),
            false => "it has no picture that can be decoded".to_string(),
        }),
        (played, None) => played.and(started.map(|_| ()).map_err(|err| err.to_string())),
    }
}

type Ended = Mutex<Option<Result<(), String>>>;

fn wait(pipeline: &gst::Pipeline, ended: &Ended) -> Result<(), String> {
    let Some(bus) = pipeline.bus() else { return Ok(()) };
    let step = gst::ClockTime::try_from(PATIENCE).unwrap_or(gst::ClockTime::SECOND);
    let mut position = None;
    loop {
        let Some(message) = bus.timed_pop(step) else {
            let now = pipeline.query_position::<gst::ClockTime>();
            if ended.lock().is_some() || now == position {
                return Err(format!("nothing was decoded for {} s", PATIENCE.as_secs()));
            }
            position = now;
            continue;
        };
        match message.view() {
            gst::MessageView::Eos(_) | gst::MessageView::Application(_) => return Ok(()),
            gst::MessageView::Error(error) => return Err(error.error().message().to_string()),
            _ => {}
        }
    }
}
