// SPDX-License-Identifier: MPL-2.0

//! The thread that loads models and lets go of old ones, so that neither happens on a streaming thread.
//!
//! It lives from `start` to `stop` and is never joined: a load that takes long, or for ever, holds
//! nobody up. What it brings after `stop` is recognised by its epoch and dropped.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};

use gst::glib;
use gst::subclass::prelude::*;

use super::Infer;
use super::active::{Active, output_info};
use super::failure::Fault;
use crate::runtime::Options;

pub enum Job {
    Load(Request),
    /// Drops a model that was replaced.
    Retire(Box<Active>),
}

pub struct Request {
    pub path: PathBuf,
    pub options: Options,
}

/// Starts the thread; it ends when the sender is dropped and the running load, if any, is done.
pub fn spawn(element: glib::WeakRef<Infer>, epoch: u64) -> std::io::Result<Sender<Job>> {
    let (sender, jobs) = mpsc::channel();
    std::thread::Builder::new()
        .name("avrec-load".into())
        .spawn(move || work(&element, epoch, &jobs))?;
    Ok(sender)
}

fn work(element: &glib::WeakRef<Infer>, epoch: u64, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        let mut request = match job {
            Job::Load(request) => request,
            Job::Retire(old) => {
                drop(old);
                continue;
            }
        };
        // Of several wishes the last one counts, also when it comes during a load.
        while let Some(newer) = newest(jobs) {
            request = newer;
        }
        let mut result = load(element, epoch, &request);
        while let Some(newer) = newest(jobs) {
            drop(result);
            request = newer;
            result = load(element, epoch, &request);
        }
        let Some(element) = element.upgrade() else { return };
        element.imp().loaded(epoch, &request, result.map(Box::new));
    }
}

/// Returns the last wish in the queue and drops retired models on the way.
fn newest(jobs: &Receiver<Job>) -> Option<Request> {
    jobs.try_iter()
        .filter_map(|job| {
            if let Job::Load(request) = job {
                Some(request)
            } else {
                None
            }
        })
        .last()
}

/// Loads a model and, if frames flow, makes it ready for them and warms it.
fn load(element: &glib::WeakRef<Infer>, epoch: u64, request: &Request) -> Result<Active, Fault> {
    let mut active = Active::load(&request.path, request.options.clone())?;
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
    active.adopt(&input, &wanted)?;
    active.warm_up()?;
    Ok(active)
}
