// SPDX-License-Identifier: MPL-2.0

//! What the models of a candidate say that they are for.

use gst::glib;
use gst::prelude::*;

use super::elements::LaneElements;
use super::tally::Model;
use crate::elements::infer;
use crate::elements::switch::experience::fingerprint;
use crate::elements::switch::fact::Fact;
use crate::elements::switch::shared::Shared;
use crate::messages::{Message, ModelLoaded};
use crate::runtime::Task;

/// Takes in that a model of the candidate was loaded, if the message says so.
pub fn heard(core: &Shared, lane: &LaneElements, message: &gst::Message) {
    let (Some(source), Some(structure)) = (message.src(), message.structure()) else {
        return;
    };
    if structure.name() != ModelLoaded::NAME {
        return;
    }
    let (Ok(Message::ModelLoaded(loaded)), Some(tally)) =
        (structure.try_into(), core.lanes.tally(lane.number))
    else {
        return;
    };
    let task = loaded.model.task;
    tally.declare(Model {
        element: source.path_string().into(),
        task,
        labels: infer::labels(source),
        is_on_frames: is_on_frames(source, task),
    });
    identify(core, lane);
    // Somebody may wait for the load.
    core.lanes.change(|_| ());
    core.look_at_candidates();
}

/// Finds out which candidate it is, where that is wanted to remember what was learned of it.
pub fn identify(core: &Shared, lane: &LaneElements) {
    if core.experience.remembered().is_none() {
        return;
    }
    let (fingerprint, tally) = (
        fingerprint::of(&all(&lane.candidate)),
        core.lanes.tally(lane.number),
    );
    if let (Some(fingerprint), Some(tally)) = (fingerprint, tally) {
        tally.identify(&fingerprint);
        core.facts.put(Fact::Identified);
    }
}

/// Whether answers of this task leave on the frames, and not in messages alone.
fn is_on_frames(infer: &gst::Object, task: Task) -> bool {
    let is_alpha = || {
        let output = infer
            .find_property("output")
            .map(|_| infer.property_value("output"));
        let nick = output
            .as_ref()
            .and_then(|it| Some(glib::EnumValue::from_value(it)?.1.nick()));
        nick == Some("alpha")
    };
    match task {
        Task::Tensor => false,
        Task::Matte => is_alpha(),
        Task::Segment => cfg!(feature = "analytics") || is_alpha(),
        Task::Detect | Task::Classify | Task::Score | Task::Text | Task::Image | Task::Audio => true,
    }
}

/// How many models the elements have, the parts of bins included.
pub fn models(elements: &[gst::Element]) -> usize {
    all(elements).iter().filter(|it| infer::is_one(it)).count()
}

/// What tells the models of the elements from others, none where they have no model, and the bytes of their files.
pub fn models_of(elements: &[gst::Element]) -> (Option<String>, u64) {
    let models: Vec<_> = all(elements).iter().filter_map(infer::model_of).collect();
    let keys: Vec<&str> = models.iter().map(|it| &*it.0).collect();
    let bytes = models.iter().map(|it| it.1).sum();
    ((!keys.is_empty()).then(|| keys.join("\n")), bytes)
}

/// Loads the libraries that the models of the elements may need, so far as these are not loaded.
pub fn load_libraries(elements: &[gst::Element]) {
    all(elements).iter().for_each(infer::load_library);
}

/// The elements, and those in bins instead of these.
fn all(elements: &[gst::Element]) -> Vec<gst::Element> {
    let parts = |it: &gst::Element| match it.downcast_ref::<gst::Bin>() {
        Some(bin) => bin.iterate_recurse().into_iter().flatten().collect(),
        None => vec![it.clone()],
    };
    elements.iter().flat_map(parts).collect()
}
