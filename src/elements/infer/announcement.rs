// SPDX-License-Identifier: MPL-2.0

//! What is told when a model answers from now on.

use std::collections::BTreeSet;

use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::element::Infer;
use super::enums::Encoding;
use super::failure::Fault;
use super::stats::Running;
use super::{CAT, assumptions};
use crate::messages::ModelLoaded;
use crate::runtime::{Task, source};

/// Tells of the model that has taken over.
pub(super) fn announce(infer: &Infer, running: &Running) {
    let path = running.path.display();
    gst::info!(
        CAT,
        imp = infer,
        "Running {path} as {} of scale {} with {} ({})",
        running.model.task.name(),
        running.model.scale,
        running.told.loaded.backend,
        running.told.loaded.backend_note
    );
    for assumed in &running.assumed {
        gst::info!(CAT, imp = infer, "{assumed}");
    }
    tell_backend(infer, running);
    tell_assumptions(infer, running);
    tell_traffic(infer, running);
    for warning in &running.warnings {
        gst::warning!(CAT, imp = infer, "{warning}");
        Fault::Doubt(warning.clone()).post_warning(&infer.obj());
    }
    let (live, interval) = infer.settings.lock().of_frames();
    let task = running.model.task;
    if task.replaces() && interval != 1 {
        gst::warning!(
            CAT,
            imp = infer,
            "inference-interval={interval} has no effect with task={}",
            task.name()
        );
    }
    if task != Task::Score && live.key_frames {
        gst::warning!(
            CAT,
            imp = infer,
            "key-frames has no effect with task={}",
            task.name()
        );
    }
    let model = running.told.loaded.clone();
    infer.post(ModelLoaded { model }.into());
    infer.obj().notify("model-file");
}

/// Tells who reads a console what a model on a server needs of the network, unless the element has told just that.
pub(super) fn tell_traffic(infer: &Infer, running: &Running) {
    let stream = infer.state.lock().stream.clone();
    let (Some((frames, _)), Some(dims)) = (stream, &running.told.input_dims) else {
        return;
    };
    let is_raw = infer.settings.lock().remote.encoding == Encoding::Raw;
    if source::server(&running.path).is_none() || !is_raw {
        return;
    }
    let bytes = dims.iter().product::<u64>() * running.model.input.element_type.bytes() as u64;
    let rate = f64::from(frames.fps().numer()) / f64::from(frames.fps().denom());
    let text = format!(
        "{} gets {bytes} bytes a frame{}; fewer with a smaller input-size, a model that takes uint8, or encoding=jpeg and a \
         model that decodes.",
        running.path.display(),
        match 0.0 < rate {
            true => format!(
                ", {:.0} Mbit/s at {rate:.3} frames a second",
                8e-6 * bytes as f64 * rate
            ),
            false => String::new(),
        }
    );
    if infer.told.lock().insert(text.clone()) {
        infer.inform(&text);
    }
}

/// Tells who reads a console which library runs models where nobody asked for it, once in a process: it is the same for
/// all elements.
fn tell_backend(infer: &Infer, running: &Running) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if let Some(news) = &running.backend_news
        && TOLD.lock().insert(news.clone())
    {
        infer.inform(news);
    }
}

/// Tells who reads a console what was assumed of the model, unless the element has told just that.
fn tell_assumptions(infer: &Infer, running: &Running) {
    let file = running.path.file_name().unwrap_or_default().to_string_lossy();
    let Some(text) = assumptions::of_model(&file, &running.model) else {
        return;
    };
    if infer.told.lock().insert(text.clone()) {
        infer.inform(&text);
    }
}
