// SPDX-License-Identifier: MPL-2.0

//! Properties that are set from text, as catalogues and commands have it.

use gst::glib;
use gst::prelude::*;

/// Sets a property from text.
///
/// # Errors
///
/// Unlike with `set_property_from_str`, a property that the element lacks, text that is no value of its type, and a
/// number out of its range are errors that say so, and no panic.
pub fn set(element: &gst::Element, name: &str, text: &str) -> Result<(), String> {
    let pspec = element
        .find_property(name)
        .ok_or_else(|| format!("{} has no property {name}", kind(element)))?;
    let value = glib::Value::deserialize_with_pspec(text, &pspec)
        .map_err(|_| format!("`{text}` is no value for {name}"))?;
    if let Some(range) = range_without(&pspec, &value) {
        return Err(format!(
            "{name} = {text} is out of range; write a number from {range}"
        ));
    }
    element.set_property_from_value(name, &value);
    Ok(())
}

fn kind(element: &gst::Element) -> String {
    let factory = element.factory();
    factory.map_or_else(|| element.name().into(), |it| it.name().into())
}

/// The least and the most of a number, where the value lies beyond them; what is no number lies beyond any.
fn range_without(pspec: &glib::ParamSpec, value: &glib::Value) -> Option<String> {
    macro_rules! range_of {
        ($($kind:ident: $number:ty),*) => {
            $(if let (Some(it), Ok(number)) = (pspec.downcast_ref::<glib::$kind>(), value.get::<$number>()) {
                let (least, most) = (it.minimum(), it.maximum());
                return (!(least..=most).contains(&number)).then(|| format!("{least} to {most}"));
            })*
        };
    }
    range_of!(
        ParamSpecInt: i32,
        ParamSpecUInt: u32,
        ParamSpecInt64: i64,
        ParamSpecUInt64: u64,
        ParamSpecFloat: f32,
        ParamSpecDouble: f64
    );
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_an_error_and_sets_nothing() {
        gst::init().unwrap();
        let element = gst::ElementFactory::make("identity").build().unwrap();
        for (name, text, words) in [
            ("no-such", "1", "identity has no property no-such"),
            ("sync", "maybe", "is no value for sync"),
            ("drop-probability", "1.5", "from 0 to 1"),
            ("drop-probability", "nan", "from 0 to 1"),
            ("error-after", "99999999999", "error-after"),
        ] {
            let error = set(&element, name, text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert_eq!(element.property::<f32>("drop-probability"), 0.0);
        set(&element, "drop-probability", "0.5").unwrap();
        assert_eq!(element.property::<f32>("drop-probability"), 0.5);
    }
}
