// SPDX-License-Identifier: MPL-2.0

//! A run of a lane, as those count it who share the processors with it.

use std::sync::Arc;
use std::time::Duration;

use crate::group::Member;
use crate::machine::OwnRun;

/// A run on the processor, from its start until this is dropped.
#[derive(Debug)]
pub struct Serving {
    member: Option<Arc<Member>>,
    started: gst::ClockTime,
    _run: OwnRun,
}

impl Serving {
    pub fn start(member: Option<Arc<Member>>, started: gst::ClockTime) -> Serving {
        if let Some(member) = &member {
            member.started(started.into());
        }
        Serving {
            member,
            started,
            _run: OwnRun::start(),
        }
    }

    /// Ends the run, whose thread `used` so much of a processor if it did the work; returns what it would have taken without the
    /// group's other runs, and nothing where there is no group.
    pub fn end(mut self, used: Option<Duration>) -> Option<Duration> {
        let member = self.member.take()?;
        let now = gst::get_timestamp().into();
        Some(member.ended(self.started.into(), now, used))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(member) = &self.member {
            member.ended(self.started.into(), gst::get_timestamp().into(), None);
        }
    }
}
