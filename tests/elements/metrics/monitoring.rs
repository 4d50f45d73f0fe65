// SPDX-License-Identifier: MPL-2.0

//! What `docs/monitoring` says is so: the page has every series, and the dashboard and the alerts ask for none but those.
//! `AVREC_BLESS=1 cargo nextest run --test elements monitoring` writes the table of the page anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use gstavrec::metrics::Series;

const START: &str = "<!-- The table is written from src/metrics/series.rs. -->\n";
const END: &str = "<!-- End of the table. -->\n";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/monitoring")
        .join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

/// The unit that a name tells.
fn unit(series: Series) -> &'static str {
    let name = series.name().trim_end_matches("_total");
    let units = [
        ("_seconds", "s"),
        ("_bytes", "bytes"),
        ("_ratio", "1"),
        ("_decibels", "dB"),
    ];
    units.iter().find(|it| name.ends_with(it.0)).map_or("", |it| it.1)
}

fn table() -> String {
    let mut table = "| series | kind | unit | meaning |\n|---|---|---|---|\n".to_owned();
    for series in Series::ALL {
        let (name, help, unit, kind) = (series.name(), series.help(), unit(*series), series.kind());
        writeln!(table, "| `{name}` | {} | {unit} | {help} |", kind.as_str()).unwrap();
    }
    table
}

#[test]
fn the_page_tells_every_series() {
    let page = read("README.md");
    let (before, rest) = page.split_once(START).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{START}{}{END}{after}", table());
    if std::env::var_os("AVREC_BLESS").is_some() {
        std::fs::write(file("README.md"), &wanted).unwrap();
    }
    assert!(read("README.md") == wanted, "AVREC_BLESS=1 writes the table anew");
}

/// Words of a query that begin as our series do.
fn asked(query: &str) -> BTreeSet<&str> {
    let words = query.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    words.filter(|it| it.starts_with("avrec_")).collect()
}

/// Those that are none; a histogram is asked for by its parts, and nothing else is.
fn unknown<'a>(asked: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let is_known = |word: &&&str| {
        Series::ALL.iter().any(|it| match it.kind().as_str() {
            "histogram" => {
                let end = word.strip_prefix(it.name());
                end.is_some_and(|it| ["_bucket", "_sum", "_count"].contains(&it))
            }
            _ => it.name() == **word,
        })
    };
    asked.iter().filter(|it| !is_known(it)).copied().collect()
}

/// Every text under this key.
fn texts<'a>(value: &'a serde_json::Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                found.extend(value.as_str().filter(|_| name == key));
                texts(value, key, found);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|it| texts(it, key, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_series_that_there_are() {
    let dashboard: serde_json::Value = serde_json::from_str(&read("grafana.json")).unwrap();
    let mut queries = Vec::new();
    texts(&dashboard, "expr", &mut queries);
    texts(&dashboard, "query", &mut queries);
    assert!(12 <= queries.len(), "{queries:?}");
    for query in &queries {
        let asked = asked(query);
        assert!(!asked.is_empty() || *query == "prometheus", "{query}");
        assert_eq!(unknown(&asked), Vec::<&str>::new(), "{query}");
    }
    // A panel has a place of its own, a unit, and says what it shows.
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|it| it["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|it| it["type"] != "row") {
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{panel}");
        assert!(
            panel["description"].as_str().is_some_and(|it| it.ends_with('.')),
            "{panel}"
        );
    }
}

#[test]
fn the_alerts_ask_for_series_that_there_are() {
    let rules = read("alerts.yml");
    let queries: Vec<&str> = rules
        .lines()
        .filter_map(|it| it.trim().strip_prefix("expr: "))
        .collect();
    assert!(6 <= queries.len());
    for query in queries {
        let asked = asked(query);
        assert!(!asked.is_empty() || query.starts_with("up{"), "{query}");
        assert_eq!(unknown(&asked), Vec::<&str>::new(), "{query}");
    }
}

#[test]
fn a_series_that_there_is_not_is_found() {
    let asked = asked("rate(avrec_no_such_total[5m]) / avrec_latency_seconds + avrec_latency_seconds_sum");
    assert_eq!(unknown(&asked), ["avrec_latency_seconds", "avrec_no_such_total"]);
}
