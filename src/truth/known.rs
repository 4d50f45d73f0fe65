// SPDX-License-Identifier: MPL-2.0

//! Labels that have been read, and what they say of an item.

use std::borrow::Cow;
use std::path::PathBuf;

use super::classes::Classes;
use super::error::TruthError;
use super::item::ItemKey;
use super::label::{Kind, Label};
use super::store::{Content, Labels, Store, Unit};
use super::{mask, sounds};
use crate::answer::{Answer, ClassScore, Region, Text};

#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Where they lie.
    pub path: PathBuf,
    pub store: Store,
    /// The names of classes when they were read.
    pub classes: Classes,
}

impl Known {
    /// The name of a class of the labels.
    pub fn class(&self, number: u32) -> Cow<'_, str> {
        self.classes.name(number)
    }

    /// What is right of an item; `None` where that is not known, which is not the same as nothing being there.
    ///
    /// # Errors
    ///
    /// A mask that cannot be read; boxes in pixels, where the item has no size.
    pub fn of(&self, item: &ItemKey) -> Result<Option<Label>, TruthError> {
        let Some(labels) = self.labels(item) else {
            return Ok(None);
        };
        if labels.is_in_time() {
            return Ok(self.heard(labels, item));
        }
        let content = labels.content(item.frame);
        content.map(|it| self.label(it, item)).transpose()
    }

    /// The labels of the file that an item is of.
    pub fn labels(&self, item: &ItemKey) -> Option<&Labels> {
        let found = self.store.by_file.find(item.file, item.frame).map(|it| &it.1);
        found.or(self.store.everywhere.as_ref())
    }

    fn label(&self, content: Content, item: &ItemKey) -> Result<Label, TruthError> {
        Ok(match content {
            Content::Objects(mut list, unit) => {
                let (width, height) = match (unit, item.size) {
                    (Unit::Shares, _) => (1.0, 1.0),
                    (Unit::PixelsOf(width, height), _) => (width, height),
                    (Unit::Pixels, Some((width, height))) => (width.max(1) as f32, height.max(1) as f32),
                    (Unit::Pixels, None) => {
                        let cause = format!(
                            "its boxes are in pixels, and the size of '{}' is not known; give shares of the picture, 0 to 1",
                            item.file.display()
                        );
                        return Err(TruthError::unknown(&self.path, cause));
                    }
                };
                for object in &mut list {
                    let it = object.detection.region;
                    object.detection.region = Region {
                        left: it.left / width,
                        top: it.top / height,
                        width: it.width / width,
                        height: it.height / height,
                    };
                }
                Label::Objects(list)
            }
            Content::Classes(list) => Label::Said(Answer::Classes(
                list.into_iter()
                    .map(|class| ClassScore {
                        class,
                        confidence: 1.0,
                    })
                    .collect(),
            )),
            Content::Score(score) => Label::Said(Answer::Score(score)),
            Content::Text(text) => Label::Said(said(text)),
            Content::Mask(path) if self.store.kind == Kind::Matte => {
                Label::Said(Answer::Matte(mask::read_matte(&path)?))
            }
            Content::Mask(path) => {
                Label::Said(Answer::ClassMap(mask::read_classes(&path, &self.store.values)?))
            }
            Content::Reference(path) => Label::Reference(path),
        })
    }

    fn heard(&self, labels: &Labels, item: &ItemKey) -> Option<Label> {
        let (from, to) = item.seconds();
        Some(match self.store.kind {
            Kind::Score => Label::Said(Answer::Score(sounds::score(&labels.spans, from, to)?)),
            Kind::Text => Label::Said(said(sounds::text(&labels.spans, from, to))),
            kind => {
                let (classes, any) = sounds::shares(&labels.spans, from, to);
                match kind {
                    Kind::Sounding => Label::Sounding { classes, any },
                    // Before the first line nothing is known.
                    _ if classes.is_empty() => return None,
                    _ => Label::Said(Answer::Classes(classes)),
                }
            }
        })
    }
}

fn said(text: String) -> Answer {
    Answer::Text(Text {
        text,
        confidence: 1.0,
    })
}
