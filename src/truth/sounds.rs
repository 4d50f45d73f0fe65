// SPDX-License-Identifier: MPL-2.0

//! Who or what sounds when: RTTM (NIST's Rich Transcription, <https://github.com/nryant/dscore#rttm>), and the labels that
//! Audacity exports; and what such stretches say of another stretch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::classes::Classes;
use super::error::TruthError;
use super::folder::Files;
use super::label::Kind;
use super::store::{Content, Labels, MOST_BYTES, Span, Store};
use crate::answer::ClassScore;
use crate::bounded_file;

/// The kinds of lines of RTTM, of which only `SPEAKER` says who speaks when.
const RTTM_KINDS: [&str; 13] = [
    "SPEAKER",
    "SEGMENT",
    "NOSCORE",
    "NO_RT_METADATA",
    "LEXEME",
    "NON-LEX",
    "NON-SPEECH",
    "FILLER",
    "EDIT",
    "SU",
    "IP",
    "CB",
    "SPKR-INFO",
];

/// Whether a line can be one of RTTM.
pub(super) fn is_rttm(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|it| RTTM_KINDS.contains(&it)) && 7 <= words.count()
}

/// Whether a line can be one of Audacity's labels: start, end and perhaps a text, between tabs.
pub(super) fn is_audacity(line: &str) -> bool {
    let mut fields = line.split('\t');
    let mut is_time = || fields.next().is_some_and(|it| seconds(it).is_some());
    is_time() && is_time() && fields.count() <= 1
}

/// Some languages write a comma.
fn seconds(text: &str) -> Option<f64> {
    let seconds: f64 = text.trim().replace(',', ".").parse().ok()?;
    (seconds.is_finite() && 0.0 <= seconds).then_some(seconds)
}

pub(super) fn read_rttm(path: &Path, classes: &mut Classes) -> Result<Store, TruthError> {
    let mut store = Store::new(Kind::Sounding, 0);
    let mut other_lines = 0;
    for file in files(path, "rttm")? {
        let text = bounded_file::read_text(&file, MOST_BYTES).map_err(TruthError::unreadable(&file))?;
        for (line, number) in text.lines().zip(1..) {
            let wrong = |cause: String| TruthError::line(&file, number, cause);
            let words: Vec<&str> = line.split_whitespace().collect();
            let [kind, recording, _channel, start, duration, _, _, name, ..] = words[..] else {
                if words.is_empty() || line.starts_with(';') {
                    continue;
                }
                return Err(wrong(format!(
                    "'{line}' is not SPEAKER FILE CHANNEL START DURATION <NA> <NA> NAME <NA> <NA>"
                )));
            };
            if kind != "SPEAKER" {
                other_lines += usize::from(!line.starts_with(';'));
                continue;
            }
            let (Some(from), Some(length)) = (seconds(start), seconds(duration)) else {
                return Err(wrong(format!(
                    "'{start}' and '{duration}' are not a start and a duration in seconds"
                )));
            };
            let content = Content::Classes(vec![classes.number(name)]);
            // The name of a recording has no ending, but it may have dots.
            let recording = PathBuf::from(format!("{recording}.rttm"));
            let labels = store.by_file.entry(&recording, Labels::default);
            labels.spans.push(Span {
                from,
                to: from + length,
                content,
            });
        }
    }
    if store.by_file.len() == 0 {
        return Err(TruthError::unknown(
            path,
            "it has no SPEAKER line, and other lines of RTTM say no class",
        ));
    }
    if 0 < other_lines {
        store.notes.push(format!(
            "{other_lines} lines of other kinds than SPEAKER are left out."
        ));
    }
    store.by_file.iter_mut().for_each(Labels::finish);
    Ok(store)
}

pub(super) fn read_audacity(path: &Path, classes: &mut Classes) -> Result<Store, TruthError> {
    let mut store = Store::new(Kind::Sounding, 0);
    let (mut points, mut unlabelled) = (0, 0);
    for file in files(path, "txt")? {
        let text = bounded_file::read_text(&file, MOST_BYTES).map_err(TruthError::unreadable(&file))?;
        let mut labels = Labels::default();
        // A line after a label that starts with a backslash has its frequencies.
        let lines = text.lines().zip(1..);
        for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('\\')) {
            let mut fields = line.splitn(3, '\t');
            let mut time = || fields.next().and_then(seconds);
            let (Some(from), Some(to)) = (time(), time()) else {
                let cause = format!("'{line}' is not START, END and LABEL with tabs between them");
                return Err(TruthError::line(&file, number, cause));
            };
            let name = fields.next().unwrap_or_default().trim();
            if to < from {
                let cause = format!("it ends at {to}, before it starts at {from}");
                return Err(TruthError::line(&file, number, cause));
            }
            if from == to {
                points += 1;
                continue;
            }
            unlabelled += usize::from(name.is_empty());
            let class = classes.number(if name.is_empty() { SOUND } else { name });
            labels.spans.push(Span {
                from,
                to,
                content: Content::Classes(vec![class]),
            });
        }
        labels.finish();
        if path.is_dir() {
            *store.by_file.entry(&file, Labels::default) = labels;
        } else {
            store.everywhere = Some(labels);
        }
    }
    if 0 < points {
        store.notes.push(format!(
            "{points} labels have no length and are left out; select a stretch in Audacity before labelling it."
        ));
    }
    if 0 < unlabelled {
        store.notes.push(format!(
            "{unlabelled} labels have no text; they are taken for class '{SOUND}'."
        ));
    }
    Ok(store)
}

/// The class of a stretch that has no text.
const SOUND: &str = "sound";

/// The file, or the files of a folder that have this ending.
fn files(path: &Path, ending: &str) -> Result<Vec<PathBuf>, TruthError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = Files::below(path)?;
    let found: Vec<PathBuf> = files
        .ending(&[ending])
        .filter(|it| !files.names_classes(it))
        .cloned()
        .collect();
    match found.is_empty() {
        true => Err(TruthError::unknown(
            path,
            format!("there is no file .{ending} in it"),
        )),
        false => Ok(found),
    }
}

/// The share of a stretch in which each class holds, the most first, and in which any does. A stretch without a length
/// is an instant. What holds twice at a time counts once.
pub(super) fn shares(spans: &[Span], from: f64, to: f64) -> (Vec<ClassScore>, f32) {
    // Where each class, and any, has been covered to, and how much of it so far.
    let mut covered: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    let mut any = (from, 0.0);
    let extend = |it: &mut (f64, f64), start: f64, end: f64| {
        it.1 += (end - start.max(it.0)).max(0.0);
        it.0 = it.0.max(end);
    };
    for span in spans.iter().take_while(|it| it.from <= to) {
        let is_instant = from == to;
        if is_instant && from < span.to {
            for class in span.content.classes() {
                covered.insert(class, (to, 1.0));
                any.1 = 1.0;
            }
            continue;
        }
        let (start, end) = (span.from.max(from), span.to.min(to));
        if start < end {
            let classes = span.content.classes();
            for class in &classes {
                extend(covered.entry(*class).or_insert((from, 0.0)), start, end);
            }
            if !classes.is_empty() {
                extend(&mut any, start, end);
            }
        }
    }
    let length = if from < to { to - from } else { 1.0 };
    let mut classes: Vec<ClassScore> = covered
        .into_iter()
        .map(|(class, (_, time))| ClassScore {
            class,
            confidence: (time / length) as f32,
        })
        .collect();
    classes.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    (classes, (any.1 / length) as f32)
}

/// The score in the middle of a stretch.
pub(super) fn score(spans: &[Span], from: f64, to: f64) -> Option<f32> {
    let middle = f64::midpoint(from, to);
    let held = spans
        .iter()
        .rev()
        .find(|it| it.from <= middle && middle < it.to)?;
    match held.content {
        Content::Score(score) => Some(score),
        _ => None,
    }
}

/// The texts whose middle lies in a stretch, in their order; for an instant those that hold then.
pub(super) fn text(spans: &[Span], from: f64, to: f64) -> String {
    let is_in = |it: &Span| {
        let middle = f64::midpoint(it.from, it.to);
        let is_held = from == to && it.from <= from && from < it.to;
        is_held || (from <= middle && middle < to)
    };
    let texts = spans
        .iter()
        .filter(|it| is_in(it))
        .filter_map(|it| match &it.content {
            Content::Text(text) => Some(text.as_str()),
            _ => None,
        });
    texts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests_support::{Folder, item};
    use super::super::{Format, ItemKey, Label, Truth};
    use super::*;

    fn heard(truth: &Truth, file: &str, from: f64, to: f64) -> Option<(Vec<(u32, f32)>, f32)> {
        let key = ItemKey {
            time: Duration::from_secs_f64(from),
            duration: Duration::from_secs_f64(to - from),
            ..item(file, None)
        };
        match truth.of(&key).unwrap()? {
            Label::Sounding { classes, any } => {
                Some((classes.iter().map(|it| (it.class, it.confidence)).collect(), any))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_speaks_when() {
        let folder = Folder::new();
        // The first line is the example of the format's page of dscore; the second is of VoxConverse's manner.
        let path = folder.write(
            "ref.rttm",
            "SPEAKER CMU_20020319-1400_d01_NONE 1 130.430000 2.350 <NA> <NA> juliet <NA> <NA>\n\
             SPEAKER abjxc 1 0.40 6.64 <NA> <NA> spk00 <NA> <NA>\n;; a remark\n\
             SPEAKER abjxc 1 5.0 10.0 <NA> <NA> spk01 <NA> <NA>\n\
             SPKR-INFO abjxc 1 <NA> <NA> <NA> unknown spk00 <NA> <NA>\n",
        );
        let mut classes = Classes::new();
        let truth = Truth::open(&path, &mut classes).unwrap();
        assert_eq!((truth.format(), truth.len()), (Format::Rttm, 2));
        assert_eq!(classes.names(), ["juliet", "spk00", "spk01"]);
        let (shares, any) = heard(&truth, "x/abjxc.wav", 6.04, 8.04).unwrap();
        assert_eq!(shares[0], (2, 1.0));
        assert!((shares[1].1 - 0.5).abs() < 1e-6 && any == 1.0);
        assert_eq!(
            heard(&truth, "abjxc.wav", 0.0, 0.4).unwrap(),
            (vec![], 0.0),
            "nobody"
        );
        assert_eq!(heard(&truth, "other.wav", 0.0, 1.0), None, "not known");
        assert_eq!(
            truth.notes(),
            ["1 lines of other kinds than SPEAKER are left out."]
        );
    }

    #[test]
    fn labels_of_audacity() {
        let folder = Folder::new();
        // As Audacity 3 exports it; the line with a backslash has the frequencies of a spectral selection.
        let path = folder.write(
            "Label Track.txt",
            "0.500000\t1.500000\tspeech\n\\\t100.0\t4000.0\n2,000000\t2,500000\tdog\n3.0\t3.0\tpoint\n4\t5\t\n",
        );
        let mut classes = Classes::new();
        let truth = Truth::open(&path, &mut classes).unwrap();
        assert_eq!(truth.format(), Format::Audacity);
        assert_eq!(classes.names(), ["speech", "dog", "sound"]);
        assert_eq!(heard(&truth, "any.wav", 0.0, 2.0).unwrap(), (vec![(0, 0.5)], 0.5));
        assert_eq!(
            heard(&truth, "any.wav", 2.25, 2.25).unwrap(),
            (vec![(1, 1.0)], 1.0)
        );
        assert_eq!(heard(&truth, "any.wav", 1.5, 1.5).unwrap(), (vec![], 0.0));
        assert_eq!(truth.notes().len(), 2, "{:?}", truth.notes());
        // In a folder they are of the sound that is called so.
        folder.write("Label Track.txt", "");
        folder.write("a.txt", "0\t1\tx\n");
        let truth = Truth::open(folder.path(), &mut Classes::new()).unwrap();
        assert_eq!(truth.format(), Format::Audacity);
        assert!(heard(&truth, "a.wav", 0.0, 1.0).is_some() && heard(&truth, "b.wav", 0.0, 1.0).is_none());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let folder = Folder::new();
        let told = |name: &str, text: &str, format| {
            let path = folder.write(name, text);
            Truth::open_as(&path, format, &mut Classes::new())
                .unwrap_err()
                .to_string()
        };
        let good = "SPEAKER a 1 0 1 <NA> <NA> b <NA> <NA>\n";
        let error = told("a.rttm", &format!("{good}SPEAKER a 1 0\n"), Format::Rttm);
        assert!(
            error.contains("a.rttm', line 2") && error.contains("DURATION"),
            "{error}"
        );
        let error = told("a.rttm", &good.replace(" 0 1 ", " -1 1 "), Format::Rttm);
        assert!(error.contains("line 1: '-1' and '1'"), "{error}");
        let error = told("a.txt", "1\t2\tx\n2\t1\tx\n", Format::Audacity);
        assert!(error.contains("line 2: it ends at 1"), "{error}");
        let error = told("a.txt", "1\t2\tx\nspeech\n", Format::Audacity);
        assert!(error.contains("line 2: 'speech'"), "{error}");
    }

    #[test]
    fn what_holds_twice_counts_once() {
        let span = |from, to, class| Span {
            from,
            to,
            content: Content::Classes(vec![class]),
        };
        let spans = [
            span(0.0, 4.0, 0),
            span(1.0, 2.0, 0),
            span(3.0, 6.0, 0),
            span(5.0, 9.0, 1),
        ];
        let (classes, any) = shares(&spans, 0.0, 10.0);
        assert_eq!(
            (classes[0].confidence, classes[1].confidence, any),
            (0.6, 0.4, 0.9)
        );
    }
}
