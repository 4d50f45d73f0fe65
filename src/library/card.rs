// SPDX-License-Identifier: MPL-2.0

//! Model cards: the lines between `---` at the head of a `README.md`, as Hugging Face has them.
//!
//! Of their YAML the part is read that such lines use: keys at the margin with a word, a quoted text, `[a, b]`, or a list of
//! `- a` below. What is deeper, such as results, is left alone.

use super::license;

/// Bytes that a card may have.
pub const MAX_BYTES: u64 = 1 << 20;

/// What a card says; what it does not is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    /// As it is written there.
    pub license: Option<String>,
    /// What it was trained on.
    pub datasets: Vec<String>,
    /// What it was made from.
    pub base_models: Vec<String>,
    pub tags: Vec<String>,
    /// The task in the words of Hugging Face, such as `object-detection`.
    pub pipeline: Option<String>,
}

impl Card {
    /// Reads the head of a card; `None` where it has none.
    pub fn parse(text: &str) -> Option<Card> {
        let mut lines = text.lines().map(str::trim_end);
        if lines.next()? != "---" {
            return None;
        }
        let mut head = Vec::new();
        loop {
            match lines.next()? {
                "---" | "..." => break,
                line => head.push(line),
            }
        }
        let license = values(&head, "license");
        let named = values(&head, "license_name").into_iter().next();
        let license = match license.as_slice() {
            [one] if one.eq_ignore_ascii_case("other") => named.or(Some(one.clone())),
            [] => named,
            [one] => Some(one.clone()),
            // Who keeps to all of them is right in any case.
            several => {
                let meant = several
                    .iter()
                    .map(|it| license::meant(it).unwrap_or_else(|| it.clone()));
                Some(meant.collect::<Vec<_>>().join(" AND "))
            }
        };
        Some(Card {
            license,
            datasets: values(&head, "datasets"),
            base_models: values(&head, "base_model"),
            tags: values(&head, "tags"),
            pipeline: values(&head, "pipeline_tag").into_iter().next(),
        })
    }

    /// The licence as an expression; `None` where none is named.
    pub fn expression(&self) -> Option<String> {
        license::meant(self.license.as_deref()?)
    }

    /// What the task is called here.
    pub fn task(&self) -> Option<&'static str> {
        Some(match self.pipeline.as_deref()? {
            "object-detection" | "zero-shot-object-detection" => "detect",
            "image-classification" | "audio-classification" | "zero-shot-image-classification" => "classify",
            "image-segmentation" | "mask-generation" => "segment",
            "image-to-image" => "image",
            "audio-to-audio" => "audio",
            "voice-activity-detection" => "score",
            _ => return None,
        })
    }
}

/// The values of a key: one behind it, or a list below it.
fn values(head: &[&str], key: &str) -> Vec<String> {
    let mut lines = head.iter();
    let Some(first) = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':')) else {
        return Vec::new();
    };
    let first = plain(first);
    let is_block = first.is_empty() || first.starts_with(['|', '>', '&', '*']);
    if !is_block {
        return match first.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            Some(inside) => inside
                .split(',')
                .map(scalar)
                .filter(|it| !it.is_empty())
                .collect(),
            None => vec![scalar(first)]
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect(),
        };
    }
    let below = lines.take_while(|it| it.is_empty() || it.starts_with([' ', '-', '#', '\t']));
    let items = below.filter_map(|it| it.trim_start().strip_prefix("- "));
    // An item with keys of its own is none of these lists.
    let items = items.map(|it| scalar(plain(it))).filter(|it| !it.contains(": "));
    items.filter(|it| !it.is_empty()).collect()
}

/// A value without the comment behind it.
fn plain(text: &str) -> &str {
    let text = text.trim();
    match text.starts_with(['"', '\'']) {
        true => text,
        false if text.starts_with('#') => "",
        false => text.split(" #").next().unwrap_or(text).trim_end(),
    }
}

/// A value without its quotes.
fn scalar(text: &str) -> String {
    let text = text.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let inside = text.strip_prefix(quote)?;
        inside.split(quote).next()
    });
    let text = quoted.unwrap_or(text);
    let is_nothing = quoted.is_none() && matches!(text, "null" | "~" | "None");
    if is_nothing {
        String::new()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_as_people_write_them_are_read() {
        let text = "---\nlanguage: en\nlicense: apache-2.0   # of the weights\ntags:\n- vision\n- object-detection\ndatasets:\n  - coco\n  \
            - \"objects365\"\nbase_model: [facebook/detr-resnet-50, 'x/y']\npipeline_tag: object-detection\nmodel-index:\n- name: a\n  \
            results:\n  - task: b\n    license: mit\nwidget:\n- src: https://example.org/a.jpg\n---\n# Title\n\nlicense: gpl\n";
        let card = Card::parse(text).unwrap();
        assert_eq!(card.license.as_deref(), Some("apache-2.0"));
        assert_eq!(card.expression().as_deref(), Some("Apache-2.0"));
        assert_eq!(card.datasets, ["coco", "objects365"]);
        assert_eq!(card.base_models, ["facebook/detr-resnet-50", "x/y"]);
        assert_eq!(card.tags, ["vision", "object-detection"]);
        assert_eq!(card.task(), Some("detect"));
    }

    #[test]
    fn what_is_odd_is_no_more_than_not_said() {
        for (text, license) in [
            (
                "---\r\nlicense: other\r\nlicense_name: deci\r\n---\r\n",
                Some("LicenseRef-deci"),
            ),
            ("---\nlicense: other\n---\n", None),
            (
                "---\nlicense:\n- mit\n- cc-by-4.0\n---\n",
                Some("MIT AND CC-BY-4.0"),
            ),
            (
                "---\nlicense: creativeml-openrail-m\n---\n",
                Some("LicenseRef-creativeml-openrail-m"),
            ),
            ("---\nlicense: agpl-3.0\n---\n", Some("AGPL-3.0-only")),
            ("---\nlicense: null\n---\n", None),
            ("---\nlicense: |\n  a text of\n  two lines\n---\n", None),
            ("---\nlicense: [\n---\n", None),
            ("---\nlicense:\n---\n", None),
            ("---\n: : :\n\t- \n\"\nlicense: \"mit\n---\n", Some("MIT")),
        ] {
            let card = Card::parse(text).unwrap();
            assert_eq!(card.expression().as_deref(), license, "{text}");
        }
        for text in [
            "",
            "# Title",
            "---",
            "---\nlicense: mit\n",
            "----\nlicense: mit\n---\n",
        ] {
            assert_eq!(Card::parse(text), None, "{text}");
        }
    }
}
