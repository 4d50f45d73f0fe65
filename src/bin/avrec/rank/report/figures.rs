// SPDX-License-Identifier: MPL-2.0

//! Figures with as many digits as say something, and axes.

use std::time::Duration;

use super::super::findings::{Figure, Findings, MeasureTold, ModelFindings};
use crate::report::numbers::{NBSP, milliseconds};

/// Digits behind the point: so many that half the interval shows.
pub fn digits(measure: &MeasureTold, figure: &Figure) -> usize {
    let usual = if measure.unit.is_empty() { 3 } else { 2 };
    match figure.interval {
        Some((low, high)) if high - low < 10f64.powi(-usual) => usual as usize + 1,
        _ => usual as usize,
    }
}

/// `0.944`
pub fn value(measure: &MeasureTold, figure: &Figure) -> String {
    number(figure.value, digits(measure, figure))
}

/// `0.941 – 0.947`
pub fn interval(measure: &MeasureTold, figure: &Figure) -> Option<String> {
    let digits = digits(measure, figure);
    let (low, high) = figure.interval?;
    Some(format!(
        "{}{NBSP}–{NBSP}{}",
        number(low, digits),
        number(high, digits)
    ))
}

/// `SSIM`, `PSNR in dB`
pub fn name(measure: &MeasureTold) -> String {
    let name = shouted(&measure.name);
    match measure.unit.as_str() {
        "" => name,
        unit => format!("{} in {unit}", name.strip_suffix(" db").unwrap_or(&name)),
    }
}

/// Short names are written large, as the field has them.
pub fn shouted(name: &str) -> String {
    const KNOWN: [(&str, &str); 16] = [
        ("map", "mAP"),
        ("map-50", "mAP50"),
        ("map-75", "mAP75"),
        ("map-small", "mAP of small ones"),
        ("map-medium", "mAP of medium ones"),
        ("map-large", "mAP of large ones"),
        ("mean-iou", "mean IoU"),
        ("f1", "F1"),
        ("best-f1", "best F1"),
        ("macro-f1", "macro F1"),
        ("ssim", "SSIM"),
        ("psnr-db", "PSNR"),
        ("mean-psnr-db", "mean PSNR"),
        ("si-sdr-db", "SI-SDR"),
        ("mean-si-sdr-db", "mean SI-SDR"),
        ("stoi", "STOI"),
    ];
    let known = KNOWN.iter().find(|it| it.0 == name);
    known.map_or_else(|| name.replace('-', " "), |it| it.1.to_string())
}

/// A number with a minus sign as print has it, and no zero below it.
pub fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.bytes().all(|it| matches!(it, b'0' | b'.')) => zero.to_string(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// `12.1 ms`
pub fn time(ms: f64) -> String {
    match Duration::try_from_secs_f64(ms / 1000.0) {
        Ok(time) if time < Duration::from_secs(10_000) => milliseconds(time),
        _ => "–".into(),
    }
}

/// A sentence begins with a large letter, but for a name at its beginning, which stays as it is.
pub fn sentence(text: &str) -> String {
    match ["ahead of ", "tied with ", "it "]
        .iter()
        .find(|it| text.starts_with(**it))
    {
        Some(begin) => format!("{}{}", begin[..1].to_uppercase(), &text[1..]),
        None => text.to_string(),
    }
}

/// Agreement, 0 to 1: near 1 the fourth digit tells.
pub fn agreement(value: f64) -> String {
    number(value, if (0.985..1.0).contains(&value) { 4 } else { 3 })
}

/// `120 MiB`
pub fn memory(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    match mib {
        it if it < 10.0 => format!("{it:.1}{NBSP}MiB"),
        it if it < 10_000.0 => format!("{it:.0}{NBSP}MiB"),
        it => format!("{:.1}{NBSP}GiB", it / 1024.0),
    }
}

/// The figure that is drawn as quality: the measure that decides where it orders models as P does, else P itself.
pub struct Quality {
    pub measure: MeasureTold,
    is_measure: bool,
}

impl Quality {
    pub fn of(findings: &Findings) -> Quality {
        let sign = |it: &MeasureTold| if it.higher_is_better { 1.0 } else { -1.0 };
        if let Some(measure) = findings.measures.first()
            && let Some(mut pairs) = pairs(findings, sign(measure))
        {
            pairs.sort_by(|one, other| one.0.total_cmp(&other.0));
            if pairs.windows(2).all(|it| it[0].1 <= it[1].1 + 1e-9) {
                return Quality {
                    measure: measure.clone(),
                    is_measure: true,
                };
            }
        }
        Quality {
            measure: MeasureTold {
                name: "quality P".into(),
                unit: String::new(),
                higher_is_better: true,
            },
            is_measure: false,
        }
    }

    pub fn figure(&self, model: &ModelFindings) -> Option<Figure> {
        let figure = match self.is_measure {
            true => model.figures.first().copied().flatten(),
            false => Some(model.quality),
        };
        figure.filter(|it| it.value.is_finite())
    }
}

/// The deciding measure, up for better, and P of each model; `None` where a model has none.
fn pairs(findings: &Findings, sign: f64) -> Option<Vec<(f64, f64)>> {
    let pair = |it: &ModelFindings| Some((sign * (*it.figures.first()?)?.value, it.quality.value));
    findings.models.iter().map(pair).collect()
}

/// Round numbers over a range, about so many.
pub fn steps(low: f64, high: f64, about: usize) -> Vec<f64> {
    let rough = (high - low) / about.max(1) as f64;
    if !(rough.is_finite() && 0.0 < rough) {
        return Vec::new();
    }
    let size = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|it| it * size);
    let step = step
        .into_iter()
        .find(|it| rough <= *it * 1.001)
        .unwrap_or(10.0 * size);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).take(50).map(|it| it as f64 * step).collect()
}

/// Digits that tell neighboring steps apart.
pub fn step_digits(steps: &[f64]) -> usize {
    let step = steps.windows(2).next().map_or(1.0, |it| it[1] - it[0]);
    (-(step.log10() + 1e-6).floor()).clamp(0.0, 6.0) as usize
}

/// 1, 2 and 5 of each power of ten in a range; more of them in a small one.
pub fn log_steps(low: f64, high: f64) -> Vec<f64> {
    if !(0.0 < low && low < high && high.is_finite()) {
        return Vec::new();
    }
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let all = |of: &[f64]| -> Vec<f64> {
        let all = powers
            .clone()
            .flat_map(|power| of.iter().map(move |it| it * 10f64.powi(power)));
        all.filter(|it| (low..=high).contains(it)).collect()
    };
    let usual = all(&[1.0, 2.0, 5.0]);
    let all = if usual.len() < 3 {
        all(&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0])
    } else {
        usual
    };
    // Over many powers the whole ones suffice.
    let wide = 8 < all.len();
    let is_power = |it: &f64| (it.log10() - it.log10().round()).abs() < 1e-6;
    all.into_iter().filter(|it| !wide || is_power(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_show_the_interval() {
        let ssim = MeasureTold {
            name: "ssim".into(),
            ..MeasureTold::default()
        };
        let figure = |interval| Figure {
            value: 0.94412,
            interval,
            items: 10,
        };
        assert_eq!(value(&ssim, &figure(None)), "0.944");
        assert_eq!(value(&ssim, &figure(Some((0.9439, 0.9443)))), "0.9441");
        assert_eq!(
            interval(&ssim, &figure(Some((0.93, 0.95)))).unwrap(),
            "0.930\u{a0}–\u{a0}0.950"
        );
        assert_eq!([number(-0.0001, 2), number(-1.5, 1)], ["0.00", "−1.5"]);
    }

    #[test]
    fn axes_have_round_steps_inside_their_range() {
        let near = |one: &[f64], other: &[f64]| {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-9)
        };
        assert!(
            near(&steps(0.91, 0.98, 4), &[0.92, 0.94, 0.96, 0.98]),
            "{:?}",
            steps(0.91, 0.98, 4)
        );
        assert!(near(&log_steps(0.9, 30.0), &[1.0, 2.0, 5.0, 10.0, 20.0]));
        assert_eq!(log_steps(0.001, 10_000.0).len(), 8);
        assert!(steps(1.0, 1.0, 4).is_empty() && log_steps(0.0, 1.0).is_empty());
        assert!(near(&log_steps(25.0, 60.0), &[30.0, 40.0, 50.0]));
        assert_eq!(
            (step_digits(&[0.92, 0.94]), step_digits(&[0.9981, 0.9982])),
            (2, 4)
        );
    }
}
