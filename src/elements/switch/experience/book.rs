// SPDX-License-Identifier: MPL-2.0

//! What was learned of many candidates, on machines and with inputs that it holds for; how it is read, looked up and put
//! together with what others have learned. Knows no file and no clock: times are milliseconds since 1970.

use std::collections::BTreeMap;
use std::time::Duration;

use super::entries::{Entry, FORMAT, File, LatencyEntry, LatencyKey, QualityEntry, QualityKey, VERSION};
use crate::policy::Knowledge;

/// Entries of each kind that are kept, the newest: some hundred candidates on some machines.
const MOST: usize = 2000;

/// After this time an entry is forgotten: what it says would weigh next to nothing.
const FORGOTTEN_AFTER: u64 = 365 * 24 * 3600 * 1000;

/// A time in milliseconds since 1970.
pub type Millis = u64;

/// All that was learned.
#[derive(Debug, Clone, Default)]
pub struct Book {
    latencies: Shelf<LatencyEntry>,
    qualities: Shelf<QualityEntry>,
}

/// A candidate, and what it is asked on.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The fingerprint, and that of the reference.
    pub candidate: String,
    pub reference: Option<String>,
    pub machine: String,
    pub device: String,
    pub input: String,
    pub name: String,
    /// What the catalogue says of its quality.
    pub prior: Option<f64>,
}

#[derive(Debug, Clone)]
struct Shelf<E: Entry>(BTreeMap<E::Key, E>);

impl<E: Entry> Default for Shelf<E> {
    fn default() -> Shelf<E> {
        Shelf(BTreeMap::new())
    }
}

impl Book {
    /// Reads what [`text`](Book::text) has written; a text without anything is an empty book. Returns with it how many entries
    /// were left out because what they say cannot be.
    ///
    /// # Errors
    ///
    /// When it is something else, or of a later version, as a clause.
    pub fn read(text: &str) -> Result<(Book, usize), String> {
        if text.trim().is_empty() {
            return Ok(Default::default());
        }
        let file: File = serde_json::from_str(text)
            .map_err(|error| format!("it is not what was learned by a switch ({error})"))?;
        if file.format != FORMAT {
            return Err("it is not what was learned by a switch (its format is another)".into());
        }
        if VERSION < file.version {
            return Err(format!(
                "it was written by a later version of avrec (format {}; this one reads up to {VERSION})",
                file.version
            ));
        }
        let (latencies, unsound) = Shelf::of(file.latencies);
        let (qualities, more) = Shelf::of(file.qualities);
        let book = Book { latencies, qualities };
        Ok((book, unsound + more))
    }

    /// The text of a file.
    pub fn text(&self) -> String {
        let file = File {
            format: FORMAT.into(),
            version: VERSION,
            latencies: self.latencies.0.values().cloned().collect(),
            qualities: self.qualities.0.values().cloned().collect(),
        };
        // Numbers are finite, and keys are texts.
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        text.push('\n');
        text
    }

    /// What is known of a candidate at that time: less sure the older it is. A quality that rests on another prior does not
    /// hold any more, since who has changed the prior knows better.
    pub fn look_up(&self, subject: &Subject, now: Millis) -> Knowledge {
        let age = |updated: Millis| Duration::from_millis(now.saturating_sub(updated));
        let latency = self.latencies.0.get(&subject.latency_key());
        let quality = self.qualities.0.get(&subject.quality_key());
        let quality = quality.filter(|it| it.prior == subject.prior);
        Knowledge {
            latency: latency.map(|it| it.known().aged(age(it.updated))),
            quality: quality.map(|it| it.known().aged(age(it.updated))),
        }
    }

    /// Takes in what was learned by that time.
    pub fn learn(&mut self, subject: &Subject, known: &Knowledge, now: Millis) {
        if let Some(latency) = &known.latency {
            self.latencies.put(LatencyEntry::new(
                subject.latency_key(),
                &subject.name,
                latency,
                now,
            ));
        }
        if let Some(quality) = &known.quality {
            let whose = (&*subject.name, subject.prior);
            self.qualities
                .put(QualityEntry::new(subject.quality_key(), whose, quality, now));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.latencies.0.is_empty() && self.qualities.0.is_empty()
    }

    /// Puts what was learned here into the book as others have left it, which was `seen` before: what nobody else has changed
    /// since is replaced, and what somebody has is put together with it. `others` keeps what those have learned since this
    /// stream began, which goes into each further update too.
    pub fn update(&mut self, learned: &Book, seen: &Book, others: &mut Book, now: Millis) {
        let latencies = (&learned.latencies, &seen.latencies, &mut others.latencies);
        self.latencies.update(latencies, now);
        let qualities = (&learned.qualities, &seen.qualities, &mut others.qualities);
        self.qualities.update(qualities, now);
    }
}

impl Subject {
    fn latency_key(&self) -> LatencyKey {
        LatencyKey {
            candidate: self.candidate.clone(),
            machine: self.machine.clone(),
            device: self.device.clone(),
            input: self.input.clone(),
        }
    }

    fn quality_key(&self) -> QualityKey {
        QualityKey {
            candidate: self.candidate.clone(),
            reference: self.reference.clone(),
            input: self.input.clone(),
        }
    }
}

impl<E: Entry> Shelf<E> {
    /// The entries that are sound, and how many are not; of two of the same key the newer one.
    fn of(entries: Vec<E>) -> (Shelf<E>, usize) {
        let mut shelf = Shelf::<E>::default();
        let mut unsound = 0;
        for entry in entries {
            if !entry.is_sound() {
                unsound += 1;
            } else if shelf
                .0
                .get(entry.key())
                .is_none_or(|it| it.updated() < entry.updated())
            {
                shelf.put(entry);
            }
        }
        (shelf, unsound)
    }

    /// What cannot be said, as of a candidate that gave no numbers, is not kept.
    fn put(&mut self, entry: E) {
        if entry.is_sound() {
            self.0.insert(entry.key().clone(), entry);
        }
    }

    fn update(&mut self, (learned, seen, others): (&Shelf<E>, &Shelf<E>, &mut Shelf<E>), now: Millis) {
        for (key, own) in &learned.0 {
            let updated = |shelf: &Shelf<E>| shelf.0.get(key).map(Entry::updated);
            let is_ours = updated(self) == updated(seen);
            if let Some(theirs) = self.0.get(key).filter(|_| !is_ours) {
                others.put(theirs.clone());
            }
            let entry = match others.0.get(key) {
                Some(theirs) => own.and(theirs),
                None => own.clone(),
            };
            self.put(entry);
        }
        self.0
            .retain(|_, it| now.saturating_sub(it.updated()) < FORGOTTEN_AFTER);
        if MOST < self.0.len() {
            let mut ages: Vec<_> = self.0.values().map(Entry::updated).collect();
            ages.sort_unstable_by(|one, other| other.cmp(one));
            let oldest = ages[MOST - 1];
            self.0.retain(|_, it| oldest <= it.updated());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{KnownLatency, KnownQuality};

    const NOW: Millis = 1_800_000_000_000;
    const MONTH: Millis = 30 * 24 * 3600 * 1000;

    fn subject(candidate: &str) -> Subject {
        Subject {
            candidate: candidate.into(),
            reference: Some("r".into()),
            machine: "m".into(),
            device: "cpu".into(),
            input: "video/x-raw I420 320x180".into(),
            name: "small".into(),
            prior: Some(0.9),
        }
    }

    fn known(millis: f64, mean: f64) -> Knowledge {
        Knowledge {
            latency: Some(KnownLatency {
                calm: Duration::from_secs_f64(millis / 1e3),
                sd: 0.05,
                reaction: 0.25,
                reaction_sd: 0.1,
                is_touched: true,
            }),
            quality: Some(KnownQuality {
                mean,
                score_sd: 0.03,
                weight: 8.0,
            }),
        }
    }

    fn learned(candidate: &str, known: &Knowledge, at: Millis) -> Book {
        let mut book = Book::default();
        book.learn(&subject(candidate), known, at);
        book
    }

    #[test]
    fn what_was_written_is_read_again_and_holds_for_its_machine_input_and_reference_only() {
        let book = learned("a", &known(12.5, 0.8), NOW);
        let (read, unsound) = Book::read(&book.text()).unwrap();
        assert_eq!(unsound, 0);
        assert_eq!(read.look_up(&subject("a"), NOW), known(12.5, 0.8));
        assert_eq!(read.look_up(&subject("b"), NOW), Knowledge::default());
        let other = |change: fn(&mut Subject)| {
            let mut subject = subject("a");
            change(&mut subject);
            let found = read.look_up(&subject, NOW);
            (found.latency.is_some(), found.quality.is_some())
        };
        assert_eq!(other(|it| it.machine = "n".into()), (false, true));
        assert_eq!(other(|it| it.device = "cuda:0".into()), (false, true));
        assert_eq!(other(|it| it.reference = None), (true, false));
        assert_eq!(other(|it| it.prior = Some(0.95)), (true, false));
        assert_eq!(other(|it| it.input = "other".into()), (false, false));
        assert_eq!(other(|it| it.name = "renamed".into()), (true, true));
    }

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let mut random = crate::random::Random::new(1);
        for _ in 0..2000 {
            let known = known(1.0, random.unit());
            let book = learned("a", &known, NOW);
            let read = Book::read(&book.text()).unwrap().0;
            assert_eq!(read.look_up(&subject("a"), NOW), known, "{}", book.text());
        }
    }

    #[test]
    fn what_is_old_is_less_sure_and_what_is_very_old_is_forgotten() {
        let mut book = learned("a", &known(10.0, 0.8), NOW);
        let old = book.look_up(&subject("a"), NOW + MONTH);
        assert_eq!(old.quality.unwrap().weight, 4.0);
        assert!(0.1 < old.latency.unwrap().sd);
        // A clock that was set back.
        assert_eq!(book.look_up(&subject("a"), 0), known(10.0, 0.8));
        book.update(
            &learned("b", &known(1.0, 0.5), NOW + 13 * MONTH),
            &Book::default(),
            &mut Book::default(),
            NOW + 13 * MONTH,
        );
        assert_eq!(book.look_up(&subject("a"), NOW), Knowledge::default());
        assert!(book.look_up(&subject("b"), NOW).latency.is_some());
    }

    #[test]
    fn several_that_write_lose_nothing_of_each_other() {
        let (one, other) = (known(10.0, 0.6), known(40.0, 0.8));
        let (mut file, none) = (Book::default(), Book::default());
        let mut others = Book::default();
        file.update(&learned("a", &one, NOW), &none, &mut others, NOW);
        // Who read the file before that knows nothing of `a`.
        file.update(
            &learned("b", &other, NOW + 1),
            &none,
            &mut Book::default(),
            NOW + 1,
        );
        assert_eq!(file.look_up(&subject("a"), NOW), one);
        assert_eq!(file.look_up(&subject("b"), NOW), other);
        // What it wrote itself it replaces, and what another has changed since it mixes with.
        let seen = file.clone();
        file.update(
            &learned("a", &known(12.0, 0.7), NOW + 2),
            &seen,
            &mut others,
            NOW + 2,
        );
        assert_eq!(file.look_up(&subject("a"), NOW), known(12.0, 0.7));
        let mut others = Book::default();
        file.update(
            &learned("a", &known(48.0, 0.9), NOW + 3),
            &seen,
            &mut others,
            NOW + 3,
        );
        let is_of_both = |file: &Book| {
            let both = file.look_up(&subject("a"), NOW);
            assert!((both.latency.unwrap().calm.as_secs_f64() - 0.024).abs() < 1e-6);
            assert!((both.quality.unwrap().mean - 0.8).abs() < 1e-9);
        };
        is_of_both(&file);
        // And the next time that it writes, what the other has learned is still in it.
        let seen = file.clone();
        file.update(
            &learned("a", &known(48.0, 0.9), NOW + 4),
            &seen,
            &mut others,
            NOW + 4,
        );
        is_of_both(&file);
    }

    #[test]
    fn what_is_something_else_is_refused_and_what_cannot_be_is_left_out() {
        assert!(Book::read(" \n").unwrap().0.is_empty());
        for (text, words) in [
            ("hello", "not what was learned"),
            ("[1, 2]", "not what was learned"),
            ("{}", "not what was learned"),
            (r#"{"format": "gltf", "version": 1}"#, "format is another"),
            (r#"{"format": "avrec-memory", "version": 2}"#, "later version"),
            (
                r#"{"format": "avrec-memory", "version": 1, "latencies": 3}"#,
                "not what was learned",
            ),
        ] {
            let error = Book::read(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        let fine = learned("a", &known(10.0, 0.8), NOW).text();
        for (from, to) in [
            ("\"calm-ms\": 10.0", "\"calm-ms\": -1.0"),
            ("\"calm-ms\": 10.0", "\"calm-ms\": 1e300"),
            ("\"sd\": 0.05", "\"sd\": 50"),
            ("\"reaction\": 0.25", "\"reaction\": 9"),
            ("\"mean\": 0.8", "\"mean\": 1.5"),
            ("\"weight\": 8.0", "\"weight\": 1e9"),
            (
                "\"name\": \"small\"",
                &format!("\"name\": \"{}\"", "x".repeat(600)),
            ),
        ] {
            let text = fine.replace(from, to);
            assert_ne!(text, fine, "{from}");
            let (book, unsound) = Book::read(&text).unwrap();
            assert!(1 <= unsound, "{to}");
            let found = book.look_up(&subject("a"), NOW);
            assert!(found.latency.is_none() || found.quality.is_none(), "{to}");
        }
        // Neither is kept of what is no number.
        let nothing = learned("a", &known(f64::MIN_POSITIVE, f64::NAN), NOW);
        assert!(nothing.is_empty());
    }

    #[test]
    fn a_file_does_not_grow_for_ever() {
        let mut book = Book::default();
        for number in 0..(MOST as u64 + 50) {
            book.learn(&subject(&number.to_string()), &known(1.0, 0.5), NOW + number);
        }
        book.update(&Book::default(), &Book::default(), &mut Book::default(), NOW);
        assert_eq!((book.latencies.0.len(), book.qualities.0.len()), (MOST, MOST));
        assert!(book.look_up(&subject("0"), NOW).latency.is_none());
        assert!(book.text().len() < 2 << 20);
    }
}
