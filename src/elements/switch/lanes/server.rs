// SPDX-License-Identifier: MPL-2.0

//! Candidates that run on a server: which it is, and how much of their time the way takes.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use gst::prelude::*;

use crate::messages::InferStats;
use crate::runtime::source;

/// The first pause before a server is asked again, and the longest; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a candidate on a server rests after so many failures. It is looked at for as long as the stream goes on, since
/// servers come back; and up to a quarter earlier or later, since many clients would ask at the same time.
pub fn pause(failures: u32) -> Duration {
    let pause = FIRST_PAUSE
        .saturating_mul(1 << failures.min(8))
        .min(LONGEST_PAUSE);
    let share = (RandomState::new().hash_one(failures) % 1000) as f64 / 1000.0;
    pause.mul_f64(0.75 + share / 2.0)
}

/// The server that a candidate runs on, as `host:port`; `None` for one that runs in this process, or does not say so.
pub fn of(candidate: &gst::Element) -> Option<String> {
    find(candidate).map(|(_, server)| server)
}

/// Whether frames for this server leave the machine.
pub fn is_elsewhere(server: &str) -> bool {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |it: IpAddr| it.is_loopback();
    host != "localhost" && !host.parse().is_ok_and(is_loopback)
}

/// The element that has its model on a server: the candidate, or one within it.
fn find(candidate: &gst::Element) -> Option<(gst::Element, String)> {
    if let Some(server) = named(candidate) {
        return Some((candidate.clone(), server));
    }
    let within = candidate.downcast_ref::<gst::Bin>()?.iterate_recurse();
    within
        .into_iter()
        .flatten()
        .find_map(|it| named(&it).map(|server| (it, server)))
}

fn named(element: &gst::Element) -> Option<String> {
    let spec = element.find_property("model-file")?;
    if spec.value_type() != String::static_type() {
        return None;
    }
    let model = element.property::<Option<String>>("model-file")?;
    source::server(Path::new(&model)).map(str::to_owned)
}

/// Says what the latency of a candidate on a server comes of, as far as that is known.
pub fn account_for(candidate: &gst::Element, latency: Duration) -> Option<String> {
    let (element, server) = find(candidate)?;
    let stats = element.property::<Option<gst::Structure>>("stats")?;
    let remote = InferStats::try_from(stats.as_ref()).ok()?.remote?;
    sentence(&server, latency, remote.round_trip?, remote.serving)
}

fn sentence(
    server: &str,
    latency: Duration,
    round_trip: Duration,
    serving: Option<Duration>,
) -> Option<String> {
    let half = latency / 2;
    let way = ms(round_trip);
    match serving {
        _ if half <= round_trip => Some(format!(
            "It is the way: to {server} and back takes {way} with nothing to do."
        )),
        Some(serving) if half <= serving => Some(format!(
            "It is the server: an answer takes {server} {}, and the way {way}.",
            ms(serving)
        )),
        Some(serving) => Some(format!(
            "To {server} and back takes {way} with nothing to do, an answer takes it {}, and the rest is sending.",
            ms(serving)
        )),
        None => Some(format!(
            "To {server} and back takes {way} with nothing to do; the rest is sending and the server."
        )),
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", 1e3 * time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_are_not_the_same_for_all() {
        for failures in 0..40 {
            let pause = pause(failures);
            let longest = LONGEST_PAUSE.mul_f64(1.25);
            assert!(
                FIRST_PAUSE.mul_f64(0.75) <= pause && pause <= longest,
                "{pause:?}"
            );
        }
        let all: std::collections::BTreeSet<_> = (0..20).map(|_| pause(9)).collect();
        assert!(1 < all.len());
    }

    #[test]
    fn the_larger_part_is_named() {
        let ms = Duration::from_millis;
        let of = |way, serving: Option<u64>| sentence("gpu:8001", ms(62), ms(way), serving.map(ms)).unwrap();
        assert!(of(60, Some(1)).starts_with("It is the way: to gpu:8001 and back takes 60"));
        assert!(of(2, Some(55)).starts_with("It is the server"));
        assert!(of(2, None).contains("the rest is sending and the server"));
        assert!(of(10, Some(10)).contains("the rest is sending"));
    }

    #[test]
    fn servers_are_those_of_addresses() {
        gst::init().unwrap();
        crate::plugin_register_static().unwrap();
        let of = |line: &str| of(&gst::parse::launch(line).unwrap());
        assert_eq!(of("identity"), None);
        assert_eq!(of("avrec-infer model-file=a.onnx"), None);
        let model = "avrec-infer model-file=grpc://gpu:8001/a";
        assert_eq!(of(model).as_deref(), Some("gpu:8001"));
        assert_eq!(
            of(&format!("bin.( identity ! {model} )")).as_deref(),
            Some("gpu:8001")
        );
        assert!(is_elsewhere("gpu:8001") && is_elsewhere("10.0.0.1:1") && is_elsewhere("[::2]:1"));
        assert!(!is_elsewhere("127.0.0.1:1") && !is_elsewhere("[::1]:1") && !is_elsewhere("localhost:1"));
    }
}
