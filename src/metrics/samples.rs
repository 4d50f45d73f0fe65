// SPDX-License-Identifier: MPL-2.0

//! Values of series at one moment, with their labels, and how they are written for Prometheus.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;

use super::series::Series;
use crate::messages::Percentiles;
use crate::score::LatencyHistogram;

/// An exemplar is none: frames have no traces.
const NO_EXEMPLAR: Option<&Exemplar<NoLabelSet, f64>> = None;

/// Names and values.
#[derive(Debug, Clone, Default)]
struct Labels(Vec<(&'static str, Arc<str>)>);

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> fmt::Result {
        let mut labels = self.0.iter();
        labels.try_for_each(|(name, value)| (*name, &**value).encode(encoder.encode_label()))
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Value {
    Count(u64),
    Number(f64),
    Latencies(LatencyHistogram),
}

impl From<u64> for Value {
    fn from(count: u64) -> Value {
        Value::Count(count)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(is_so: bool) -> Value {
        Value::Count(is_so.into())
    }
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Value {
        Value::Number(duration.as_secs_f64())
    }
}

impl From<LatencyHistogram> for Value {
    fn from(latencies: LatencyHistogram) -> Value {
        Value::Latencies(latencies)
    }
}

/// The samples of all series.
#[derive(Debug)]
pub struct Samples(Vec<Vec<(Labels, Value)>>);

impl Default for Samples {
    fn default() -> Samples {
        Samples(vec![Vec::new(); Series::ALL.len()])
    }
}

impl Samples {
    /// Takes samples without labels; [`Sheet::with`] adds some.
    pub fn sheet(&mut self) -> Sheet<'_> {
        Sheet {
            samples: self,
            labels: Labels::default(),
        }
    }

    /// How many there are of a series.
    #[cfg(test)]
    pub fn of(&self, series: Series) -> usize {
        self.0[series as usize].len()
    }

    /// Writes what there is of each series.
    pub fn encode(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        for series in Series::ALL {
            let samples = &self.0[*series as usize];
            if samples.is_empty() {
                continue;
            }
            let (stem, unit) = series.stem_and_unit();
            let mut family = encoder.encode_descriptor(stem, series.help(), unit.as_ref(), series.kind())?;
            for (labels, value) in samples {
                let mut metric = family.encode_family(labels)?;
                match (series.kind(), value) {
                    (MetricType::Info, _) => metric.encode_info(&Labels::default())?,
                    (MetricType::Counter, Value::Count(count)) => {
                        metric.encode_counter(count, NO_EXEMPLAR)?
                    }
                    (_, Value::Count(count)) => metric.encode_gauge(count)?,
                    (_, Value::Number(number)) => metric.encode_gauge(number)?,
                    (_, Value::Latencies(it)) => {
                        let (sum, buckets) = (it.sum().as_secs_f64(), it.buckets());
                        metric.encode_histogram::<NoLabelSet>(sum, it.count(), &buckets, None)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Where samples with the same labels are written.
pub struct Sheet<'a> {
    samples: &'a mut Samples,
    labels: Labels,
}

impl Sheet<'_> {
    /// The same with one more label.
    pub fn with(&mut self, name: &'static str, value: &str) -> Sheet<'_> {
        let mut labels = self.labels.clone();
        labels.0.push((name, value.into()));
        Sheet {
            samples: self.samples,
            labels,
        }
    }

    pub fn put(&mut self, series: Series, value: impl Into<Value>) {
        let value = value.into();
        if !matches!(value, Value::Number(number) if !number.is_finite()) {
            self.samples.0[series as usize].push((self.labels.clone(), value));
        }
    }

    /// What is not known is no sample.
    pub fn put_some(&mut self, series: Series, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(series, value);
        }
    }

    pub fn put_percentiles(&mut self, series: Series, percentiles: Option<Percentiles>) {
        let Some(it) = percentiles else { return };
        // `quantile` is for summaries only, which have a count and a sum of all time.
        for (percentile, latency) in [("50", it.p50), ("95", it.p95), ("99", it.p99)] {
            self.with("percentile", percentile).put(series, latency);
        }
    }
}
