// SPDX-License-Identifier: MPL-2.0

//! Answers of a model in words, for a person.

use super::{Said, Tensors};
use crate::tensor::ElementType;

/// Classes, objects and tensors that are told of one answer.
const TOLD: usize = 5;

/// An answer in a line, without its time and place.
pub fn told(said: &Said) -> String {
    let list = |items: Vec<String>, all: usize| match all {
        0 => "nothing".to_string(),
        _ if TOLD < all => format!("{}, and {} more", items.join("; "), all - TOLD),
        _ => items.join("; "),
    };
    match said {
        Said::Detections(objects) | Said::Instances(objects) => {
            let told = objects.iter().take(TOLD).map(|it| {
                format!(
                    "{} {:.2} at {:.0},{:.0} of {:.0}x{:.0}",
                    it.label, it.confidence, it.x, it.y, it.width, it.height
                )
            });
            list(told.collect(), objects.len())
        }
        Said::Classes(classes) => {
            let told = classes.iter().take(TOLD);
            list(
                told.map(|it| format!("{} {:.3}", it.label, it.confidence))
                    .collect(),
                classes.len(),
            )
        }
        Said::Shares(shares) => {
            let told = shares.iter().take(TOLD);
            list(
                told.map(|it| format!("{} {:.0}%", it.label, 100.0 * it.share))
                    .collect(),
                shares.len(),
            )
        }
        Said::Score(score) => format!("score {score:.4}"),
        Said::Matte(coverage) => format!("{:.1}% of the frame", 100.0 * coverage),
        Said::Text { text, .. } if text.is_empty() => "nothing".into(),
        Said::Text { text, confidence } => format!("'{text}' {confidence:.3}"),
    }
}

/// Raw outputs in a line: name, shape, and the least and the largest of the numbers of each.
pub fn told_of_tensors(tensors: &Tensors) -> String {
    let parts = tensors.tensors.iter().take(TOLD).map(|it| {
        let dims: Vec<String> = it.dims.iter().map(u64::to_string).collect();
        let span = match span(it.element_type, &it.data) {
            Some((least, most)) => format!(" {least:.4} to {most:.4}"),
            None => String::new(),
        };
        format!("{} [{}]{span}", it.name, dims.join(", "))
    });
    let told = parts.collect::<Vec<_>>().join("; ");
    match tensors.tensors.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told}, and {more} more"),
    }
}

/// The least and the largest number in host byte order; `None` where there is none.
fn span(element_type: ElementType, data: &[u8]) -> Option<(f64, f64)> {
    fn of<const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f64) -> Option<(f64, f64)> {
        let numbers = data.as_chunks().0.iter().map(|it| read(*it));
        let numbers = numbers.filter(|it| it.is_finite());
        numbers.fold(None, |span, it| {
            let (least, most) = span.unwrap_or((it, it));
            Some((least.min(it), most.max(it)))
        })
    }
    match element_type {
        ElementType::F32 => of(data, |it| f32::from_ne_bytes(it).into()),
        ElementType::F16 => of(data, |it| half::f16::from_ne_bytes(it).into()),
        ElementType::U8 => of(data, |[it]| it.into()),
        ElementType::I32 => of(data, |it| i32::from_ne_bytes(it).into()),
        ElementType::I64 => of(data, |it| i64::from_ne_bytes(it) as f64),
    }
}
