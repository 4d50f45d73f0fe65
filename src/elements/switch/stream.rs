// SPDX-License-Identifier: MPL-2.0

//! What belongs to the streaming thread: the policy's adapter, the order of what leaves, and what it knows of the stream.
//!
//! The chain function, the serialized events and the changes of state while the pads are inactive borrow it, and never
//! two of them at once; so it needs no lock.

use std::sync::Arc;

use super::audio::AudioStream;
use super::group_share::ToldPlace;
use super::memory::usage::Usage;
use super::pads::output::StickyOrder;
use super::policy_adapter::PolicyAdapter;
use super::settings::Settings;
use super::start_state::Start;
use super::teaching::ToldTeaching;
use super::unanswered::Unanswered;
use super::video::convert::Conversion;
use super::video::cuts::Cuts;
use super::view::{Published, Totals, View};
use crate::machine::Monitor;
use crate::policy::Availability;

/// All that belongs to the streaming thread.
#[derive(Debug)]
pub struct Streaming {
    pub control: Control,
    pub stream: Stream,
}

/// What it needs whatever the stream is.
#[derive(Debug)]
pub struct Control {
    pub adapter: PolicyAdapter,
    /// What the machine says of its load; nothing where it says nothing, and while the stream stands.
    pub machine: Option<Arc<Monitor>>,
    pub output: StickyOrder,
    /// The `output-caps` to which a frame has left already.
    pub held_for: Option<gst::Caps>,
    pub totals: Totals,
    /// What was shown before the newest, whose memory the next one takes, so that a frame allocates nothing.
    pub spare: Option<Arc<View>>,
    /// Who could run beside when that was last asked.
    pub beside: Vec<Availability>,
    pub told_teaching: ToldTeaching,
    pub told_place: ToldPlace,
    pub unanswered: Unanswered,
    pub start: Start,
    pub usage: Usage,
}

impl Control {
    /// Shows what is known now: when it is decided who answers a frame, and before the frame leaves.
    pub fn publish(&mut self, published: &Published) {
        let spare = self.spare.take();
        self.spare = Some(published.publish(spare, &self.totals, &self.adapter));
    }
}

/// What passes; chosen when the caps come.
#[derive(Debug)]
pub enum Stream {
    Video(VideoStream),
    Audio(Box<AudioStream>),
}

/// A stream of frames that are answered one by one: pictures, and whatever else is no audio that can be cross-faded.
#[derive(Debug, Default)]
pub struct VideoStream {
    /// Caps of the frames that come in.
    pub caps: Option<gst::Caps>,
    /// The frame itself would have done until these caps came, and nobody has answered since: so it still does.
    pub passes: bool,
    /// How frames are made to look like what leaves, once that was needed.
    pub conversion: Option<Box<Conversion>>,
    /// Looks for cuts in the frames, where that can be done.
    pub cuts: Option<Box<Cuts>>,
}

impl Streaming {
    pub fn new(settings: Arc<Settings>) -> Streaming {
        Streaming {
            control: Control {
                adapter: PolicyAdapter::new(settings),
                machine: None,
                output: StickyOrder::default(),
                held_for: None,
                totals: Totals::default(),
                spare: None,
                beside: Vec::new(),
                told_teaching: ToldTeaching::default(),
                told_place: ToldPlace::default(),
                unanswered: Unanswered::default(),
                start: Start::default(),
                usage: Usage::default(),
            },
            stream: Stream::Video(VideoStream::default()),
        }
    }

    /// Gets ready for a new stream; what the policy has learned stays.
    pub fn restart(&mut self) {
        (self.control.output, self.control.held_for) = (StickyOrder::default(), None);
        self.control.totals = Totals::default();
        (self.control.unanswered, self.control.start) = (Unanswered::default(), Start::default());
        self.control.usage = Usage::default();
        self.stream = Stream::Video(VideoStream::default());
    }
}
