// SPDX-License-Identifier: MPL-2.0

//! A model on a server: the way to it, and how long that is.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::address::{Address, Protocol};
use super::fault::Fault;
use super::grpc::GrpcServer;
use super::messages::{Metadata, Named, StatisticDuration};
use super::rest::RestServer;
use crate::runtime::{Error, RemoteOptions, RemoteTimes};

/// How a server is spoken to.
#[derive(Clone)]
pub(super) enum Transport {
    Grpc(GrpcServer),
    Rest(Box<RestServer>),
}

/// A model on a server.
pub(super) struct Server {
    pub address: Address,
    pub transport: Transport,
    pub timeout: Duration,
    pub sent: AtomicU64,
    pub received: AtomicU64,
    /// Requests that were made, so that a server is left alone when there are none.
    pub calls: AtomicU64,
    times: Mutex<Times>,
}

/// What is known of the way to a server.
#[derive(Default)]
struct Times {
    /// The last round trips of calls that do nothing.
    round_trips: Vec<Duration>,
    /// What the server counted at the last look.
    counted: StatisticDuration,
    serving: Option<Duration>,
}

/// Time between two looks at a server that is used.
const LOOK: Duration = Duration::from_secs(1);

/// Round trips of which the median is told.
const ROUND_TRIPS: usize = 9;

impl Server {
    /// Prepares a connection. Within the runtime only.
    pub(super) fn new(address: Address, options: &RemoteOptions) -> Result<Server, Error> {
        let transport = match address.protocol {
            Protocol::Grpc => Transport::Grpc(GrpcServer::new(&address, options)?),
            Protocol::Rest => Transport::Rest(Box::new(RestServer::new(&address, options)?)),
        };
        Ok(Server {
            address,
            transport,
            timeout: options.timeout(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            times: Mutex::default(),
        })
    }

    pub(super) fn named(&self) -> Named {
        Named {
            name: self.address.model.clone(),
            version: self.address.version.clone(),
        }
    }

    /// Whether it takes tensors as bytes, as far as its metadata were asked for.
    pub(super) fn takes_bytes(&self) -> bool {
        match &self.transport {
            Transport::Grpc(_) => true,
            Transport::Rest(rest) => rest.is_binary(),
        }
    }

    /// Asks what the model is, if it is ready.
    pub(super) async fn metadata(&self, timeout: Duration) -> Result<Metadata, Fault> {
        let is_ready = match &self.transport {
            Transport::Grpc(grpc) => grpc.is_ready(self.named(), timeout).await,
            Transport::Rest(rest) => rest.is_ready(self.named(), timeout).await,
        };
        let metadata = match &self.transport {
            Transport::Grpc(grpc) => grpc.metadata(self.named(), timeout).await,
            Transport::Rest(rest) => rest.metadata(self.named(), timeout).await,
        };
        // That it is not there is told better where it is asked for what it is.
        match (metadata, is_ready) {
            (Err(fault), _) => Err(fault),
            (Ok(_), Ok(false)) => Err(Fault::new(
                format!("has the model '{}', which is not ready", self.address.model),
                "wait until it is loaded there, or load it",
            )),
            (Ok(_), Err(fault)) => Err(fault),
            (Ok(metadata), Ok(true)) => Ok(metadata),
        }
    }

    /// Looks at the way to the server from time to time, as long as the model is used.
    ///
    /// Within the runtime only.
    pub(super) fn watch(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        // Those who share a server do not look at the same time.
        let phase = RandomState::new().hash_one(&self.address.authority) % 1000;
        let phase = Duration::from_millis(phase);
        tokio::spawn(async move {
            tokio::time::sleep(phase / 4).await;
            let (mut seen, mut has_statistics) = (None, true);
            while let Some(server) = weak.upgrade() {
                let calls = server.calls.load(Ordering::Relaxed);
                if seen != Some(calls) {
                    has_statistics = server.look(has_statistics).await;
                }
                seen = Some(calls);
                drop(server);
                tokio::time::sleep(LOOK + phase / 4).await;
                if Weak::strong_count(&weak) == 0 {
                    return;
                }
            }
        });
    }

    /// Measures a round trip, and asks how long answers take the server itself. `false` where it does not say so.
    async fn look(&self, asks_for_statistics: bool) -> bool {
        let start = Instant::now();
        let is_live = match &self.transport {
            Transport::Grpc(grpc) => grpc.is_live(self.timeout).await,
            Transport::Rest(rest) => rest.is_live(self.timeout).await,
        };
        if is_live.is_err() {
            return asks_for_statistics;
        }
        {
            let took = start.elapsed();
            let mut times = self.times.lock();
            if ROUND_TRIPS <= times.round_trips.len() {
                times.round_trips.remove(0);
            }
            times.round_trips.push(took);
        }
        if !asks_for_statistics {
            return false;
        }
        let statistics = match &self.transport {
            Transport::Grpc(grpc) => grpc.statistics(self.named(), self.timeout).await,
            Transport::Rest(rest) => rest.statistics(self.named(), self.timeout).await,
        };
        let Ok(statistics) = statistics else { return false };
        let counts = statistics.model_stats.into_iter();
        let counts = counts.filter_map(|it| it.inference_stats?.success);
        let counted = counts.fold(StatisticDuration::default(), |sum, it| StatisticDuration {
            count: sum.count.saturating_add(it.count),
            ns: sum.ns.saturating_add(it.ns),
        });
        self.times.lock().count(counted);
        true
    }

    pub(super) fn times(&self) -> RemoteTimes {
        let times = self.times.lock();
        RemoteTimes {
            round_trip: times.round_trip(),
            serving: times.serving,
            sent_bytes: self.sent.load(Ordering::Relaxed),
            received_bytes: self.received.load(Ordering::Relaxed),
        }
    }
}

impl Times {
    fn round_trip(&self) -> Option<Duration> {
        let mut sorted = self.round_trips.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }

    /// Takes what the server has counted since it started; less than before is another start.
    fn count(&mut self, counted: StatisticDuration) {
        let before = self.counted;
        if let (Some(count), Some(ns)) = (
            counted.count.checked_sub(before.count).filter(|it| 0 < *it),
            counted.ns.checked_sub(before.ns),
        ) {
            self.serving = Some(Duration::from_nanos(ns / count));
        }
        self.counted = counted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serving_is_the_mean_since_the_last_look_also_after_a_restart() {
        let mut times = Times::default();
        let counted = |count, ns| StatisticDuration { count, ns };
        times.count(counted(10, 1_000));
        assert_eq!(times.serving, Some(Duration::from_nanos(100)));
        times.count(counted(20, 4_000));
        assert_eq!(times.serving, Some(Duration::from_nanos(300)));
        times.count(counted(5, 50));
        assert_eq!(times.serving, Some(Duration::from_nanos(300)));
        times.count(counted(7, 90));
        assert_eq!(times.serving, Some(Duration::from_nanos(20)));
    }
}
