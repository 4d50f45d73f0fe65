// SPDX-License-Identifier: MPL-2.0

//! Structures as JSON, for languages in which arrays of structures are hard to reach.

use gst::glib::types::{StaticType, Type};
use gst::prelude::GstValueExt;
use gst::{StructureRef, glib};
use serde_json::{Map, Value};

/// The key under which a structure's name stands, where it is not inside of another one. No field is called so.
const STRUCTURE: &str = "structure";

/// A structure as a JSON object: its name as `structure`, and each field under its own name.
///
/// A structure inside of it is an object of its fields, an array an array, and bytes are base64. A number that is none, or
/// infinite, is `null`, which is all that JSON has for it. What no structure of avrec holds stands as GStreamer writes it.
pub fn json(structure: &StructureRef) -> Value {
    let mut whole = Map::new();
    whole.insert(STRUCTURE.to_owned(), structure.name().as_str().into());
    whole.extend(fields(structure));
    Value::Object(whole)
}

fn fields(structure: &StructureRef) -> impl Iterator<Item = (String, Value)> + '_ {
    let pair = |(name, value): (&glib::GStr, &glib::SendValue)| (name.to_string(), field(value));
    structure.iter().map(pair)
}

fn field(value: &glib::Value) -> Value {
    match value.type_() {
        Type::BOOL => value.get::<bool>().into_json(),
        Type::I32 => value.get::<i32>().into_json(),
        Type::U32 => value.get::<u32>().into_json(),
        Type::I64 => value.get::<i64>().into_json(),
        Type::U64 => value.get::<u64>().into_json(),
        Type::F32 => value.get::<f32>().into_json(),
        Type::F64 => value.get::<f64>().into_json(),
        Type::STRING => value.get::<Option<String>>().into_json(),
        kind if kind == gst::Structure::static_type() => match value.get::<Option<gst::Structure>>() {
            Ok(Some(inner)) => Value::Object(fields(&inner).collect()),
            _ => Value::Null,
        },
        kind if kind == gst::Array::static_type() => match value.get::<gst::Array>() {
            Ok(values) => values.iter().map(|it| field(it)).collect(),
            Err(_) => Value::Null,
        },
        kind if kind == glib::Bytes::static_type() => match value.get::<Option<glib::Bytes>>() {
            Ok(Some(bytes)) => glib::base64_encode(&bytes).as_str().into(),
            _ => Value::Null,
        },
        _ => value.serialize().map_or(Value::Null, |it| it.as_str().into()),
    }
}

/// What a value of a known type is in JSON.
trait IntoJson {
    fn into_json(self) -> Value;
}

impl<T: Into<Value>, E> IntoJson for Result<T, E> {
    fn into_json(self) -> Value {
        self.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_has_its_form() {
        gst::init().unwrap();
        let part = |name: &str, value: f64| gst::Structure::builder(name).field("x", value).build();
        let whole = gst::Structure::builder("avrec/whole")
            .field("yes", true)
            .field("many", u64::MAX)
            .field("less", -3i32)
            .field("text", "a \"b\"\n")
            .field("nothing", None::<String>)
            .field("data", glib::Bytes::from_static(&[0, 255, 1]))
            .field(
                "parts",
                gst::Array::new([part("p", 0.5), part("p", f64::INFINITY)]),
            )
            .field("dims", gst::Array::new([1u64, 2]))
            .field("none", gst::Array::new(<[u64; 0]>::default()))
            .field("inner", part("inner", f64::NAN))
            .field("rate", gst::Fraction::new(30, 1))
            .build();
        let expected = r#"{"structure":"avrec/whole","yes":true,"many":18446744073709551615,"less":-3,"text":"a \"b\"\n","nothing":null,"data":"AP8B","parts":[{"x":0.5},{"x":null}],"dims":[1,2],"none":[],"inner":{"x":null},"rate":"30/1"}"#;
        assert_eq!(json(&whole).to_string(), expected);
    }
}
