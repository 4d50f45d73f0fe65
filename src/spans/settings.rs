// SPDX-License-Identifier: MPL-2.0

//! What the user says: by the parameters of the tracer, else by the variables of OpenTelemetry.

use std::time::Duration;

/// Records that wait at most, those that wake the sender, and the time that they wait; as in OpenTelemetry's specification,
/// but for the last, which is 5 s there.
const QUEUE: usize = 2048;
const BATCH: usize = 512;
const DELAY: Duration = Duration::from_secs(1);

/// Where a collector listens if nothing is said.
const ENDPOINT: &str = "http://localhost:4318";

const TIMEOUT: Duration = Duration::from_secs(10);

/// An hour, in milliseconds.
const LONGEST_TIME: usize = 3_600_000;

/// The longest queue, some 200 MB.
const LONGEST_QUEUE: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where spans are sent: a whole URL.
    pub endpoint: String,
    /// Time that the collector has to answer.
    pub timeout: Duration,
    /// Share of the frames that are sampled.
    pub ratio: f64,
    pub queue: usize,
    pub batch: usize,
    pub delay: Duration,
}

impl Settings {
    /// Parameters go before variables. What cannot be is left out, with a sentence that says so.
    pub fn new(
        endpoint: Option<&str>,
        ratio: Option<f64>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> (Settings, Vec<String>) {
        let mut faults = Vec::new();
        let set = |name: &str| variable(name).filter(|it| !it.trim().is_empty());
        let mut number = |name: &'static str, most: usize| -> Option<usize> {
            let text = set(name)?;
            let number = text.trim().parse().ok().filter(|it| (1..=most).contains(it));
            if number.is_none() {
                faults.push(format!("{name} is '{text}', and not a number from 1 to {most}"));
            }
            number
        };
        let queue = number("OTEL_BSP_MAX_QUEUE_SIZE", LONGEST_QUEUE).unwrap_or(QUEUE);
        let batch = number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", LONGEST_QUEUE).unwrap_or(BATCH);
        let milliseconds = |it: usize| Duration::from_millis(it as u64);
        let delay = number("OTEL_BSP_SCHEDULE_DELAY", LONGEST_TIME).map_or(DELAY, milliseconds);
        let timeout = number("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", LONGEST_TIME);
        let timeout = timeout.or_else(|| number("OTEL_EXPORTER_OTLP_TIMEOUT", LONGEST_TIME));
        let sampler = set("OTEL_TRACES_SAMPLER").unwrap_or_default();
        let argument = set("OTEL_TRACES_SAMPLER_ARG");
        let (said, by) = match (ratio, sampler.trim()) {
            (Some(ratio), _) => (Some(ratio.to_string()), "ratio"),
            (None, "always_on" | "parentbased_always_on") => (None, ""),
            (None, "always_off" | "parentbased_always_off") => (Some("0".to_owned()), ""),
            (None, "" | "traceidratio" | "parentbased_traceidratio") => (argument, "OTEL_TRACES_SAMPLER_ARG"),
            (None, other) => {
                faults.push(format!(
                    "OTEL_TRACES_SAMPLER is '{other}', which is not known here"
                ));
                (argument, "OTEL_TRACES_SAMPLER_ARG")
            }
        };
        let is_share = |it: &f64| (0.0..=1.0).contains(it);
        let ratio = said.as_ref().map(|it| it.trim().parse().ok().filter(is_share));
        if let (Some(None), Some(said)) = (ratio, &said) {
            faults.push(format!("{by} is '{said}', and not a share from 0 to 1"));
        }
        let endpoint = endpoint.map(str::trim).filter(|it| !it.is_empty());
        let base = || set("OTEL_EXPORTER_OTLP_ENDPOINT").map(|it| of_traces(it.trim()));
        let endpoint = endpoint
            .map(of_traces)
            .or_else(|| set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"));
        let settings = Settings {
            endpoint: endpoint.or_else(base).unwrap_or_else(|| of_traces(ENDPOINT)),
            timeout: timeout.map_or(TIMEOUT, milliseconds),
            ratio: ratio.flatten().unwrap_or(1.0),
            queue,
            batch: batch.min(queue),
            delay,
        };
        (settings, faults)
    }
}

/// A collector takes traces below its own address, which is what its users know.
fn of_traces(endpoint: &str) -> String {
    const PATH: &str = "/v1/traces";
    match endpoint.trim_end_matches('/') {
        whole if whole.ends_with(PATH) => whole.to_owned(),
        base => format!("{base}{PATH}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoint: Option<&str>, ratio: Option<f64>, variables: &[(&str, &str)]) -> (Settings, usize) {
        let variable = |name: &str| {
            let found = variables.iter().find(|it| it.0 == name);
            found.map(|it| it.1.to_owned())
        };
        let (settings, faults) = Settings::new(endpoint, ratio, variable);
        (settings, faults.len())
    }

    #[test]
    fn without_a_word_all_frames_are_sampled() {
        let (settings, faults) = settings(None, None, &[]);
        assert_eq!(faults, 0);
        assert_eq!(settings.endpoint, "http://localhost:4318/v1/traces");
        assert_eq!((settings.timeout, settings.ratio), (TIMEOUT, 1.0));
        assert_eq!(
            (settings.queue, settings.batch, settings.delay),
            (QUEUE, BATCH, DELAY)
        );
    }

    #[test]
    fn a_parameter_goes_before_a_variable() {
        let of = |ratio, variables: &[_]| settings(None, ratio, variables).0.ratio;
        let argument = ("OTEL_TRACES_SAMPLER_ARG", "0.25");
        assert_eq!(of(None, &[argument]), 0.25);
        assert_eq!(of(Some(0.5), &[argument]), 0.5);
        assert_eq!(of(None, &[argument, ("OTEL_TRACES_SAMPLER", "always_off")]), 0.0);
        assert_eq!(
            of(
                None,
                &[argument, ("OTEL_TRACES_SAMPLER", "parentbased_always_on")]
            ),
            1.0
        );
        assert_eq!(
            of(None, &[argument, ("OTEL_TRACES_SAMPLER", "traceidratio")]),
            0.25
        );
    }

    #[test]
    fn the_path_of_traces_is_put_behind_an_address_that_has_none() {
        let of = |endpoint| settings(Some(endpoint), None, &[]).0.endpoint;
        assert_eq!(of("http://a:4318"), "http://a:4318/v1/traces");
        assert_eq!(of("https://a/otlp/"), "https://a/otlp/v1/traces");
        assert_eq!(of("http://a:4318/v1/traces"), "http://a:4318/v1/traces");
        let by = |variables: &[_]| settings(Some(" "), None, variables).0.endpoint;
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:4318/");
        assert_eq!(by(&[general]), "http://b:4318/v1/traces");
        // That of one signal is taken as it stands.
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/own");
        assert_eq!(by(&[general, own]), "http://c/own");
    }

    #[test]
    fn what_cannot_be_is_told_and_left_out() {
        for (name, value) in [
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
            ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
            ("OTEL_TRACES_SAMPLER_ARG", "half"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
            ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ] {
            let (found, faults) = settings(None, None, &[(name, value)]);
            assert_eq!(faults, 1, "{name}={value}");
            assert_eq!((found.queue, found.ratio, found.delay), (QUEUE, 1.0, DELAY));
        }
        for ratio in [-0.1, 1.1, f64::NAN] {
            assert_eq!(settings(None, Some(ratio), &[]).1, 1, "{ratio}");
        }
        // A batch is never longer than the queue.
        assert_eq!(
            settings(None, None, &[("OTEL_BSP_MAX_QUEUE_SIZE", "16")]).0.batch,
            16
        );
    }
}
