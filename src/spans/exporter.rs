// SPDX-License-Identifier: MPL-2.0

//! The thread that sends, and its end.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::Key;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use parking_lot::Mutex;
use tokio::runtime::{self, Runtime};
use tokio::time;

use super::clock::Clock;
use super::collector::Collector;
use super::data::{self, MOST_SPANS, Maker};
use super::herald::{Fault, Herald};
use super::outbox::Outbox;
use super::settings::Settings;
use super::source::Record;
use crate::broken_pipe;

/// How long what is left may take at the end.
const LAST: Duration = Duration::from_secs(1);
/// How often it is looked whether the end has come.
const STEP: Duration = Duration::from_millis(20);

const SERVICE: &str = "service.name";

/// A thread that sends what is in the outbox, up to its drop.
#[derive(Debug)]
pub struct Exporter {
    outbox: Arc<Outbox<Record>>,
    herald: Arc<Herald>,
    /// Its other side is dropped when the thread ends.
    ended: Mutex<Receiver<()>>,
}

impl Exporter {
    /// # Errors
    ///
    /// When the address is none, or there is no thread to be had.
    pub fn start(
        outbox: &Arc<Outbox<Record>>,
        settings: &Settings,
        herald: &Arc<Herald>,
    ) -> Result<Exporter, Box<dyn std::error::Error>> {
        let endpoint = &settings.endpoint;
        let is_encrypted = endpoint.starts_with("https:");
        let collector = Arc::new(Collector::new(is_encrypted, settings.timeout, herald.clone())?);
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_shared_http_client(collector.clone())
            .with_endpoint(endpoint)
            .with_timeout(settings.timeout)
            .build()?;
        exporter.set_resource(&resource());
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (life, ended) = channel();
        let sender = SpanSender {
            outbox: outbox.clone(),
            herald: herald.clone(),
            collector,
            exporter: Arc::new(exporter),
            runtime,
            batch: settings.batch,
            delay: settings.delay,
            maker: Maker {
                clock: Clock::now(),
                scope: data::scope(),
            },
            sent: 0,
            lost: 0,
            end: None,
            _life: life,
        };
        thread::Builder::new().name("avrec spans".into()).spawn(move || {
            broken_pipe::be_an_error();
            sender.run();
        })?;
        herald.inform(&format!("Sending spans to {endpoint}"));
        let (outbox, herald, ended) = (outbox.clone(), herald.clone(), Mutex::new(ended));
        Ok(Exporter {
            outbox,
            herald,
            ended,
        })
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.outbox.close();
        // An error says that the thread has ended, or that it does not in time.
        let _ = self.ended.lock().recv_timeout(2 * LAST);
        self.herald.fall_silent();
    }
}

/// Who the spans are of: as OpenTelemetry's variables say.
fn resource() -> Resource {
    let resource = Resource::builder().build();
    let name = resource.get(&Key::from_static_str(SERVICE));
    let is_named = name.is_some_and(|it| !it.as_str().starts_with("unknown_service"));
    match is_named {
        true => resource,
        false => Resource::builder()
            .with_service_name(env!("CARGO_PKG_NAME"))
            .build(),
    }
}

/// What belongs to the thread.
struct SpanSender {
    outbox: Arc<Outbox<Record>>,
    herald: Arc<Herald>,
    collector: Arc<Collector>,
    exporter: Arc<SpanExporter>,
    runtime: Runtime,
    batch: usize,
    delay: Duration,
    maker: Maker,
    sent: u64,
    lost: u64,
    /// When there is no more time, once the end has come.
    end: Option<Instant>,
    _life: Sender<()>,
}

impl SpanSender {
    fn run(mut self) {
        loop {
            self.outbox.wait(self.delay);
            let is_last = self.outbox.is_closed();
            self.maker.clock.follow(Clock::now());
            self.send_all();
            self.tell_dropped();
            if is_last {
                break;
            }
        }
        let (sent, lost, dropped) = (self.sent, self.lost, self.outbox.dropped());
        self.herald.inform(&format!(
            "{sent} spans were taken, {lost} not, and {dropped} records dropped"
        ));
    }

    /// Sends what is there now.
    fn send_all(&mut self) {
        loop {
            let mut batch = Vec::with_capacity(self.batch + MOST_SPANS);
            while batch.len() < self.batch
                && let Some(record) = self.outbox.take()
            {
                self.maker.make(&record, &mut batch);
            }
            let spans = batch.len() as u64;
            if spans == 0 {
                return;
            }
            match !self.is_hopeless() && self.send(batch) {
                true => self.sent += spans,
                false => self.lost += spans,
            }
        }
    }

    /// Sends a batch; whether it was taken.
    fn send(&mut self, batch: Vec<SpanData>) -> bool {
        let exporter = self.exporter.clone();
        let mut export = self
            .runtime
            .spawn(async move { exporter.export(batch).await.is_ok() });
        loop {
            let step = async { time::timeout(STEP, &mut export).await };
            if let Ok(taken) = self.runtime.block_on(step) {
                return taken.unwrap_or(false);
            }
            if self.is_hopeless() {
                export.abort();
                return false;
            }
        }
    }

    /// Whether the end has come, and nothing more is taken until then.
    fn is_hopeless(&mut self) -> bool {
        if self.outbox.is_closed() {
            let end = *self.end.get_or_insert_with(|| Instant::now() + LAST);
            return self.collector.is_failing() || end <= Instant::now();
        }
        false
    }

    fn tell_dropped(&self) {
        let dropped = self.outbox.dropped();
        if 0 < dropped {
            self.herald.warn(
                Fault::Full,
                &format!("{dropped} spans were dropped, since more come than the collector takes"),
                "lower ratio, as in GST_TRACERS='avrec-spans(ratio=0.01)', or let more of them wait by \
                 OTEL_BSP_MAX_QUEUE_SIZE (2048 unless you say otherwise); the pipeline runs on",
            );
        }
    }
}
