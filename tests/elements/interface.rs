// SPDX-License-Identifier: MPL-2.0

//! What applications see of the plugin, compared with `docs/plugins/gst_plugins_cache.json`: a change of the interface is
//! made on purpose, and shows in the diff. `AVREC_BLESS=1 cargo nextest run --test elements interface` writes the file anew.

use std::path::Path;

use gst::glib;
use gst::prelude::*;
use serde_json::Value;

use crate::plugins_cache;
use crate::support::init;

const FACTORIES: [&str; 4] = ["avrec-infer", "avrec-probe", "avrec-switch", "avrec-fuse"];

#[test]
fn the_interface_is_the_published_one() {
    init();
    let found = plugins_cache::text();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plugins/gst_plugins_cache.json");
    if std::env::var_os("AVREC_BLESS").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    let published = std::fs::read_to_string(&file).unwrap_or_default();
    let (found_lines, published_lines): (Vec<_>, Vec<_>) =
        (found.lines().collect(), published.lines().collect());
    let added = found_lines.iter().filter(|it| !published_lines.contains(it));
    let removed = published_lines.iter().filter(|it| !found_lines.contains(it));
    let difference: Vec<String> = removed
        .map(|it| format!("- {it}"))
        .chain(added.map(|it| format!("+ {it}")))
        .collect();
    assert!(
        found == published,
        "the plugin has another interface than docs/plugins/gst_plugins_cache.json says; AVREC_BLESS=1 accepts it\n{}",
        difference.join("\n")
    );
}

#[test]
fn what_is_published_is_what_gstreamer_tells_of_the_elements() {
    init();
    let cache: Value = serde_json::from_str(&plugins_cache::text()).unwrap();
    let plugin = &cache["avrec"];
    let switch = &plugin["elements"]["avrec-switch"];
    assert_eq!(switch["properties"]["latency-budget"]["default"], "0");
    assert_eq!(switch["signals"]["explain"]["return-type"], "GstStructure");
    assert_eq!(switch["signals"]["feedback"]["args"][1]["type"], "gdouble");
    assert_eq!(switch["signals"]["feedback"]["action"], true);
    assert_eq!(switch["pad-templates"]["sink"]["presence"], "always");
    let late_policy = &switch["properties"]["late-policy"];
    let kind = late_policy["type"].as_str().unwrap();
    let values = plugin["other-types"][kind]["values"].as_array().unwrap();
    let default = late_policy["default"].as_str().unwrap();
    let is_default = |it: &&Value| {
        format!(
            "{} ({})",
            it["name"].as_str().unwrap(),
            it["value"].as_str().unwrap()
        ) == default
    };
    assert_eq!(
        values.iter().filter(is_default).count(),
        1,
        "{default} of {values:?}"
    );
    #[cfg(feature = "metrics")]
    assert_eq!(
        plugin["tracers"]["avrec-metrics"]["properties"]["port"]["default"],
        "9464"
    );
}

#[test]
fn nothing_is_published_that_depends_on_the_machine() {
    init();
    let text = plugins_cache::text();
    assert_eq!(text, plugins_cache::text(), "the same at any time");
    for place in [env!("CARGO_MANIFEST_DIR"), "/home/", "/usr/", "/tmp/", ".so"] {
        assert!(!text.contains(place), "{place}");
    }
}

#[test]
fn the_elements_share_their_author_and_their_own_enumerations_are_documented_as_theirs() {
    init();
    let mut authors = std::collections::BTreeSet::new();
    for factory in FACTORIES {
        let element = gst::ElementFactory::make(factory).build().unwrap();
        authors.insert(element.factory().unwrap().metadata("author").map(str::to_owned));
        for pspec in plugins_cache::own_properties(element.type_()) {
            let is_enumeration = pspec.value_type().is_a(glib::Type::ENUM);
            assert!(
                !is_enumeration || pspec.value_type().plugin_api_flags().is_some(),
                "{factory}: {} is not marked as plugin API",
                pspec.value_type()
            );
        }
    }
    assert_eq!(authors.len(), 1, "{authors:?}");
}
