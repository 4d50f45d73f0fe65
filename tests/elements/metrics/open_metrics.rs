// SPDX-License-Identifier: MPL-2.0

//! Reads OpenMetrics 1.0 and the text format before it, and finds what Prometheus or its linter would not take.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

#[derive(Debug, Default)]
pub struct Page {
    pub samples: Vec<Sample>,
    /// Kind of each family.
    pub kinds: BTreeMap<String, String>,
}

impl Page {
    /// Values of a series where it has these labels.
    pub fn values(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        let has =
            |it: &Sample, (key, value): &(&str, &str)| it.labels.get(*key).is_some_and(|it| it == value);
        let named = self.samples.iter().filter(|it| it.name == name);
        let found = named.filter(|it| labels.iter().all(|label| has(it, label)));
        found.map(|it| it.value).collect()
    }

    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.values(name, labels).iter().sum()
    }
}

/// Ends that the samples of a family have.
fn ends(kind: &str, is_open_metrics: bool) -> &'static [&'static str] {
    match (kind, is_open_metrics) {
        ("counter", true) => &["_total"],
        ("info", true) => &["_info"],
        ("histogram", _) => &["_bucket", "_sum", "_count"],
        _ => &[""],
    }
}

/// # Errors
///
/// The first fault, as a sentence.
pub fn open_metrics(text: &str) -> Result<Page, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("it does not end with # EOF")?;
    read(body, true)
}

/// # Errors
///
/// The first fault, as a sentence.
pub fn text(text: &str) -> Result<Page, String> {
    read(text, false)
}

fn read(text: &str, is_open_metrics: bool) -> Result<Page, String> {
    let (mut page, mut family, mut seen) = (Page::default(), String::new(), BTreeSet::new());
    let mut helped = BTreeSet::new();
    for line in text.lines() {
        let fault = |what: &str| format!("{what}: {line}");
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let [word, name, rest] = [(); 3].map(|()| words.next().unwrap_or_default());
            match word {
                "HELP" => {
                    helped
                        .insert(name.to_owned())
                        .then_some(())
                        .ok_or(fault("told twice"))?;
                    (!rest.is_empty()).then_some(()).ok_or(fault("no help"))?;
                }
                "TYPE" => {
                    let before = page.kinds.insert(name.to_owned(), rest.to_owned());
                    before.is_none().then_some(()).ok_or(fault("a family twice"))?;
                    helped.contains(name).then_some(()).ok_or(fault("no help"))?;
                    family = name.to_owned();
                }
                "UNIT" if is_open_metrics => {
                    let is_end = name == family && name.ends_with(&format!("_{rest}"));
                    is_end
                        .then_some(())
                        .ok_or(fault("a unit that the name does not end with"))?;
                }
                _ => return Err(fault("unknown comment")),
            }
            continue;
        }
        let sample = sample(line).ok_or(fault("no sample"))?;
        let kind = page.kinds.get(&family).ok_or(fault("no family"))?;
        let end = sample
            .name
            .strip_prefix(&family)
            .ok_or(fault("of another family"))?;
        ends(kind, is_open_metrics)
            .contains(&end)
            .then_some(())
            .ok_or(fault("a wrong end"))?;
        let key = (sample.name.clone(), sample.labels.clone());
        seen.insert(key).then_some(()).ok_or(fault("a sample twice"))?;
        let is_count = kind == "counter" || kind == "histogram";
        (!is_count || 0.0 <= sample.value)
            .then_some(())
            .ok_or(fault("below zero"))?;
        page.samples.push(sample);
    }
    let histograms = page.kinds.iter().filter(|it| it.1 == "histogram");
    histograms
        .map(|it| it.0)
        .try_for_each(|name| histogram(&page, name))?;
    Ok(page)
}

/// Buckets grow, and the last one has all.
fn histogram(page: &Page, name: &str) -> Result<(), String> {
    let mut buckets = BTreeMap::<_, Vec<(f64, f64)>>::new();
    for sample in page
        .samples
        .iter()
        .filter(|it| it.name == format!("{name}_bucket"))
    {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le").ok_or("a bucket without bound")?;
        let bound = bound.parse().map_err(|_| format!("no bound: {bound}"))?;
        buckets.entry(labels).or_default().push((bound, sample.value));
    }
    for (labels, buckets) in buckets {
        let is_rising = buckets
            .windows(2)
            .all(|it| it[0].0 < it[1].0 && it[0].1 <= it[1].1);
        let labels: Vec<(&str, &str)> = labels.iter().map(|it| (&**it.0, &**it.1)).collect();
        let count = page.values(&format!("{name}_count"), &labels);
        let last = buckets.last().filter(|it| it.0.is_infinite()).map(|it| it.1);
        if !is_rising || count.len() != 1 || last != count.first().copied() {
            return Err(format!("{name} {labels:?}: {buckets:?} and a count of {count:?}"));
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let allowed = |it: char| it.is_ascii_alphanumeric() || it == '_';
    !name.is_empty() && name.chars().all(allowed) && !name.starts_with(|it: char| it.is_ascii_digit())
}

fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (key, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            let is_new = labels.insert(key.to_owned(), value).is_none();
            rest = after;
            if !is_name(key) || !is_new {
                return None;
            }
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = rest.strip_prefix(' ')?.parse().ok()?;
    is_name(name).then(|| Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// A value up to its closing quote, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                it @ ('"' | '\\') => it,
                _ => return None,
            }),
            _ => value.push(letter),
        }
    }
    None
}

#[test]
fn faults_are_found() {
    let good = "# HELP a_seconds A.\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds{b=\"c\\\"d\"} 1.5\n# EOF\n";
    let page = open_metrics(good).unwrap();
    assert_eq!(page.values("a_seconds", &[("b", "c\"d")]), [1.5]);
    let faulty = [
        ("", "EOF"),
        ("a 1\n# EOF\n", "no family"),
        ("# TYPE a gauge\na 1\n# EOF\n", "no help"),
        ("# HELP a A.\n# TYPE a counter\na 1\n# EOF\n", "wrong end"),
        ("# HELP a A.\n# TYPE a gauge\na 1\na 1\n# EOF\n", "twice"),
        ("# HELP a A.\n# TYPE a gauge\na{b=\"c} 1\n# EOF\n", "no sample"),
        ("# HELP a A.\n# TYPE a gauge\nb 1\n# EOF\n", "another family"),
        (
            "# HELP a A.\n# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
            "unit",
        ),
        (
            "# HELP a A.\n# TYPE a histogram\na_count 2\na_bucket{le=\"+Inf\"} 1\n# EOF\n",
            "count",
        ),
    ];
    for (text, fault) in faulty {
        let found = open_metrics(text).unwrap_err();
        assert!(found.contains(fault), "{found}");
    }
}
