// SPDX-License-Identifier: MPL-2.0

//! What the element holds, and what happens to what comes on its pads.

use std::path::Path;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::CAT;
use super::heard::{Hearing, Waited};
use super::joined::{Joined, Outcome};
use super::settings::Settings;
use super::timing::{self, Timing};
use crate::bounded_file;
use crate::elements::unit_mistake;
use crate::media::metas;
use crate::messages::{FuseStats, Fused};
use crate::recommend::fusion::Fusion;

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
    /// What both paths before it say of themselves; `None` where they were not asked since something changed.
    upstream: Mutex<Option<Upstream>>,
}

/// What is known of the stream that passes.
#[derive(Default)]
struct Picture {
    timing: Timing,
    /// Width and height in pixels.
    size: (u32, u32),
    told: Option<Duration>,
    was_stalled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upstream {
    pub is_live: bool,
    pub min: gst::ClockTime,
    /// `None` is without bound.
    pub max: Option<gst::ClockTime>,
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
            upstream: Mutex::default(),
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
        *self.upstream.lock() = None;
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
        if let Some(time) = time {
            let settings = self.settings.lock().clone();
            self.wait(time, &settings);
            if let Some(outcome) = self.fuse(&buffer, time, &settings) {
                self.attach(buffer.make_mut(), &outcome, size);
                if let Some(told) = outcome.told {
                    self.tell(&buffer, time, told, &settings);
                }
            }
        }
        self.srcpad.push(buffer)
    }

    /// Waits for the sound that belongs to a frame.
    fn wait(&self, time: Duration, settings: &Settings) {
        let is_linked = self.soundpad.lock().as_ref().is_some_and(|it| it.is_linked());
        if !is_linked {
            return;
        }
        let upstream = self.upstream();
        let deadline = self.deadline(time, upstream, settings.latency);
        let until = time + Duration::from(settings.latency);
        let waited = self.hearing.wait(until, deadline);
        if waited != Waited::Enough {
            self.joined.lock().stats.late += 1;
        }
        if waited == Waited::Stalled && !std::mem::replace(&mut self.picture.lock().was_stalled, true) {
            gst::element_imp_warning!(
                self,
                gst::CoreError::Clock,
                ("No sound has come for a second to the frame at {time:?}; frames pass without it until it has caught up"),
                [
                    "Both streams wait for each other if a queue before `sound` or `sink` is full: give them max-size-time=0 max-size-bytes=0 max-size-buffers=0"
                ]
            );
        }
    }

    /// When a frame must go on: in a live pipeline, after the latency that is declared; `None` in others.
    fn deadline(&self, time: Duration, upstream: Upstream, latency: gst::ClockTime) -> Option<Instant> {
        if !upstream.is_live {
            return None;
        }
        let (clock, base) = (self.obj().clock()?, self.obj().base_time()?);
        let due = base + gst::ClockTime::try_from(time).ok()? + upstream.min + latency;
        Some(Instant::now() + Duration::from(due.saturating_sub(clock.time())))
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

    fn attach(&self, buffer: &mut gst::BufferRef, outcome: &Outcome, size: (u32, u32)) {
        let combined = match &outcome.answer {
            Some(crate::answer::Answer::Score(score)) => metas::replace_score(buffer, *score),
            Some(answer) => metas::attach(buffer, answer, &outcome.labels, size),
            None => Ok(()),
        };
        let heard = outcome.heard.clone().map_or(Ok(()), |it| {
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
            gst::EventView::Caps(caps) => self.picture.lock().size = size(caps.caps()),
            gst::EventView::Segment(segment) => self.picture.lock().timing.set_segment(segment),
            gst::EventView::FlushStart(_) => self.hearing.interrupt(),
            gst::EventView::FlushStop(_) => {
                self.picture.lock().timing.clear();
                self.hearing.go_on();
            }
            gst::EventView::Eos(_) => self.tell_who_was_silent(),
            _ => (),
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    /// Warns of a side that said nothing on the whole stream, so that nothing was fused.
    fn tell_who_was_silent(&self) {
        let stats = self.stats();
        let is_linked = self.soundpad.lock().as_ref().is_some_and(|it| it.is_linked());
        if stats.frames == 0 || 0 < stats.both || !is_linked {
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
            gst::EventView::Segment(segment) => self.hearing.set_segment(segment),
            gst::EventView::Gap(gap) => {
                let (start, duration) = gap.get();
                self.hearing
                    .gap(Some(start + duration.unwrap_or(gst::ClockTime::ZERO)));
            }
            gst::EventView::FlushStart(_) => self.hearing.flush(),
            gst::EventView::FlushStop(_) => self.hearing.flushed(),
            gst::EventView::Eos(_) => self.hearing.end(),
            _ => (),
        }
        true
    }

    pub(super) fn src_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        let gst::QueryViewMut::Latency(query) = query.view_mut() else {
            return gst::Pad::query_default(pad, Some(&*self.obj()), query);
        };
        let upstream = self.ask_upstream();
        *self.upstream.lock() = Some(upstream);
        let own = match upstream.is_live {
            true => self.settings.lock().latency,
            false => gst::ClockTime::ZERO,
        };
        // What waits here fills a queue before it, which counts in `max` itself.
        query.set(upstream.is_live, upstream.min + own, upstream.max);
        true
    }

    fn upstream(&self) -> Upstream {
        let known = *self.upstream.lock();
        known.unwrap_or_else(|| {
            let asked = self.ask_upstream();
            *self.upstream.lock() = Some(asked);
            asked
        })
    }

    /// The slower one of both paths.
    fn ask_upstream(&self) -> Upstream {
        let soundpad = self.soundpad.lock().clone();
        let mut both = Upstream {
            is_live: false,
            min: gst::ClockTime::ZERO,
            max: None,
        };
        for pad in [Some(&self.sinkpad), soundpad.as_ref()].into_iter().flatten() {
            let mut query = gst::query::Latency::new();
            if !pad.peer_query(&mut query) {
                continue;
            }
            let (is_live, min, max) = query.result();
            if is_live {
                both.is_live = true;
                both.min = both.min.max(min);
                both.max = match (both.max, max) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
        both
    }

    /// Has the pipeline ask for the latency anew.
    pub(super) fn latency_changed(&self) {
        *self.upstream.lock() = None;
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

/// An answer in words.
fn line(told: &Fused, time: Duration) -> String {
    let named = |classes: &Option<Vec<crate::messages::Class>>, score: Option<f64>| {
        let best = classes.as_ref().and_then(|it| it.first());
        match (best, score) {
            (Some(best), _) => format!("{} {:.3}", best.label, best.confidence),
            (None, Some(score)) => format!("{score:.3}"),
            (None, None) => "nothing".to_owned(),
        }
    };
    let side = |side: &Option<crate::messages::Nested<crate::messages::FusedSide>>| match side {
        Some(it) => named(&it.0.classes, it.0.score),
        None => "nothing".to_owned(),
    };
    format!(
        "at {:.2} s {}: picture says {} (weight {:.2}), sound says {} (weight {:.2})",
        time.as_secs_f64(),
        named(&told.combined.classes, told.combined.score),
        side(&told.picture),
        told.picture_weight,
        side(&told.sound),
        told.sound_weight
    )
}
