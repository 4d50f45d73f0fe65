// SPDX-License-Identifier: MPL-2.0

//! What applications see of the plugin, as GStreamer publishes it: the JSON that its documentation is built from, in the form
//! of its `gst-hotdoc-plugins-scanner`. Tracers, of which that has the names only, are told of as elements are; names of
//! elements stand with the rest of their metadata, and what it would write otherwise than it is stands as it is: a `%`, and
//! numbers beyond the half of a guint.

use std::collections::BTreeSet;
use std::ffi::CStr;

use gst::glib;
use gst::glib::translate::IntoGlib;
use gst::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

const PLUGIN: &str = "avrec";
/// The file that it is in, without `lib` and ending.
const LIBRARY: &str = "gstavrec";
/// What only builds with another cargo feature have is not published.
const LEFT_OUT: [&str; 1] = ["avrec-spans"];

/// The plugin as a text of JSON, with keys in their order.
pub fn text() -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    let mut plugins = json!({ PLUGIN: plugin() });
    plugins.sort_all_objects();
    plugins.serialize(&mut serializer).unwrap();
    String::from_utf8(bytes).unwrap() + "\n"
}

/// What was gathered on the way: types of the plugin that properties, signals and pads are of.
#[derive(Default)]
struct OtherTypes {
    seen: BTreeSet<String>,
    types: Map<String, Value>,
}

fn plugin() -> Value {
    let registry = gst::Registry::get();
    let plugin = registry.find_plugin(PLUGIN).expect("the plugin is found");
    let mut other_types = OtherTypes::default();
    let (mut elements, mut tracers) = (Map::new(), Map::new());
    for feature in registry.features_by_plugin(PLUGIN).iter() {
        let feature = feature.load().unwrap();
        let name = feature.name().to_string();
        if LEFT_OUT.contains(&&*name) {
            continue;
        }
        if let Some(factory) = feature.downcast_ref::<gst::ElementFactory>() {
            if !factory.skips_documentation() {
                elements.insert(name, element(factory, &mut other_types));
            }
        } else if let Some(factory) = feature.downcast_ref::<gst::TracerFactory>() {
            let mut told = Map::new();
            object(&mut told, factory.tracer_type(), None, &mut other_types);
            tracers.insert(name, told.into());
        }
    }
    json!({
        "description": plugin.description().as_str(),
        "filename": LIBRARY,
        "source": plugin.source().as_str(),
        "package": plugin.package().as_str(),
        "license": plugin.license().as_str(),
        "url": plugin.origin().as_str(),
        "elements": elements,
        "tracers": tracers,
        "other-types": other_types.types,
    })
}

fn element(factory: &gst::ElementFactory, other_types: &mut OtherTypes) -> Value {
    let element = factory.create().build().unwrap();
    let mut told = Map::new();
    told.insert("rank".into(), rank(factory.rank()).into());
    for key in factory.metadata_keys() {
        told.insert(key.to_string(), factory.metadata(&key).into());
    }
    object(&mut told, element.type_(), Some(&element), other_types);
    let templates = element.pad_template_list().into_iter();
    let templates: Map<String, Value> = templates
        .map(|it| (it.name_template().to_string(), pad_template(&it)))
        .collect();
    if !templates.is_empty() {
        told.insert("pad-templates".into(), templates.into());
    }
    told.into()
}

fn rank(rank: gst::Rank) -> String {
    let known = [
        ("none", gst::Rank::NONE),
        ("marginal", gst::Rank::MARGINAL),
        ("secondary", gst::Rank::SECONDARY),
        ("primary", gst::Rank::PRIMARY),
    ];
    let distance = |it: &gst::Rank| (i32::from(rank) - i32::from(*it)).abs();
    let (name, nearest) = known.into_iter().min_by_key(|it| distance(&it.1)).unwrap();
    match i32::from(rank) - i32::from(nearest) {
        0 => name.to_owned(),
        more if 0 < more => format!("{name} + {more}"),
        less => format!("{name} - {}", -less),
    }
}

/// What a type adds to those before it; `instance` is one as it is made.
fn object(
    told: &mut Map<String, Value>,
    owner: glib::Type,
    instance: Option<&gst::Element>,
    other_types: &mut OtherTypes,
) {
    let mut hierarchy = vec![owner];
    while let Some(parent) = hierarchy.last().and_then(|it| it.parent()) {
        hierarchy.push(parent);
    }
    let names = |types: &[glib::Type]| types.iter().map(|it| it.name()).collect::<Vec<_>>();
    told.insert("hierarchy".into(), names(&hierarchy).into());
    let interfaces = owner.interfaces();
    if !interfaces.is_empty() {
        told.insert("interfaces".into(), names(&interfaces).into());
    }
    for base in &hierarchy[1..] {
        other_type(*base, instance, other_types);
    }
    let properties: Map<String, Value> = own_properties(owner)
        .iter()
        .map(|it| (it.name().to_owned(), property(it, instance, other_types)))
        .collect();
    if !properties.is_empty() {
        told.insert("properties".into(), properties.into());
    }
    let signals: Map<String, Value> = signal_names(owner)
        .into_iter()
        .map(|it| (it.clone(), signal(&it, owner, other_types)))
        .collect();
    if !signals.is_empty() {
        told.insert("signals".into(), signals.into());
    }
}

/// Properties that a type itself adds, by name.
pub fn own_properties(owner: glib::Type) -> Vec<glib::ParamSpec> {
    let class = glib::object::ObjectClass::from_type(owner).expect("an object");
    let mut own: Vec<_> = class
        .list_properties()
        .iter()
        .filter(|it| it.owner_type() == owner)
        .cloned()
        .collect();
    own.sort_by_key(|it| it.name().to_owned());
    own
}

/// The highest state in which GStreamer's tools say that the property may be written.
pub fn changeable(pspec: &glib::ParamSpec) -> Option<&'static str> {
    let states = [
        (gst::PARAM_FLAG_MUTABLE_PLAYING, "playing"),
        (gst::PARAM_FLAG_MUTABLE_PAUSED, "paused"),
        (gst::PARAM_FLAG_MUTABLE_READY, "ready"),
    ];
    let found = states.into_iter().find(|(flag, _)| pspec.flags().contains(*flag));
    found.map(|(_, state)| state)
}

fn property(pspec: &glib::ParamSpec, instance: Option<&gst::Element>, other_types: &mut OtherTypes) -> Value {
    other_type(pspec.value_type(), None, other_types);
    let flags = pspec.flags();
    let has = |flag: glib::ParamFlags| flags.contains(flag);
    let mut told = json!({
        "construct-only": has(glib::ParamFlags::CONSTRUCT_ONLY),
        "construct": has(glib::ParamFlags::CONSTRUCT),
        "readable": has(glib::ParamFlags::READABLE),
        "writable": has(glib::ParamFlags::WRITABLE),
        "blurb": pspec.blurb(),
        "controllable": has(gst::PARAM_FLAG_CONTROLLABLE),
        "conditionally-available": has(gst::PARAM_FLAG_CONDITIONALLY_AVAILABLE),
        "mutable": changeable(pspec).unwrap_or("null"),
        "type": pspec.value_type().name(),
    });
    let is_read = has(glib::ParamFlags::READABLE) && !has(gst::PARAM_FLAG_DOC_SHOW_DEFAULT);
    let value = match instance {
        Some(instance) if is_read => instance.property_value(pspec.name()),
        _ => pspec.default_value().clone(),
    };
    if let Some(default) = default(&value) {
        told["default"] = default.into();
    }
    if let Some((least, most)) = range(pspec) {
        (told["min"], told["max"]) = (least.into(), most.into());
    }
    told
}

/// A value as the documentation shows it; `None` for what it does not show.
fn default(value: &glib::Value) -> Option<String> {
    let kind = value.type_();
    if kind == String::static_type() {
        let text = value.get::<Option<String>>().unwrap();
        return Some(text.unwrap_or("NULL".to_owned()));
    }
    if let Some((class, value)) = glib::EnumValue::from_value(value) {
        let nick = class.value(value.value()).map_or("", |it| it.nick());
        return Some(format!("{nick} ({})", value.value()));
    }
    if let Ok(number) = value.get::<f64>() {
        return Some(number_text(number));
    }
    if let Ok(number) = value.get::<f32>() {
        return Some(number_text(number.into()));
    }
    let is_shown = [
        bool::static_type(),
        i32::static_type(),
        u32::static_type(),
        i64::static_type(),
        u64::static_type(),
    ];
    if is_shown.contains(&kind) {
        return value.serialize().ok().map(Into::into);
    }
    if kind == gst::Caps::static_type() {
        return value.get::<Option<gst::Caps>>().unwrap().map(|it| it.to_string());
    }
    if kind == gst::Structure::static_type() {
        let structure = value.get::<Option<gst::Structure>>().unwrap();
        return structure.map(|it| it.to_string());
    }
    None
}

/// As C's `%g` writes it.
fn number_text(number: f64) -> String {
    let mut buffer = [0_u8; 64];
    // SAFETY: the buffer has the length that is told, and the text ends with a zero inside of it.
    unsafe {
        let length = buffer.len() as i32;
        glib::ffi::g_ascii_formatd(buffer.as_mut_ptr().cast(), length, c"%g".as_ptr(), number);
    }
    CStr::from_bytes_until_nul(&buffer)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

/// The least and the most of a number.
fn range(pspec: &glib::ParamSpec) -> Option<(String, String)> {
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecInt>() {
        return Some((it.minimum().to_string(), it.maximum().to_string()));
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecUInt>() {
        return Some((it.minimum().to_string(), it.maximum().to_string()));
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecInt64>() {
        return Some((it.minimum().to_string(), it.maximum().to_string()));
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecUInt64>() {
        return Some((it.minimum().to_string(), it.maximum().to_string()));
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecFloat>() {
        return Some((number_text(it.minimum().into()), number_text(it.maximum().into())));
    }
    let it = pspec.downcast_ref::<glib::ParamSpecDouble>()?;
    Some((number_text(it.minimum()), number_text(it.maximum())))
}

/// Names of the signals that the type itself adds.
pub fn signal_names(owner: glib::Type) -> Vec<String> {
    let mut count = 0;
    // SAFETY: the type has a class, which `own_properties` or an element of it made; the list is freed with the allocator
    // that GLib made it with, and each identifier in it is a valid signal.
    unsafe {
        let list = glib::gobject_ffi::g_signal_list_ids(owner.into_glib(), &mut count);
        let ids = (0..count as usize).map(|index| *list.add(index));
        let name = |id| {
            CStr::from_ptr(glib::gobject_ffi::g_signal_name(id))
                .to_string_lossy()
                .into_owned()
        };
        let names = ids.map(name).collect();
        glib::ffi::g_free(list.cast());
        names
    }
}

fn signal(name: &str, owner: glib::Type, other_types: &mut OtherTypes) -> Value {
    let query = glib::subclass::SignalId::lookup(name, owner).unwrap().query();
    let types: Vec<glib::Type> = query.param_types().iter().map(|it| it.type_()).collect();
    let returned = query.return_type().type_();
    for kind in types.iter().chain([&returned]) {
        other_type(*kind, None, other_types);
    }
    let argument =
        |(number, kind): (usize, &glib::Type)| json!({ "name": format!("arg{number}"), "type": kind.name() });
    let arguments: Vec<Value> = types.iter().enumerate().map(argument).collect();
    let mut told = json!({ "args": arguments, "return-type": returned.name() });
    let when = [
        (glib::SignalFlags::RUN_FIRST, "first"),
        (glib::SignalFlags::RUN_LAST, "last"),
        (glib::SignalFlags::RUN_CLEANUP, "cleanup"),
    ];
    if let Some((_, when)) = when.into_iter().find(|it| query.flags().contains(it.0)) {
        told["when"] = when.into();
    }
    let flags = [
        (glib::SignalFlags::NO_RECURSE, "no-recurse"),
        (glib::SignalFlags::DETAILED, "detailed"),
        (glib::SignalFlags::ACTION, "action"),
        (glib::SignalFlags::NO_HOOKS, "no-hooks"),
    ];
    for (_, name) in flags.into_iter().filter(|it| query.flags().contains(it.0)) {
        told[name] = true.into();
    }
    told
}

fn pad_template(template: &gst::PadTemplate) -> Value {
    let direction = match template.direction() {
        gst::PadDirection::Src => "src",
        gst::PadDirection::Sink => "sink",
        _ => "unknown",
    };
    let presence = match template.presence() {
        gst::PadPresence::Always => "always",
        gst::PadPresence::Sometimes => "sometimes",
        gst::PadPresence::Request => "request",
    };
    json!({ "caps": caps(template.documentation_caps()), "direction": direction, "presence": presence })
}

fn caps(caps: &gst::Caps) -> String {
    if caps.is_any() {
        return "ANY".to_owned();
    }
    if caps.is_empty() {
        return "EMPTY".to_owned();
    }
    let mut text = String::new();
    for (number, (structure, features)) in caps.iter_with_features().enumerate() {
        let is_plain = !features.is_any() && features.is_equal(&gst::CAPS_FEATURES_MEMORY_SYSTEM_MEMORY);
        match is_plain {
            true => text += &format!("{}:\n", structure.name()),
            false => {
                let gap = if 0 < number { "\n" } else { "" };
                text += &format!("{gap}{}({features}):\n", structure.name());
            }
        }
        for (field, value) in structure.iter() {
            let mut value = value.serialize().unwrap().to_string();
            if ["format", "rate"].contains(&field.as_str()) {
                value = value.replace("(string)", "").replace("(rate)", "");
            }
            text += &format!("{:>15}: {value}\n", field.as_str());
        }
    }
    text
}

/// Tells of a type that is the plugin's own, once.
fn other_type(kind: glib::Type, instance: Option<&gst::Element>, other_types: &mut OtherTypes) {
    let Some(flags) = kind.plugin_api_flags() else {
        return;
    };
    if !other_types.seen.insert(kind.name().to_owned()) {
        return;
    }
    let told = if let Some(class) = glib::EnumClass::with_type(kind) {
        let value = |it: &glib::EnumValue| json!({ "name": it.nick(), "value": it.value().to_string(), "desc": it.name() });
        match flags.contains(gst::PluginAPIFlags::MEMBERS) {
            true => json!({ "kind": "enum", "ignore-enum-members": true }),
            false => {
                json!({ "kind": "enum", "values": class.values().iter().map(value).collect::<Vec<_>>() })
            }
        }
    } else if let Some(class) = glib::FlagsClass::with_type(kind) {
        let value = |it: &glib::FlagsValue| json!({ "name": it.nick(), "value": format!("0x{:08x}", it.value()), "desc": it.name() });
        json!({ "kind": "flags", "values": class.values().iter().map(value).collect::<Vec<_>>() })
    } else {
        let mut told = Map::new();
        told.insert("kind".into(), "object".into());
        object(&mut told, kind, instance, other_types);
        told.into()
    };
    other_types.types.insert(kind.name().to_owned(), told);
}
