// SPDX-License-Identifier: MPL-2.0

//! What the element holds, and what happens to what comes on its pads.

use std::path::Path;
use std::time::Duration;

use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::CAT;
use super::heard::{Hearing, Limit, Waited};
use super::joined::{Joined, Outcome};
use super::line::line;
use super::settings::Settings;
use super::timing::{self, Timing};
use super::upstream::{self, Latency, Upstream};
use crate::bounded_file;
use crate::elements::unit_mistake;
use crate::media::metas;
use crate::messages::{FuseStats, Fused};
use crate::recommend::fusion::{Fusion, Side};

/// Bytes of a fit: one of ten thousand classes has some 200 kB.
const MOST_BYTES: u64 = 4 << 20;

/// Time of the stream between two answers that are told in words.
const TELLING: Duration = Duration::from_secs(1);

/// Locks are taken one at a time, never one inside another, each for some microseconds: no push, post or query happens under
/// one. The streaming thread waits at `hearing` only.
pub struct Fuse {
    pub sinkpad: gst::Pad,
    pub srcpad: gst::Pad,
    /// The pad for sound, while there is one.
    pub soundpad: Mutex<Option<gst::Pad>>,
    pub settings: Mutex<Settings>,
    pub hearing: Hearing,
    picture: Mutex<Picture>,
    joined: Mutex<Joined>,
    upstream: Upstream,
}

/// What is known of the stream that passes.
#[derive(Default)]
struct Picture {
    timing: Timing,
    /// Width and height in pixels.
    size: (u32, u32),
    told: Option<Duration>,
    /// What was warned of.
    was_stalled: bool,
    was_untimed: bool,
}

impl Fuse {
    pub(super) fn new((sinkpad, srcpad): (gst::Pad, gst::Pad)) -> Self {
        let settings = Settings::default();
        Fuse {
            sinkpad,
            srcpad,
            soundpad: Mutex::default(),
            joined: Mutex::new(Joined::new(None, &settings)),
            settings: Mutex::new(settings),
            hearing: Hearing::default(),
            picture: Mutex::default(),
            upstream: Upstream::default(),
        }
    }

    pub(super) fn stats(&self) -> FuseStats {
        self.joined.lock().stats
    }

    pub(super) fn start(&self) -> Result<(), gst::StateChangeError> {
        ["stale-after", "latency", "quality-window"]
            .into_iter()
            .for_each(|it| self.check_time(it));
        let settings = self.settings.lock().clone();
        let fit = settings.fusion_file.as_deref().map(read).transpose();
        let fit = fit.map_err(|(text, cause)| {
            gst::element_imp_error!(self, gst::ResourceError::Read, ("{text}"), ["{cause}"]);
            gst::StateChangeError
        })?;
        *self.joined.lock() = Joined::new(fit, &settings);
        *self.picture.lock() = Picture::default();
        self.upstream.forget();
        self.hearing.start();
        Ok(())
    }

    /// Warns of a time that is so short that another unit was meant.
    pub(super) fn check_time(&self, property: &str) {
        let settings = self.settings.lock().clone();
        let (time, zero) = match property {
            "stale-after" => (settings.stale_after, "an answer for its own frame only"),
            "latency" => (settings.latency, "no wait beyond the frame"),
            "quality-window" => (settings.quality_window, "weights as they were fitted"),
            _ => return,
        };
        if let Some((text, remedy)) = unit_mistake::doubt(property, time, zero) {
            gst::element_imp_warning!(self, gst::LibraryError::Settings, ("{text}"), ["{remedy}"]);
        }
    }

    pub(super) fn pass(&self, mut buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let (time, size) = {
            let picture = self.picture.lock();
            (picture.timing.running_time(buffer.pts()), picture.size)
        };
        // A frame without a time belongs to no sound.
        self.expect_time(Side::Picture, buffer.pts().is_some());
        if let Some(time) = time {
            let settings = self.settings.lock().clone();
            self.wait(time, &settings);
            if let Some(mut outcome) = self.fuse(&buffer, time, &settings) {
                self.attach(buffer.make_mut(), &mut outcome, size);
                if let Some(told) = outcome.told {
                    self.tell(&buffer, time, told, &settings);
                }
            }
        }
        self.srcpad.push(buffer)
    }

    /// The pad for sound, if something is linked to it.
    fn linked_sound(&self) -> Option<gst::Pad> {
        self.soundpad.lock().clone().filter(|it| it.is_linked())
    }

    /// Waits for the sound that belongs to a frame.
    fn wait(&self, time: Duration, settings: &Settings) {
        let Some(sound) = self.linked_sound() else {
            return;
        };
        let upstream = self.upstream.latency(&self.sinkpad, Some(&sound));
        let limit = self.limit(time, upstream, settings.latency);
        let until = time.saturating_add(settings.latency.into());
        let waited = self.hearing.wait(until, limit);
        if waited != Waited::Enough {
            self.joined.lock().stats.late += 1;
        }
        let (text, remedy) = match waited {
            Waited::Enough | Waited::Late => return,
            Waited::Stalled => (
                format!("No sound has come for a second to the frame at {time:?}"),
                "Both streams wait for each other if a queue before `sound` or `sink` is full: give them max-size-time=0 max-size-bytes=0 max-size-buffers=0",
            ),
            Waited::Ahead => (
                format!("The frame at {time:?} came more than a second before its time"),
                "Stamp pictures and sound by the same clock, for example with do-timestamp=true on both sources",
            ),
        };
        if !std::mem::replace(&mut self.picture.lock().was_stalled, true) {
            gst::element_imp_warning!(
                self,
                gst::CoreError::Clock,
                ("{text}; frames pass without sound until it has caught up"),
                ["{remedy}"]
            );
        }
    }

    /// How long a frame may wait: in a live pipeline the latency that is declared.
    fn limit(&self, time: Duration, upstream: Latency, latency: gst::ClockTime) -> Limit {
        let (Some(clock), Some(base), true) = (self.obj().clock(), self.obj().base_time(), upstream.is_live)
        else {
            return Limit::Progress;
        };
        let declared = upstream.min.saturating_add(latency);
        let time = gst::ClockTime::try_from(time).unwrap_or(gst::ClockTime::MAX);
        let due = base.saturating_add(time).saturating_add(declared);
        Limit::live(due.saturating_sub(clock.time()).into(), declared.into())
    }

    fn fuse(&self, buffer: &gst::BufferRef, time: Duration, settings: &Settings) -> Option<Outcome> {
        let picture = timing::answer(buffer);
        let sound = self.hearing.of(time, &settings.of_sound());
        let fused = self.joined.lock().fuse(time, picture, sound, settings);
        match fused {
            Ok(outcome) => Some(outcome),
            Err(error) => {
                if let Some(error) = error {
                    gst::element_imp_warning!(
                        self,
                        gst::StreamError::Format,
                        ("Answers about picture and sound are not fused: {error}")
                    );
                }
                None
            }
        }
    }

    fn attach(&self, buffer: &mut gst::BufferRef, outcome: &mut Outcome, size: (u32, u32)) {
        let combined = match &outcome.answer {
            Some(crate::answer::Answer::Score(score)) => metas::replace_score(buffer, *score),
            Some(answer) => metas::attach(buffer, answer, &outcome.labels, size),
            None => Ok(()),
        };
        let heard = outcome.heard.take().map_or(Ok(()), |it| {
            metas::attach_heard(buffer, &gst::Structure::from(it))
        });
        for error in [combined, heard].into_iter().filter_map(Result::err) {
            gst::warning!(CAT, imp = self, "A frame goes without its answer: {error}");
        }
    }

    fn tell(&self, buffer: &gst::BufferRef, time: Duration, mut told: Fused, settings: &Settings) {
        if settings.info_messages {
            let is_due = {
                let mut picture = self.picture.lock();
                let is_due = picture
                    .told
                    .is_none_or(|last| time < last || last + TELLING <= time);
                if is_due {
                    picture.told = Some(time);
                }
                is_due
            };
            if is_due {
                let line = line(&told, time);
                // gst-launch-1.0 prints the second text of an INFO message only.
                gst::element_imp_info!(self, gst::CoreError::Failed, ("{line}"), ["{line}"]);
            }
        }
        if settings.post_messages {
            told.pts = buffer.pts();
            told.running_time = gst::ClockTime::try_from(time).ok();
            let obj = self.obj();
            let message = gst::message::Element::builder(told.into()).src(&*obj).build();
            // Fails only without a bus, that is outside of a pipeline.
            let _ = obj.post_message(message);
        }
    }

    pub(super) fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::StreamStart(_) => self.upstream.forget(),
            gst::EventView::Caps(caps) => self.picture.lock().size = size(caps.caps()),
            gst::EventView::Segment(segment) => {
                let is_in_time = self.picture.lock().timing.set_segment(segment);
                self.expect_time(Side::Picture, is_in_time);
            }
            gst::EventView::FlushStart(_) => self.hearing.interrupt(),
            gst::EventView::FlushStop(_) => {
                {
                    let mut picture = self.picture.lock();
                    picture.timing.clear();
                    picture.told = None;
                }
                self.joined.lock().flush(Side::Picture);
                self.hearing.go_on();
            }
            gst::EventView::Eos(_) => self.tell_who_was_silent(),
            _ => (),
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    /// Warns, once, of a stream that has no time, so that nothing of the other one belongs to it.
    fn expect_time(&self, side: Side, is_in_time: bool) {
        if is_in_time
            || self.linked_sound().is_none()
            || std::mem::replace(&mut self.picture.lock().was_untimed, true)
        {
            return;
        }
        let what = match side {
            Side::Picture => "Frames come without PTS or not in a segment in time",
            Side::Sound => "Sound does not come in a segment in time",
        };
        gst::element_imp_warning!(
            self,
            gst::StreamError::Format,
            ("{what}, so that nothing says what belongs together, and frames pass as they are"),
            ["Set format=time and do-timestamp=true on the source, or put a parser or decoder before it"]
        );
    }

    /// Warns of a side that said nothing on the whole stream, so that nothing was fused.
    fn tell_who_was_silent(&self) {
        let stats = self.stats();
        if stats.frames == 0 || 0 < stats.both || self.linked_sound().is_none() {
            return;
        }
        for (spoke, side, pad) in [
            (stats.picture_only, "picture", "sink"),
            (stats.sound_only, "sound", "sound"),
        ] {
            if spoke == 0 {
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Format,
                    (
                        "No answer about the {side} came for any of {} frames, so nothing was fused; put avrec-infer with task=classify or task=score before the pad {pad}",
                        stats.frames
                    )
                );
            }
        }
    }

    pub(super) fn take_sound(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.hearing.hear(&buffer, timing::answer(&buffer));
        Ok(gst::FlowSuccess::Ok)
    }

    pub(super) fn sound_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::StreamStart(_) => self.upstream.forget(),
            gst::EventView::Caps(caps) => self.hearing.set_caps(caps.caps()),
            gst::EventView::Segment(segment) => {
                let is_in_time = self.hearing.set_segment(segment);
                self.expect_time(Side::Sound, is_in_time);
            }
            gst::EventView::Gap(gap) => {
                let (start, duration) = gap.get();
                self.hearing.gap(start, duration);
            }
            gst::EventView::FlushStart(_) => self.hearing.flush(),
            gst::EventView::FlushStop(_) => self.forget_sound(),
            gst::EventView::Eos(_) | gst::EventView::SegmentDone(_) => self.hearing.end(),
            _ => (),
        }
        true
    }

    fn forget_sound(&self) {
        self.hearing.flushed();
        self.joined.lock().flush(Side::Sound);
    }

    /// Another stream of sound comes.
    pub(super) fn sound_linked(&self) {
        self.forget_sound();
        self.latency_changed();
    }

    /// No more sound comes; a frame that waits for it goes on.
    pub(super) fn sound_unlinked(&self) {
        self.hearing.end();
        self.latency_changed();
    }

    pub(super) fn src_event(&self, event: gst::Event) -> bool {
        upstream::send(&self.sinkpad, self.linked_sound().as_ref(), event)
    }

    pub(super) fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        let gst::QueryViewMut::Latency(query) = query.view_mut() else {
            return gst::Pad::query_default(pad, Some(&*self.obj()), query);
        };
        let sound = self.linked_sound();
        let upstream = self.upstream.ask_latency(&self.sinkpad, sound.as_ref());
        let own = match upstream.is_live && sound.is_some() {
            true => self.settings.lock().latency,
            false => gst::ClockTime::ZERO,
        };
        // What waits here fills a queue before it, which counts in `max` itself.
        query.set(upstream.is_live, upstream.min.saturating_add(own), upstream.max);
        true
    }

    /// Has the pipeline ask for the latency anew.
    pub(super) fn latency_changed(&self) {
        self.upstream.forget();
        let message = gst::message::Latency::builder().src(&*self.obj()).build();
        // Fails only without a bus, that is outside of a pipeline.
        let _ = self.obj().post_message(message);
    }

    pub(super) fn window_changed(&self) {
        let window = self.settings.lock().quality_window;
        self.joined.lock().set_window(window);
    }
}

/// Reads a fit; what failed, and why.
fn read(file: &str) -> Result<Fusion, (String, String)> {
    let text = bounded_file::read_text(Path::new(file), MOST_BYTES);
    let fault = |cause: String| (format!("The fit {file} cannot be used: {cause}"), file.to_owned());
    let text = text.map_err(|it| fault(it.to_string()))?;
    Fusion::from_toml(&text).map_err(|it| fault(it.to_string()))
}

/// Width and height in pixels; zero where caps do not say them.
fn size(caps: &gst::CapsRef) -> (u32, u32) {
    let field = |name| {
        let value = caps.structure(0).and_then(|it| it.get::<i32>(name).ok());
        value.and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
    };
    (field("width"), field("height"))
}
