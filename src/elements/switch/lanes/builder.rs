// SPDX-License-Identifier: MPL-2.0

//! From children to lanes: who is a candidate, and how its lane is put together and taken apart.

use std::sync::Arc;

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::declared::models;
use super::elements::{LaneElements, free_pad, unlink};
use super::lane::PROCESSOR;
use super::misfit::Misfit;
use super::negotiation::of_unlinked;
use super::server;
use super::supervisor::{LaneSupervisor, StateRequest};
use super::watchdog::supervisor_reported;
use crate::elements::switch::AvrecSwitch;
use crate::elements::switch::CAT;
use crate::elements::switch::pads::functions;
use crate::elements::switch::pads::parts::Watch;
use crate::elements::switch::shared::Shared;
use crate::policy::Prior;
use crate::runtime::ExecutionProvider;

/// The elements of one candidate, from the child with the free sink pad to the one with the free source pad.
///
/// # Errors
///
/// When the child, or what is linked behind it, does not have exactly one sink and one source pad.
pub fn chain_from(head: &gst::Element) -> Result<Vec<gst::Element>, Misfit> {
    let mut chain = vec![head.clone()];
    let mut tail = head.clone();
    loop {
        check_pads(&tail)?;
        let next = tail
            .src_pads()
            .first()
            .and_then(|it| it.peer())
            .and_then(|it| it.parent_element());
        match next {
            Some(next) if !chain.contains(&next) => {
                chain.push(next.clone());
                tail = next;
            }
            _ => return Ok(chain),
        }
    }
}

fn check_pads(element: &gst::Element) -> Result<(), Misfit> {
    let (sinks, sources) = (element.sink_pads().len(), element.src_pads().len());
    if (sinks, sources) == (1, 1) {
        return Ok(());
    }
    Err(Misfit {
        cause: format!(
            "{} has {sinks} sink pads and {sources} source pads",
            element.name()
        ),
        remedy: "a candidate is an element or a bin with one always sink pad and one always source pad"
            .into(),
    })
}

/// Heads of the candidates among `children`: those that no other child feeds.
pub fn heads(children: &[gst::Element]) -> Vec<gst::Element> {
    let is_fed = |child: &gst::Element| {
        let feeders = child
            .sink_pads()
            .into_iter()
            .filter_map(|it| it.peer()?.parent_element());
        feeders.into_iter().any(|it| children.contains(&it))
    };
    children.iter().filter(|it| !is_fed(it)).cloned().collect()
}

/// Moves links that the launch-line parser made through the bin's wall onto the switch's own pads.
///
/// For `a ! avrec-switch.( x y ) ! b` the parser links a with x and y with b by ghost pads of its own.
pub fn adopt_outer_links(switch: &AvrecSwitch, own: &[&gst::GhostPad]) {
    for pad in switch.pads() {
        let Some(own) = own.iter().find(|it| it.direction() == pad.direction()) else {
            continue;
        };
        if &pad == own.upcast_ref::<gst::Pad>() {
            continue;
        }
        let peer = pad.peer();
        let (Some(ghost), false) = (pad.downcast_ref::<gst::GhostPad>(), own.is_linked()) else {
            continue;
        };
        unlink(&pad);
        // Frees the child's pad for its lane.
        let _ = ghost.set_target(gst::Pad::NONE);
        let _ = switch.remove_pad(&pad);
        let Some(peer) = peer else { continue };
        let own: &gst::Pad = own.upcast_ref();
        let linked = if own.direction() == gst::PadDirection::Src {
            own.link(&peer)
        } else {
            peer.link(own)
        };
        if let Err(error) = linked {
            gst::warning!(
                CAT,
                obj = switch,
                "{} does not link with the switch: {error}",
                peer.name()
            );
        }
    }
}

/// Makes a lane of a candidate, which runs on `device` if that is told; a server is a device by itself.
///
/// # Errors
///
/// When the child cannot be one.
pub fn add_lane(
    core: &Arc<Shared>,
    head: &gst::Element,
    prior: Prior,
    device: Option<&str>,
) -> Result<(), Misfit> {
    let name = head.name();
    let chain = chain_from(head)?;
    let own = server::of(head).or_else(|| device_of(head));
    let device = device.or(own.as_deref());
    let lane = make_lane(core, (&name, prior, device), chain.clone());
    let lane = lane.map_err(|cause| of_unlinked(core, &chain, cause))?;
    gst::debug!(CAT, "Lane {} is candidate {name}", lane.number);
    Ok(())
}

/// Where a child says itself that it runs, unless that is the processor: avrec-infer has `execution-provider` and `device`.
fn device_of(head: &gst::Element) -> Option<String> {
    head.find_property("execution-provider")?;
    let provider = head.property_value("execution-provider");
    let (_, provider) = gst::glib::EnumValue::from_value(&provider)?;
    let number = head
        .find_property("device")
        .filter(|it| it.value_type() == String::static_type());
    let number = number.and_then(|_| head.property::<Option<String>>("device"));
    let device = number.as_deref().unwrap_or_default();
    let hardware = match ExecutionProvider::named(provider.nick()) {
        Some(provider) => provider.hardware(device),
        // Of another element.
        None => format!("{}:{device}", provider.nick()),
    };
    (hardware != PROCESSOR).then_some(hardware)
}

fn make_lane(
    core: &Arc<Shared>,
    (name, prior, device): (&str, Prior, Option<&str>),
    candidate: Vec<gst::Element>,
) -> Result<Arc<LaneElements>, String> {
    let switch = core.bus.element().ok_or("the switch is gone")?;
    let number = core.lanes.add(name, prior, device);
    let built = queue(&part_name((number, name), "queue"))
        .map_err(Into::into)
        .and_then(|queue| assemble(core, &switch, (number, name), (queue, candidate)));
    built.inspect_err(|_| core.lanes.remove(number))
}

/// The name of a private element of a lane, which says in dumps, logs and threads whose it is.
fn part_name((number, candidate): (usize, &str), part: &str) -> String {
    format!("lane-{number}-{candidate}-{part}")
}

/// The queue that gives a lane its thread.
fn queue(name: &str) -> Result<gst::Element, &'static str> {
    gst::ElementFactory::make("queue")
        .name(name)
        .property("max-size-buffers", 1u32)
        .property("max-size-bytes", 0u32)
        .property("max-size-time", 0u64)
        .property_from_str("leaky", "downstream")
        .property("silent", true)
        .property("flush-on-eos", true)
        .build()
        .map_err(|_| "the element queue is missing: install GStreamer's core elements")
}

/// Puts a lane together around a candidate, and shows it.
fn assemble(
    core: &Arc<Shared>,
    switch: &AvrecSwitch,
    (number, name): (usize, &str),
    (queue, candidate): (gst::Element, Vec<gst::Element>),
) -> Result<Arc<LaneElements>, String> {
    let watch = Watch::make(&part_name((number, name), "watch"));
    watch.serve(core, Some(number));
    let watch: gst::Element = watch.upcast();
    for element in [&queue, &watch] {
        add_private(switch, element)?;
    }
    let mut elements = vec![queue.clone(), watch.clone()];
    elements.extend(candidate.iter().cloned());
    for element in &elements {
        // The supervisor changes their state, so that none can hold up the bin.
        element.set_locked_state(true);
    }
    let weak = Arc::downgrade(core);
    let supervisor = LaneSupervisor::new(name, elements, move |report| {
        if let Some(core) = weak.upgrade() {
            supervisor_reported(&core, number, report);
        }
    });
    let imp = switch.imp();
    let (entry, exit) = (
        functions::lane_entry(&imp.entry, number),
        functions::lane_exit(&imp.exit, number),
    );
    add_pads(switch, &entry, &exit);
    let lane = Arc::new(LaneElements {
        number,
        name: name.into(),
        queue,
        watch,
        models: models(&candidate),
        candidate,
        entry,
        exit,
        supervisor,
    });
    core.telling.join(&core.lanes, &core.sink, lane.clone());
    lane.link().inspect_err(|_| remove_lane(core, &lane))?;
    Ok(lane)
}

/// Takes a lane apart; a frame that it has in hand is answered by somebody else.
pub fn remove_lane(core: &Shared, lane: &LaneElements) {
    core.lanes.remove(lane.number);
    core.memory.remove(lane.number);
    lane.unlink();
    for element in &lane.candidate {
        element.set_locked_state(false);
    }
    lane.supervisor.order(StateRequest::Go(gst::State::Null));
    core.endings.add(lane.supervisor.ending());
    if let Some(switch) = core.bus.element() {
        remove_private(&switch, lane);
    }
}

/// Adds an element that is no candidate.
fn add_private(switch: &AvrecSwitch, element: &gst::Element) -> Result<(), String> {
    let added = switch.imp().parent_add_element(element);
    added.map_err(|error| error.to_string())
}

/// Shows a new lane's pads on entry and exit.
fn add_pads(switch: &AvrecSwitch, entry: &gst::Pad, exit: &gst::Pad) {
    let imp = switch.imp();
    for (holder, pad) in [(&imp.entry, entry), (&imp.exit, exit)] {
        if gst::State::Ready < holder.current_state() {
            // A new pad without a peer has nothing that could refuse.
            let _ = pad.set_active(true);
        }
        let _ = holder.add_pad(pad);
    }
}

/// Takes a lane's private parts out of the bin.
fn remove_private(switch: &AvrecSwitch, lane: &LaneElements) {
    let imp = switch.imp();
    // They were put in together, so they come out together; a second removal finds nothing.
    let _ = imp.entry.remove_pad(&lane.entry);
    let _ = imp.exit.remove_pad(&lane.exit);
    for element in [&lane.queue, &lane.watch] {
        let _ = imp.parent_remove_element(element);
    }
}

/// Whether the child has both its ends free, so that it can be a candidate at once.
pub fn stands_alone(child: &gst::Element) -> bool {
    let is_free = |direction| free_pad(child, direction).is_some();
    is_free(gst::PadDirection::Sink) && is_free(gst::PadDirection::Src)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_that_says_where_it_runs_is_believed_and_all_others_run_on_the_processor() {
        gst::init().unwrap();
        crate::plugin_register_static().unwrap();
        let device = |line: &str| device_of(&gst::parse::launch(line).unwrap());
        assert_eq!(device("identity"), None);
        assert_eq!(device("avrec-infer"), None);
        assert_eq!(
            device("avrec-infer execution-provider=cuda").as_deref(),
            Some("cuda:0")
        );
        let second = "avrec-infer execution-provider=cuda device=1";
        assert_eq!(device(second).as_deref(), Some("cuda:1"));
        assert_eq!(device("avrec-infer execution-provider=openvino"), None);
    }
}
