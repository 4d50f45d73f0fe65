// SPDX-License-Identifier: MPL-2.0

//! A run of a lane, as those count it who share the processors with it.

use std::sync::Arc;

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
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(member) = &self.member {
            member.ended(self.started.into(), gst::get_timestamp().into());
        }
    }
}
