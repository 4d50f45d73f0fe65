// SPDX-License-Identifier: MPL-2.0

//! What an element says of what it does, when somebody asks: a switch why it is this candidate, a model what it is taken for.

use gst::glib;
use gst::prelude::*;
use serde_json::{Value, json};

use crate::messages::{self, InferStats};

/// The explanation as JSON, with `text` in sentences; none of an element that has nothing to explain.
pub fn explanation(element: &gst::Element) -> Option<Value> {
    if glib::subclass::SignalId::lookup("explain", element.type_()).is_some() {
        let told = element.emit_by_name::<Option<gst::Structure>>("explain", &[]);
        return told.map(|it| messages::json(&it));
    }
    let stats = element.property::<Option<gst::Structure>>("stats")?;
    let model = InferStats::try_from(&*stats).ok()?.model?.loaded;
    let statements: Vec<String> = (model.statements.iter())
        .map(|it| {
            let tensor = if it.tensor.is_empty() {
                String::new()
            } else {
                format!(" of {}", it.tensor)
            };
            format!("{}{tensor}: {} ({})", it.key, it.value, it.origin)
        })
        .collect();
    let assumed = match model.assumed.as_str() {
        "" => "Nothing was assumed: all of it was said.",
        assumed => assumed,
    };
    Some(json!({
        "text": format!("Its task is {}. {} runs it. {assumed}", model.task.name(), model.backend),
        "statements": statements,
    }))
}
