// SPDX-License-Identifier: MPL-2.0

//! How the series are written, and what the reader takes.

use http::HeaderMap;
use http::header::ACCEPT;

/// How the series are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus before that, 0.0.4.
    Text,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// What the reader takes: OpenMetrics where he names it, else plain text.
    pub fn wanted(headers: &HeaderMap) -> Format {
        match names(headers, &ACCEPT, "application/openmetrics-text") {
            true => Format::OpenMetrics,
            false => Format::Text,
        }
    }
}

/// Whether a header, a list with weights, names this, with a weight above zero.
pub fn names(headers: &HeaderMap, header: &http::HeaderName, wanted: &str) -> bool {
    let given = headers.get_all(header).iter().filter_map(|it| it.to_str().ok());
    let mut items = given.flat_map(|it| it.split(','));
    items.any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|it| it.eq_ignore_ascii_case(wanted));
        let is_refused = |it: &str| it.strip_prefix("q=").is_some_and(|it| it.parse() == Ok(0.0));
        is_named && !parts.any(is_refused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_open_metrics_where_he_names_it() {
        let wanted = |accept: &'static str| {
            let pair = (ACCEPT, http::HeaderValue::from_static(accept));
            Format::wanted(&HeaderMap::from_iter([pair]))
        };
        // As Prometheus 2.42 and 3 ask.
        let old = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let new = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;q=0.2,*/*;q=0.1";
        assert_eq!([wanted(old), wanted(new)], [Format::OpenMetrics; 2]);
        for other in [
            "*/*",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;q=0,*/*",
            "",
        ] {
            assert_eq!(wanted(other), Format::Text, "{other}");
        }
        assert_eq!(Format::wanted(&HeaderMap::new()), Format::Text);
    }
}
