// SPDX-License-Identifier: MPL-2.0

//! What applications see of the elements, compared with text files: a change of the interface is
//! made on purpose, and shows in the diff. `AVREC_BLESS=1 cargo test --test elements interface` writes the files anew.

use std::fmt::Write;
use std::path::Path;

use gst::glib;
use gst::glib::translate::IntoGlib;
use gst::prelude::*;

use crate::support::init;

/// Fails when an element differs from its golden file; writes the file when asked to.
#[track_caller]
fn check(factory: &str) {
    init();
    let found = interface(factory);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{factory}.txt"));
    if std::env::var_os("AVREC_BLESS").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    let (found_lines, golden_lines): (Vec<_>, Vec<_>) = (found.lines().collect(), golden.lines().collect());
    let added = found_lines.iter().filter(|it| !golden_lines.contains(it));
    let removed = golden_lines.iter().filter(|it| !found_lines.contains(it));
    let difference: Vec<String> = removed
        .map(|it| format!("- {it}"))
        .chain(added.map(|it| format!("+ {it}")))
        .collect();
    assert!(
        found == golden,
        "{factory} has another interface than tests/golden/{factory}.txt says; AVREC_BLESS=1 accepts it\n{}",
        difference.join("\n")
    );
}

#[test]
fn the_interface_of_avrec_infer_is_the_golden_one() {
    check("avrec-infer");
}

#[test]
fn the_interface_of_avrec_probe_is_the_golden_one() {
    check("avrec-probe");
}

#[test]
fn the_interface_of_avrec_fuse_is_the_golden_one() {
    check("avrec-fuse");
}

#[test]
fn the_interface_of_avrec_switch_is_the_golden_one() {
    check("avrec-switch");
}

#[test]
fn the_interface_of_the_parts_of_avrec_switch_is_the_golden_one() {
    for part in ["avrec-switch-entry", "avrec-switch-exit", "avrec-switch-watch"] {
        check(part);
    }
}

#[test]
fn the_elements_share_their_author_and_their_own_enumerations_are_documented_as_theirs() {
    init();
    let mut authors = std::collections::BTreeSet::new();
    for factory in ["avrec-infer", "avrec-probe", "avrec-switch", "avrec-fuse"] {
        let element = gst::ElementFactory::make(factory).build().unwrap();
        authors.insert(element.factory().unwrap().metadata("author").map(str::to_owned));
        for pspec in own_properties(&element) {
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

/// The element as text: metadata, pad templates, own properties and own signals.
fn interface(factory: &str) -> String {
    let mut text = String::new();
    let element = gst::ElementFactory::make(factory).build().unwrap();
    let made_by = element.factory().unwrap();
    writeln!(text, "element {factory}: {}", element.type_()).unwrap();
    for key in ["long-name", "klass", "description", "author"] {
        writeln!(text, "  {key}: {}", made_by.metadata(key).unwrap_or_default()).unwrap();
    }
    writeln!(text, "  rank: {}", i32::from(made_by.rank())).unwrap();
    for interface in element.type_().interfaces().iter() {
        writeln!(text, "  interface: {interface}").unwrap();
    }
    let mut templates: Vec<_> = element.pad_template_list().into_iter().collect();
    templates.sort_by_key(|it| it.name_template().to_string());
    for template in templates {
        pad_template(&mut text, &template);
    }
    for pspec in own_properties(&element) {
        property(&mut text, &pspec);
    }
    signals(&mut text, element.type_());
    text
}

fn pad_template(text: &mut String, template: &gst::PadTemplate) {
    let (direction, presence) = (template.direction(), template.presence());
    writeln!(
        text,
        "\npad {}: {direction:?}, {presence:?}",
        template.name_template()
    )
    .unwrap();
    let caps = template.caps();
    if caps.is_any() {
        writeln!(text, "  ANY").unwrap();
    }
    for structure in caps.iter() {
        writeln!(text, "  {}", structure.name()).unwrap();
        for (field, value) in structure.iter() {
            let value = value.serialize().unwrap();
            writeln!(text, "    {field}: {value}").unwrap();
        }
    }
}

fn property(text: &mut String, pspec: &glib::ParamSpec) {
    writeln!(text, "\nproperty {}: {}", pspec.name(), pspec.value_type()).unwrap();
    if let Some(blurb) = pspec.blurb() {
        writeln!(text, "  {blurb}").unwrap();
    }
    let flags = pspec.flags();
    match (
        flags.contains(glib::ParamFlags::WRITABLE),
        flags.contains(glib::ParamFlags::READABLE),
    ) {
        (true, true) => writeln!(text, "  may be read and written").unwrap(),
        (true, false) => writeln!(text, "  may be written").unwrap(),
        _ => writeln!(text, "  may be read").unwrap(),
    }
    if let Some(state) = changeable(pspec) {
        writeln!(text, "  changeable up to {state}").unwrap();
    }
    if let Some(range) = range(pspec) {
        writeln!(text, "  range: {range}").unwrap();
    }
    // A structure has no default, and GStreamer does not serialize one that is not there.
    if pspec.value_type() != gst::Structure::static_type() {
        let default = pspec.default_value();
        let default = match default.get::<f64>() {
            // Serialized, it would show the digits that binary fractions have.
            Ok(number) => number.to_string(),
            Err(_) => default.serialize().map_or("none".to_owned(), |it| it.to_string()),
        };
        writeln!(text, "  default: {default}").unwrap();
    }
    if let Some(class) = glib::EnumClass::with_type(pspec.value_type()) {
        for value in class.values() {
            writeln!(text, "  {}: {}", value.nick(), value.name()).unwrap();
        }
    }
}

/// Properties that the element itself adds, by name.
pub fn own_properties(element: &gst::Element) -> Vec<glib::ParamSpec> {
    let mut own: Vec<_> = element
        .list_properties()
        .iter()
        .filter(|it| it.owner_type() == element.type_())
        .cloned()
        .collect();
    own.sort_by_key(|it| it.name().to_owned());
    own
}

/// The highest state in which GStreamer's tools say that the property may be written.
pub fn changeable(pspec: &glib::ParamSpec) -> Option<&'static str> {
    let states = [
        (gst::PARAM_FLAG_MUTABLE_PLAYING, "PLAYING"),
        (gst::PARAM_FLAG_MUTABLE_PAUSED, "PAUSED"),
        (gst::PARAM_FLAG_MUTABLE_READY, "READY"),
    ];
    let found = states.into_iter().find(|(flag, _)| pspec.flags().contains(*flag));
    found.map(|(_, state)| state)
}

fn range(pspec: &glib::ParamSpec) -> Option<String> {
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecUInt>() {
        return Some(format!("{} to {}", it.minimum(), it.maximum()));
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecUInt64>() {
        return Some(format!("{} to {}", it.minimum(), it.maximum()));
    }
    let it = pspec.downcast_ref::<glib::ParamSpecDouble>()?;
    Some(format!("{} to {}", it.minimum(), it.maximum()))
}

/// Names of the signals that the type itself adds.
pub fn signal_names(owner: glib::Type) -> Vec<String> {
    let mut count = 0;
    // SAFETY: the type has a class, since an element of it was made; the list is freed with the allocator
    // that GLib made it with, and each identifier in it is a valid signal.
    unsafe {
        let list = glib::gobject_ffi::g_signal_list_ids(owner.into_glib(), &mut count);
        let ids = (0..count as usize).map(|index| *list.add(index));
        let name = |id| {
            std::ffi::CStr::from_ptr(glib::gobject_ffi::g_signal_name(id))
                .to_string_lossy()
                .into_owned()
        };
        let names = ids.map(name).collect();
        glib::ffi::g_free(list.cast());
        names
    }
}

fn signals(text: &mut String, owner: glib::Type) {
    for name in signal_names(owner) {
        let query = glib::subclass::SignalId::lookup(&name, owner).unwrap().query();
        let types: Vec<String> = query
            .param_types()
            .iter()
            .map(|it| it.type_().to_string())
            .collect();
        let returned = query.return_type().type_();
        writeln!(text, "\nsignal {name}({}): {returned}", types.join(", ")).unwrap();
        writeln!(text, "  {:?}", query.flags()).unwrap();
    }
}
