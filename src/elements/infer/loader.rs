// SPDX-License-Identifier: MPL-2.0

//! The thread that loads models and lets go of old ones, so that neither happens on a streaming thread.
//!
//! It is there while it loads, and until a model that it brought has taken over from another one, which it lets go of
//! then. It is never joined: a load that takes long, or for ever, holds nobody up. What it brings after `stop` is
//! recognised by its epoch and dropped.

use gst::glib;
use gst::subclass::prelude::*;

use super::failure::Fault;
use super::model::Active;
use super::state::{Job, Request};
use super::video_model::output_info;
use super::{Infer, element};
use crate::elements::on_demand::{Inbox, Next, OnDemand};

/// Takes what became of a wish of the start with this number.
pub type Deliver = fn(&element::Infer, u64, &Request, Result<Box<Active>, Fault>) -> Next;

/// Brings what is asked for to `deliver`; the thread ends when this is dropped and the running load, if any, is done.
pub fn loader(element: glib::WeakRef<Infer>, epoch: u64, deliver: Deliver) -> OnDemand<Job> {
    OnDemand::new("avrec-load".into(), move |job, jobs: &Inbox<Job>| {
        work(&element, epoch, (job, jobs), deliver)
    })
}

fn work(
    element: &glib::WeakRef<Infer>,
    epoch: u64,
    (job, jobs): (Job, &Inbox<Job>),
    deliver: Deliver,
) -> Next {
    let (mut request, mut loaded) = match job {
        Job::Load(request) => (*request, None),
        Job::Prepare(active) => (Request::of(&active), Some(active)),
        Job::Retire(old) => {
            drop(old);
            return Next::End;
        }
    };
    // Of several wishes the last one counts, also when it comes during a load.
    if let Some(newer) = newest(jobs) {
        (request, loaded) = (newer, None);
    }
    let mut result = make_ready(element, epoch, &request, loaded);
    while let Some(newer) = newest(jobs) {
        drop(result);
        request = newer;
        result = make_ready(element, epoch, &request, None);
    }
    match element.upgrade() {
        Some(element) => deliver(element.imp(), epoch, &request, result),
        None => Next::End,
    }
}

/// Returns the last wish in the queue and drops models on the way: those that retired, and those of older
/// wishes.
fn newest(jobs: &Inbox<Job>) -> Option<Request> {
    let wishes = jobs.take_all().into_iter().filter_map(|job| match job {
        Job::Load(request) => Some(*request),
        Job::Prepare(_) | Job::Retire(_) => None,
    });
    wishes.last()
}

/// Loads a model, if it is not `loaded`, and, if frames flow, makes it ready for them and warms it.
fn make_ready(
    element: &glib::WeakRef<Infer>,
    epoch: u64,
    request: &Request,
    loaded: Option<Box<Active>>,
) -> Result<Box<Active>, Fault> {
    let mut active = match loaded {
        Some(active) => active,
        None => Box::new(Active::load(
            &request.path,
            request.options.clone(),
            request.answers.clone(),
            request.stop.clone(),
        )?),
    };
    let sound = element.upgrade().and_then(|element| element.imp().sound(epoch));
    if let Some(sound) = sound {
        active.prepare_audio(&sound)?;
        active.warm_up()?;
        active.forget_stream();
        return Ok(active);
    }
    // The element is not held while something runs for long.
    let stream = element.upgrade().and_then(|element| element.imp().stream(epoch));
    let Some((input, output)) = stream else {
        return Ok(active);
    };
    let Some(wanted) = output_info(&input, &active.model) else {
        return Err(Fault::Downstream {
            caps: format!("frames {} times as large", active.model.scale),
        });
    };
    if wanted != output {
        let element = element.upgrade();
        if let Some(caps) = element.and_then(|element| element.imp().refused_downstream(&wanted)) {
            return Err(Fault::Downstream {
                caps: caps.to_string(),
            });
        }
    }
    active.prepare_video(&input, &wanted)?;
    active.warm_up()?;
    Ok(active)
}
