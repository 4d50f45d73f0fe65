// SPDX-License-Identifier: MPL-2.0

//! `docs/messages.schema.json` is what the message types say, for their JSON form; written as the page of messages is.

use std::path::Path;
use std::sync::LazyLock;

use gst::prelude::*;
use gstavrec::messages::{FieldDoc, Inner, StructureDoc, chapters};
use serde_json::{Map, Value, json};

use crate::page;
use crate::support::init;

/// What a structure's JSON form has that the schema does not allow; a sentence each.
pub fn objections(form: &Value) -> Vec<String> {
    static SCHEMA: LazyLock<Value> = LazyLock::new(schema);
    checked(form, &SCHEMA, &SCHEMA, "the object")
}

/// The schema, of draft 2020-12: one of the structures that come by themselves, told apart by `structure`.
fn schema() -> Value {
    init();
    let whole = chapters().into_iter().flat_map(|it| it.structures);
    let whole: Vec<&str> = whole.map(|it| it.name).collect();
    let of_name =
        |name: &&str| json!({ "properties": { "structure": { "const": name } }, "$ref": reference(name) });
    let parts = page::all().into_iter();
    let parts: Map<String, Value> = parts
        .map(|(name, it)| (name.to_owned(), structure(&it, whole.contains(&name))))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What the elements of avrec tell, as JSON",
        "description": "What stats-json and the action signal to-json return. Written from the types in src/messages, as messages.md is. Times are nanoseconds; a number that is none, or infinite, is null.",
        "type": "object",
        "required": ["structure"],
        "oneOf": whole.iter().map(of_name).collect::<Vec<_>>(),
        "$defs": parts,
    })
}

fn reference(name: &str) -> String {
    format!("#/$defs/{}", name.replace('/', "~1"))
}

/// A structure, with its name where it comes by itself.
fn structure(told: &StructureDoc, comes_alone: bool) -> Value {
    let mut properties = Map::new();
    if comes_alone {
        properties.insert("structure".into(), json!({ "const": told.name }));
    }
    for field in &told.fields {
        let is_new = properties.insert(field.name.clone(), property(field)).is_none();
        assert!(is_new, "{} has {} twice", told.name, field.name);
    }
    let needed: Vec<&str> = told
        .fields
        .iter()
        .filter(|it| !it.is_optional)
        .map(|it| it.name.as_str())
        .collect();
    json!({
        "description": told.doc,
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": false,
    })
}

fn property(field: &FieldDoc) -> Value {
    let one = match &field.inner {
        Inner::Value => of_type(field.type_name),
        Inner::Values(kind) => of_type(kind),
        Inner::Words(words) => json!({ "enum": words.iter().map(|it| it.0).collect::<Vec<_>>() }),
        Inner::Part(part) => json!({ "$ref": reference(part.name) }),
        Inner::Figures => json!({ "type": "object", "additionalProperties": of_type("gdouble") }),
    };
    let mut property = match field.type_name {
        "GstValueArray" => json!({ "type": "array", "items": one }),
        _ => one,
    };
    property["description"] = field.doc.clone().into();
    property
}

/// What a value of this type of GLib is.
fn of_type(name: &str) -> Value {
    match name {
        "gboolean" => json!({ "type": "boolean" }),
        "gint" => json!({ "type": "integer" }),
        "guint" | "guint64" => json!({ "type": "integer", "minimum": 0 }),
        "gdouble" => json!({ "type": ["number", "null"] }),
        "gchararray" => json!({ "type": "string" }),
        "GBytes" => json!({ "type": "string", "contentEncoding": "base64" }),
        other => panic!("{other} has no form in JSON"),
    }
}

/// Holds a value against a schema that uses the words of this one.
fn checked(value: &Value, schema: &Value, root: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    let object = value.as_object();
    for (word, said) in schema.as_object().unwrap() {
        let is_met = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "contentEncoding" => true,
            "$ref" => {
                let target = root
                    .pointer(said.as_str().unwrap().trim_start_matches('#'))
                    .unwrap();
                found.extend(checked(value, target, root, place));
                true
            }
            "oneOf" => {
                let met = |it: &&Value| checked(value, it, root, place).is_empty();
                said.as_array().unwrap().iter().filter(met).count() == 1
            }
            "const" => value == said,
            "enum" => said.as_array().unwrap().contains(value),
            "type" => match said {
                Value::Array(any) => any.iter().any(|it| is_of(value, it)),
                one => is_of(value, one),
            },
            "minimum" => said.as_f64() <= value.as_f64(),
            "required" => said
                .as_array()
                .unwrap()
                .iter()
                .all(|it| object.is_some_and(|object| object.contains_key(it.as_str().unwrap()))),
            "properties" => {
                for (name, schema) in said.as_object().unwrap() {
                    let inner = object.and_then(|it| it.get(name));
                    found.extend(inner.into_iter().flat_map(|it| checked(it, schema, root, name)));
                }
                true
            }
            "additionalProperties" => {
                let named = schema.get("properties").and_then(Value::as_object);
                let further = object.into_iter().flatten();
                let further = further.filter(|(name, _)| !named.is_some_and(|it| it.contains_key(*name)));
                for (name, inner) in further {
                    match said {
                        Value::Bool(false) => found.push(format!("{place}: {name} is not told of")),
                        schema => found.extend(checked(inner, schema, root, name)),
                    }
                }
                true
            }
            "items" => {
                let items = value.as_array().into_iter().flatten();
                found.extend(items.flat_map(|it| checked(it, said, root, place)));
                true
            }
            other => panic!("{other} is not checked"),
        };
        if !is_met {
            found.push(format!("{place}: {value} against {word} {said}"));
        }
    }
    found
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    }
}

#[test]
fn the_schema_says_what_the_message_types_say() {
    let found = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/messages.schema.json");
    if std::env::var_os("AVREC_BLESS").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == written,
        "docs/messages.schema.json is out of date; AVREC_BLESS=1 writes it"
    );
}

#[test]
fn what_the_schema_does_not_allow_is_found() {
    let good =
        json!({ "structure": "avrec/candidate-failed", "candidate": "a", "cause": "b", "remedy": "c" });
    assert_eq!(objections(&good), <[String; 0]>::default());
    let changed = |name: &str, value: Option<Value>| {
        let mut changed = good.clone();
        let object = changed.as_object_mut().unwrap();
        match value {
            Some(value) => _ = object.insert(name.to_owned(), value),
            None => _ = object.remove(name),
        }
        changed
    };
    for bad in [
        changed("odd", Some(json!(1))),
        changed("cause", Some(json!(3))),
        changed("remedy", None),
        changed("structure", None),
        changed("structure", Some(json!("avrec/candidate-ready"))),
        changed("structure", Some(json!("avrec/odd"))),
    ] {
        assert!(!objections(&bad).is_empty(), "{bad}");
    }
}

#[test]
fn each_element_makes_json_of_any_structure_and_nothing_of_none() {
    init();
    for factory in ["avrec-infer", "avrec-probe", "avrec-switch", "avrec-fuse"] {
        let element = gst::ElementFactory::make(factory).build().unwrap();
        let other = gst::Structure::builder("other")
            .field("rate", gst::Fraction::new(30, 1))
            .build();
        let form = element.emit_by_name::<String>("to-json", &[&other]);
        assert_eq!(form, r#"{"structure":"other","rate":"30/1"}"#);
        let none = element.emit_by_name::<Option<String>>("to-json", &[&None::<gst::Structure>]);
        assert_eq!(none, None);
    }
}
