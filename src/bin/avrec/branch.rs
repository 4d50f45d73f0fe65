// SPDX-License-Identifier: MPL-2.0

//! Which streams a pipeline has: each avrec-switch is one, with the probe that measures it.

use std::collections::VecDeque;

use gst::glib;
use gst::prelude::*;

use crate::launch::{Launched, has_reference};

/// One stream.
#[derive(Debug, Clone)]
pub struct Branch {
    /// `None` where the pipeline has no switch.
    pub switch: Option<gst::Element>,
    pub probe: Option<gst::Element>,
}

impl Branch {
    /// All streams of a pipeline, one at least.
    pub fn all(launched: &Launched) -> Vec<Branch> {
        if launched.switches.len() < 2 {
            let switch = launched.switches.first().cloned();
            let probe = launched.main_probe().cloned();
            return vec![Branch { switch, probe }];
        }
        let owners = launched.probes.iter().map(|it| owner(it, &launched.switches));
        let owners: Vec<Option<usize>> = owners.collect();
        let branch = |(position, switch): (usize, &gst::Element)| {
            let probes = || {
                let all = launched.probes.iter().zip(&owners);
                all.filter(|it| *it.1 == Some(position)).map(|it| it.0)
            };
            let probe = probes().find(|it| has_reference(it)).or(probes().next());
            Branch {
                switch: Some(switch.clone()),
                probe: probe.cloned(),
            }
        };
        launched.switches.iter().enumerate().map(branch).collect()
    }

    /// The switch's name.
    pub fn name(&self) -> Option<glib::GString> {
        self.switch.as_ref().map(|it| it.name())
    }

    pub fn has(&self, source: Option<&gst::Object>) -> bool {
        self.is_switch(source) || self.is_probe(source)
    }

    pub fn is_switch(&self, source: Option<&gst::Object>) -> bool {
        is(self.switch.as_ref(), source)
    }

    pub fn is_probe(&self, source: Option<&gst::Object>) -> bool {
        is(self.probe.as_ref(), source)
    }
}

fn is(element: Option<&gst::Element>, source: Option<&gst::Object>) -> bool {
    source.is_some() && element.map(|it| it.upcast_ref()) == source
}

/// Position of the switch that a probe belongs to: the nearest one before it, else behind it, else the one whose name ends
/// in the same number.
fn owner(probe: &gst::Element, switches: &[gst::Element]) -> Option<usize> {
    let number = |it: &gst::Element| -> Option<String> {
        let name = it.name().to_string();
        let digits = name
            .trim_start_matches(|it: char| !it.is_ascii_digit())
            .to_string();
        Some(digits).filter(|it| !it.is_empty())
    };
    let by_name = || {
        let own = number(probe)?;
        switches.iter().position(|it| number(it).as_ref() == Some(&own))
    };
    nearest(probe, switches, gst::PadDirection::Sink)
        .or_else(|| nearest(probe, switches, gst::PadDirection::Src))
        .or_else(by_name)
}

/// The first switch met by whoever leaves the probe by its `sink` or its `src`, and each other element on the other side.
fn nearest(probe: &gst::Element, switches: &[gst::Element], side: gst::PadDirection) -> Option<usize> {
    let upstream = side == gst::PadDirection::Sink;
    let first = probe.static_pad(if upstream { "sink" } else { "src" })?;
    let mut pads = VecDeque::from([first]);
    let mut seen = vec![probe.clone()];
    while let Some(pad) = pads.pop_front() {
        let Some(element) = neighbor(&pad) else { continue };
        let is_there = |it: &gst::Element| *it == element || it.has_as_ancestor(&element);
        if let Some(position) = switches.iter().position(is_there) {
            return Some(position);
        }
        if !seen.contains(&element) {
            pads.extend(match upstream {
                true => element.sink_pads(),
                false => element.src_pads(),
            });
            seen.push(element);
        }
    }
    None
}

/// The element on the other side of a link, out of the bin where the link leaves it.
fn neighbor(pad: &gst::Pad) -> Option<gst::Element> {
    let peer = pad.peer()?;
    match peer.parent()?.downcast::<gst::Element>() {
        Ok(element) => Some(element),
        // The inner side of a pad of a bin.
        Err(outer) => neighbor(outer.downcast_ref::<gst::Pad>()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name of each switch and of its probe.
    fn told(description: &str) -> Vec<(String, String)> {
        static REGISTERED: std::sync::Once = std::sync::Once::new();
        REGISTERED.call_once(|| {
            gst::init().unwrap();
            gstavrec::plugin_register_static().unwrap();
        });
        let launched = Launched::new(&[description.to_string()]).unwrap();
        let name = |it: &Option<gst::Element>| it.as_ref().map_or(String::new(), |it| it.name().to_string());
        let branches = Branch::all(&launched);
        branches
            .iter()
            .map(|it| (name(&it.switch), name(&it.probe)))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|it| (it.0.to_string(), it.1.to_string()))
            .collect()
    }

    #[test]
    fn a_probe_belongs_to_the_switch_that_it_is_linked_to() {
        let several = "videotestsrc ! tee name=t ! avrec-switch.( name=a identity ) ! queue ! avrec-probe name=pa ! fakesink \
             t. ! avrec-probe name=pb ! queue ! avrec-switch.( name=b identity ) ! fakesink \
             t. ! avrec-switch.( name=c identity ) ! fakesink";
        assert_eq!(told(several), pairs(&[("a", "pa"), ("b", "pb"), ("c", "")]));
    }

    #[test]
    fn among_several_the_probe_with_a_reference_counts() {
        let two = "videotestsrc ! tee name=t ! avrec-switch.( name=a identity ) ! avrec-probe name=p ! avrec-probe name=q ! fakesink \
             t. ! q.reference t. ! avrec-switch.( name=b identity ) ! fakesink";
        assert_eq!(told(two), pairs(&[("a", "q"), ("b", "")]));
    }

    #[test]
    fn a_probe_that_is_not_linked_belongs_to_the_switch_of_its_number() {
        let loose = "avrec-switch.( name=s0 identity ) avrec-switch.( name=s1 identity ) avrec-probe name=p1";
        assert_eq!(told(loose), pairs(&[("s0", ""), ("s1", "p1")]));
    }

    #[test]
    fn one_switch_or_none_is_one_stream_with_the_main_probe() {
        assert_eq!(
            told("videotestsrc ! avrec-switch.( name=s identity ) ! avrec-probe name=p ! fakesink"),
            pairs(&[("s", "p")])
        );
        assert_eq!(
            told("videotestsrc ! avrec-probe name=p ! fakesink"),
            pairs(&[("", "p")])
        );
    }
}
