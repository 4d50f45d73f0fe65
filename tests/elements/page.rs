// SPDX-License-Identifier: MPL-2.0

//! `docs/messages.md` is what the message types say. `AVREC_BLESS=1 cargo nextest run --test elements page` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use gstavrec::messages::{Chapter, FieldDoc, Inner, StructureDoc, chapters};

use crate::support::init;

const HEAD: &str = "\
# Messages, statistics and metas

What the elements tell, field by field.
This page is written from the types in `src/messages`, and a test fails where it is not what they say.

A field without “absent” is always there.
Times are nanoseconds (ns) in a `guint64`; GStreamer's “no time” does not occur, the field is absent then.
A name stands for one thing: a structure of that name has these fields wherever it comes from, and a field of that name has one type wherever it stands among the messages.
The same as JSON is [messages.schema.json](messages.schema.json).
How to listen and ask is in [application.md](application.md); `avrec/…` are names of element messages unless it says otherwise.
";

pub const FOOT: &str = "
## Signals

| signal | kind | meaning |
|---|---|---|
| `to-json(structure: GstStructure) → gchararray` | action of each element, from any thread at any time | Any of these structures as JSON: an object of its fields with its name as `structure`, in which arrays are arrays, structures objects and bytes base64; nothing for none. |
| `candidate-changed(from: gchararray, to: gchararray, reason: gchararray)` | of `avrec-switch`, emitted on the streaming thread, so handlers must be short | Another candidate answers from the next frame on; `reason` is a sentence. |
| `explain() → GstStructure` | action of `avrec-switch`, from any thread at any time | Why it is this candidate: `avrec/explanation`. |
| `feedback(candidate: gchararray, score: gdouble) → gboolean` | action of `avrec-switch`, from any thread at any time | What the answers of a candidate (empty = the active one) are worth, 0 to 1; returns whether it was taken, and if not a WARNING message says why. |

## Other things on buffers, in events and in queries

Voice activity (silero-vad and its kind) stands in `GstAudioLevelMeta`: the level in -dBov and whether there is a voice, on each buffer from the first answer on.
`avrec-probe` and `avrec-switch` stamp buffers with a `GstReferenceTimestampMeta` of the caps `timestamp/x-avrec`: monotonic time at which the buffer entered, in nanoseconds; it stays on what leaves.
With the cargo feature `analytics` (GStreamer 1.26) the answers also stand in `GstAnalyticsRelationMeta` and outputs in `GstTensorMeta`, in GStreamer's own terms.

avrec has no event, query or message type of its own beside the element messages above.
`key-frames` sends GStreamer's `GstForceKeyUnit` downstream (`all-headers` false, `count` from 0, with the times of the frame).
`avrec-switch` answers LATENCY with its budget, posts QOS where it degrades and LATENCY where its latency changes, and takes QOS events of the sink.
";

/// What a structure has that the page does not tell, or the other way round; a sentence each.
pub fn objections(structure: &gst::StructureRef) -> Vec<String> {
    match all().get(structure.name().as_str()) {
        Some(told) => told.objections(structure),
        None => vec![format!("{} is not told of", structure.name())],
    }
}

/// Each structure by its name.
pub fn all() -> BTreeMap<&'static str, StructureDoc> {
    init();
    let mut all = BTreeMap::new();
    for chapter in chapters() {
        for structure in chapter.structures {
            gather(&structure, &mut all);
        }
    }
    all
}

fn gather(structure: &StructureDoc, all: &mut BTreeMap<&'static str, StructureDoc>) {
    for field in &structure.fields {
        if let Inner::Part(part) = &field.inner {
            gather(part, all);
        }
    }
    let told = all.insert(structure.name, structure.clone());
    assert!(
        told.is_none_or(|it| it == *structure),
        "{} has two meanings",
        structure.name
    );
}

/// The structures inside of these, each once, where they are first named.
fn inside(structures: &[StructureDoc], told: &mut Vec<&'static str>) -> Vec<StructureDoc> {
    let mut found = Vec::new();
    for field in structures.iter().flat_map(|it| &it.fields) {
        if let Inner::Part(part) = &field.inner
            && !told.contains(&part.name)
        {
            told.push(part.name);
            found.push((**part).clone());
            found.extend(inside(std::slice::from_ref(part), told));
        }
    }
    found
}

fn page(chapters: &[Chapter]) -> String {
    let mut text = HEAD.to_owned();
    let mut told: Vec<&'static str> = chapters
        .iter()
        .flat_map(|it| it.structures.iter().map(|it| it.name))
        .collect();
    for chapter in chapters {
        write!(text, "\n## {}\n", chapter.title).unwrap();
        for structure in &chapter.structures {
            table(&mut text, structure);
        }
        for part in inside(&chapter.structures, &mut told) {
            table(&mut text, &part);
        }
    }
    text + FOOT
}

fn table(text: &mut String, structure: &StructureDoc) {
    write!(text, "\n### `{}`\n\n{}\n\n", structure.name, structure.doc).unwrap();
    text.push_str("| field | type | meaning |\n|---|---|---|\n");
    for field in &structure.fields {
        writeln!(
            text,
            "| `{}` | {} | {} |",
            field.name,
            kind(field),
            meaning(field)
        )
        .unwrap();
    }
}

fn kind(field: &FieldDoc) -> String {
    match &field.inner {
        Inner::Value | Inner::Words(_) if field.is_time => format!("{}, ns", field.type_name),
        Inner::Value | Inner::Words(_) => field.type_name.to_owned(),
        Inner::Values(kind) => format!("{} of {kind}", field.type_name),
        Inner::Part(part) => format!("{} of [`{}`](#{})", field.type_name, part.name, anchor(part.name)),
        Inner::Figures => format!("{} of gdouble", field.type_name),
    }
}

/// As GitHub makes it of a heading.
fn anchor(name: &str) -> String {
    name.chars()
        .filter(|it| *it != '/')
        .collect::<String>()
        .to_lowercase()
}

fn meaning(field: &FieldDoc) -> String {
    let Inner::Words(words) = &field.inner else {
        return field.doc.clone();
    };
    let word = |(word, meaning): &(&str, &str)| match meaning.trim_end_matches('.') {
        "" => format!("`{word}`"),
        meaning => format!("`{word}` ({})", begun_small(meaning)),
    };
    let words: Vec<String> = words.iter().map(word).collect();
    format!("{} One of {}.", field.doc, words.join(", "))
}

fn begun_small(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|it| it.to_lowercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

#[test]
fn the_page_of_messages_says_what_their_types_say() {
    init();
    let found = page(&chapters());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/messages.md");
    if std::env::var_os("AVREC_BLESS").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let (found_lines, written_lines): (Vec<_>, Vec<_>) = (found.lines().collect(), written.lines().collect());
    let added = found_lines.iter().filter(|it| !written_lines.contains(it));
    let removed = written_lines.iter().filter(|it| !found_lines.contains(it));
    let difference: Vec<String> = removed
        .map(|it| format!("- {it}"))
        .chain(added.map(|it| format!("+ {it}")))
        .collect();
    assert!(
        found == written,
        "docs/messages.md is out of date; AVREC_BLESS=1 writes it\n{}",
        difference.join("\n")
    );
}

#[test]
fn a_name_has_one_meaning_and_each_field_is_told_of() {
    let mut types: BTreeMap<String, (String, &'static str)> = BTreeMap::new();
    for (name, structure) in all() {
        assert!(structure.doc.ends_with('.'), "{name}: {:?}", structure.doc);
        let mut names: Vec<&str> = structure.fields.iter().map(|it| it.name.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(count, names.len(), "{name} has a field twice");
        let is_message = name.starts_with("avrec/");
        for field in &structure.fields {
            let place = format!("{name}: {}", field.name);
            let is_sentence =
                field.doc.ends_with('.') && field.doc.starts_with(|it: char| it.is_uppercase() || it == '9');
            assert!(is_sentence, "{place}: {:?}", field.doc);
            let says_absent = field.doc.contains("Absent") || field.doc.contains("Present");
            assert_eq!(
                says_absent, field.is_optional,
                "{place} says when it is absent: {:?}",
                field.doc
            );
            assert!(
                !field.name.ends_with("-ns") || field.is_time,
                "{place} is no time"
            );
            // Parameters of regions of interest have the fields that other plugins write.
            if is_message {
                let told = types.entry(field.name.clone());
                let (elsewhere, kind) = told.or_insert((place.clone(), field.type_name));
                assert_eq!(*kind, field.type_name, "{place} and {elsewhere}");
            }
        }
    }
}

#[test]
fn what_a_structure_should_not_have_is_found() {
    init();
    let good = || {
        gst::Structure::builder("avrec/candidate-failed")
            .field("candidate", "a")
            .field("cause", "b")
            .field("remedy", "c")
    };
    assert_eq!(objections(&good().build()), <[String; 0]>::default());
    let name = "avrec/candidate-failed";
    let odd = good().field("odd", 1).build();
    assert_eq!(objections(&odd), [format!("{name}: odd is not told of")]);
    let other = good().field("cause", 3).build();
    assert_eq!(
        objections(&other),
        [format!("{name}: cause is a gint, not a gchararray")]
    );
    let mut less = good().build();
    less.remove_field("remedy");
    assert_eq!(objections(&less), [format!("{name}: remedy is missing")]);
    let unknown = gst::Structure::new_empty("avrec/odd");
    assert_eq!(objections(&unknown), ["avrec/odd is not told of"]);
}
