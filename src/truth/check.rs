// SPDX-License-Identifier: MPL-2.0

//! Labels that do not fit the material, as sentences that say what to change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::item::ItemKey;
use super::known::Known;
use super::label::{Kind, Label};
use super::mask;

use super::store::{Content, Unit};
use crate::answer::Answer;

/// Something that may be wrong with labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// A sentence, with what to change.
    pub text: String,
    /// Whether nothing can be measured by these labels.
    pub fatal: bool,
}

/// Items from which on something can be concluded.
const FEWEST: usize = 3;

/// How far a box may reach beyond its picture, as a share of it: rounding, and objects at the edge.
const BEYOND: f32 = 0.02;

/// By how much the shape of a label's picture may differ, as a ratio: rows that an encoder adds.
const SHAPE: f64 = 1.03;

/// Names that a sentence lists.
const LISTED: usize = 4;

/// As [`Truth::check`](super::Truth::check).
pub(super) fn check(known: &Known, items: &[ItemKey], said: &[String]) -> Vec<Doubt> {
    let mut check = Check {
        known,
        doubts: Vec::new(),
    };
    let labelled = check.items(items);
    if labelled == 0 {
        return check.doubts;
    }
    if labelled < FEWEST {
        let count = if labelled == 1 {
            "one item has"
        } else {
            "two items have"
        };
        check.fatal(format!(
                "only {count} a label, from which nothing can be concluded; label at least {FEWEST}, and better hundreds"
            ));
    }
    check.files(items);
    check.contents(items);
    check.said(said);
    check.variety(items);
    check.doubts
}

struct Check<'a> {
    known: &'a Known,
    doubts: Vec<Doubt>,
}

impl Check<'_> {
    fn doubt(&mut self, text: String) {
        self.doubts.push(Doubt { text, fatal: false });
    }

    fn fatal(&mut self, text: String) {
        self.doubts.push(Doubt { text, fatal: true });
    }

    fn has_label(&self, item: &ItemKey) -> bool {
        let labels = self.known.labels(item);
        labels.is_some_and(|it| it.is_in_time() || it.content(item.frame).is_some())
    }

    /// Counts items that have a label, and tells of those that have none.
    fn items(&mut self, items: &[ItemKey]) -> usize {
        let without: Vec<&ItemKey> = items.iter().filter(|it| !self.has_label(it)).collect();
        let labelled = items.len() - without.len();
        let (Some(first), all) = (without.first(), items.len()) else {
            return labelled;
        };
        let example = place(first);
        if 0 < labelled {
            self.doubt(format!(
                "{} of {all} items have no label, such as {example}; they are left out",
                without.len()
            ));
            return labelled;
        }
        let path = self.known.path.display();
        let named = self.known.store.by_file.iter().next();
        self.fatal(match named {
            Some((label, _)) => format!(
                "none of the {all} items has a label in '{path}': the material has {example}, the labels are of files such \
                 as '{}'; they must have the same name but for the ending",
                label.display()
            ),
            None => format!("none of the {all} items has a label in '{path}', such as {example}; are they of another clip?"),
        });
        0
    }

    /// Labels of files that are not in the material, and those that two files share.
    fn files(&mut self, items: &[ItemKey]) {
        let mut used: HashMap<&Path, BTreeSet<&Path>> = HashMap::new();
        for item in items {
            if let Some((label, _)) = self.known.store.by_file.find(item.file, item.frame) {
                used.entry(label).or_default().insert(item.file);
            }
        }
        let all = self.known.store.by_file.len();
        let unused = self
            .known
            .store
            .by_file
            .iter()
            .find(|it| !used.contains_key(it.0.as_path()));
        if let Some((label, _)) = unused {
            let count = all - used.len();
            let label = label.display();
            self.doubt(format!(
                "{count} of {all} labelled files are not in the material, such as '{label}'"
            ));
        }
        let shared = used.iter().filter(|it| 1 < it.1.len()).min();
        if let Some((label, files)) = shared {
            let files: Vec<String> = files
                .iter()
                .take(2)
                .map(|it| format!("'{}'", it.display()))
                .collect();
            let label = label.display();
            self.doubt(format!(
                "{} both have the labels of '{label}'; name the folder in the labels too, or give files names of their own",
                files.join(" and ")
            ));
        }
        let is_itself = |item: &&ItemKey| match self.known.labels(item).and_then(|it| it.whole.as_ref()) {
            Some(Content::Reference(path)) => path == item.file || same_file(path, item.file),
            _ => false,
        };
        if let Some(item) = items.iter().find(is_itself) {
            let file = item.file.display();
            self.doubt(format!(
                "'{file}' is its own reference; give the folder of the files as they should be"
            ));
        }
    }

    /// Boxes outside, pictures of another shape, masks that cannot be read.
    fn contents(&mut self, items: &[ItemKey]) {
        let (mut outside, mut boxes, mut flat) = (Vec::new(), 0, Vec::new());
        let mut misshapen = None;
        let mut masks = 0;
        for item in items {
            let Some(content) = self.known.labels(item).and_then(|it| it.content(item.frame)) else {
                continue;
            };
            let size = match &content {
                Content::Objects(_, Unit::PixelsOf(width, height)) => {
                    Some((f64::from(*width), f64::from(*height)))
                }
                Content::Mask(path) if masks < FEWEST => {
                    masks += 1;
                    match mask::read(path) {
                        Ok(it) => Some((it.width as f64, it.height as f64)),
                        Err(error) => {
                            self.fatal(error.to_string());
                            None
                        }
                    }
                }
                _ => None,
            };
            if let (Some(of_label), Some(of_item), None) = (size, item.size, &misshapen)
                && is_of_other_shape(of_label, of_item)
            {
                misshapen = Some((of_label, of_item, place(item)));
            }
            if !matches!(content, Content::Objects(..)) {
                continue;
            }
            match self.known.of(item) {
                Ok(Some(Label::Objects(found))) => {
                    boxes += found.len();
                    for object in found {
                        let it = object.detection.region;
                        let ends = [
                            it.left,
                            it.top,
                            1.0 - it.left - it.width,
                            1.0 - it.top - it.height,
                        ];
                        if ends.iter().any(|it| *it < -BEYOND) {
                            outside.push(place(item));
                        }
                        if it.width <= 0.0 || it.height <= 0.0 {
                            flat.push(place(item));
                        }
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    self.fatal(error.to_string());
                    return;
                }
            }
        }
        if let Some(((width, height), of_item, place)) = misshapen {
            self.doubt(format!(
                "the labels are of pictures of {width}×{height}, and {place} is {}×{}, which has another shape; label the \
                 pictures as they are given",
                of_item.0, of_item.1
            ));
        }
        if let Some(first) = outside.first() {
            let text = format!(
                "{} of {boxes} boxes reach out of their picture, such as one of {first}; are they left, top, width and \
                 height, and of pictures of this size?",
                outside.len()
            );
            self.doubts.push(Doubt {
                text,
                fatal: boxes < outside.len() * 2,
            });
        }
        if let Some(first) = flat.first() {
            let count = flat.len();
            self.doubt(format!(
                "{count} of {boxes} boxes have no area, such as one of {first}; no answer can find them"
            ));
        }
    }

    /// Classes of the labels that the model does not know.
    fn said(&mut self, said: &[String]) {
        let kinds = [Kind::Boxes, Kind::Classes, Kind::ClassMap, Kind::Sounding];
        if said.is_empty() || !kinds.contains(&self.known.store.kind) {
            return;
        }
        if self.known.store.unnamed {
            self.doubt(
                "the labels have only numbers for their classes, which are taken for positions in the model's list; name \
                 them in a classes.txt to be sure"
                    .to_owned(),
            );
            return;
        }
        let known: BTreeSet<String> = said.iter().map(|it| super::classes::folded(it)).collect();
        let used = self.used();
        let unsaid: Vec<&String> = used
            .iter()
            .filter(|it| !known.contains(&super::classes::folded(it)))
            .collect();
        if unsaid.is_empty() {
            return;
        }
        let list = listed(&unsaid);
        let own: Vec<&String> = said.iter().collect();
        let text = match unsaid.len() == used.len() {
            true => format!(
                "the model says none of the labels' classes ({list}); it says {}: use the same names",
                listed(&own)
            ),
            false => format!(
                "the model never says {} of the labels' {} classes ({list}), so it can find none of these; use its names if \
                 it calls them otherwise",
                unsaid.len(),
                used.len()
            ),
        };
        let fatal = unsaid.len() == used.len();
        self.doubts.push(Doubt { text, fatal });
    }

    /// The names of all classes of the labels.
    fn used(&self) -> Vec<String> {
        let store = &self.known.store;
        let labels = store.by_file.iter().map(|it| &it.1).chain(&store.everywhere);
        let mut used: BTreeSet<u32> = labels
            .flat_map(|it| it.contents())
            .flat_map(Content::classes)
            .collect();
        let values = store
            .values
            .iter()
            .flatten()
            .filter(|it| **it != super::NOT_JUDGED);
        used.extend(values.map(|it| u32::from(*it)));
        used.into_iter()
            .map(|it| self.known.class(it).into_owned())
            .collect()
    }

    /// Labels that are all alike, which any constant answer would meet.
    fn variety(&mut self, items: &[ItemKey]) {
        let kind = self.known.store.kind;
        if ![Kind::Classes, Kind::Sounding, Kind::Score].contains(&kind) {
            return;
        }
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for item in items {
            let Ok(Some(label)) = self.known.of(item) else {
                continue;
            };
            let name = match (label.score(), label.answer()) {
                (_, Some(Answer::Classes(list))) => match list.first() {
                    Some(first) => format!("class '{}'", self.known.class(first.class)),
                    None => "silence".to_owned(),
                },
                (Some(score), _) => format!("score {score}"),
                _ => continue,
            };
            *found.entry(name).or_default() += 1;
        }
        if let (Some((name, _)), 1) = (found.first_key_value(), found.len()) {
            self.fatal(format!(
                "all labelled items have the same label ({name}), so a model that always says it would be the best; add \
                 items of others"
            ));
        }
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn is_of_other_shape(label: (f64, f64), item: (u32, u32)) -> bool {
    let ratio = (label.0 / label.1) / (f64::from(item.0.max(1)) / f64::from(item.1.max(1)));
    SHAPE < ratio.max(1.0 / ratio)
}

/// An item, for a sentence.
fn place(item: &ItemKey) -> String {
    let file = item.file.display();
    match item.duration.is_zero() && item.frame == 0 {
        true => format!("'{file}'"),
        false => format!("'{file}' at {:.2} s", item.time.as_secs_f64()),
    }
}

fn listed(names: &[&String]) -> String {
    let mut list: Vec<String> = names.iter().take(LISTED).map(|it| format!("'{it}'")).collect();
    if LISTED < names.len() {
        list.push("…".to_owned());
    }
    list.join(", ")
}

#[cfg(test)]
mod tests;
