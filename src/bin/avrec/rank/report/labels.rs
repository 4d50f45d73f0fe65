// SPDX-License-Identifier: MPL-2.0

//! Where names stand in a plot, so that none lies on another or on a dot.

/// A rectangle, y downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn around(x: f64, y: f64, radius: f64) -> Rect {
        Rect {
            left: x - radius,
            top: y - radius,
            right: x + radius,
            bottom: y + radius,
        }
    }

    pub fn overlaps(&self, other: &Rect) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn holds(&self, other: &Rect) -> bool {
        self.left <= other.left
            && other.right <= self.right
            && self.top <= other.top
            && other.bottom <= self.bottom
    }
}

/// What gets a name.
#[derive(Debug, Clone)]
pub struct Dot {
    pub x: f64,
    pub y: f64,
    pub radius: f64,
    pub name: String,
}

/// Where a name stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Position of its dot.
    pub dot: usize,
    pub text: String,
    pub around: Rect,
    /// Whether it is so far away that a line has to lead to it.
    pub is_led: bool,
}

/// Height of a line of text, in the units of the plot.
pub const LINE: f64 = 16.0;

/// Width of a text of 13 units, about: too much rather than too little.
pub fn width(text: &str) -> f64 {
    let wide = |it: char| if it < '\u{1100}' { 7.3 } else { 13.5 };
    text.chars().map(wide).sum()
}

/// A name that is not longer than so many characters; its middle goes, since beginnings and ends tell names apart.
pub fn short(name: &str, most: usize) -> String {
    let chars: Vec<char> = name.chars().collect();
    if chars.len() <= most {
        return name.to_string();
    }
    let (head, tail) = (most / 2, (most - 1) / 2);
    let part = |it: &[char]| it.iter().collect::<String>();
    format!("{}…{}", part(&chars[..head]), part(&chars[chars.len() - tail..]))
}

/// Places the names of all dots, the first ones first; those for which no place is left are missing. `lines` may be
/// covered if nothing else is free.
pub fn place(dots: &[Dot], lines: &[Rect], plot: Rect) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::new();
    for (position, dot) in dots.iter().enumerate() {
        let candidates = candidates(dot);
        let free = candidates.into_iter().filter(|(around, _)| {
            plot.holds(around)
                && !placed.iter().any(|it| it.around.overlaps(around))
                && !dots
                    .iter()
                    .any(|it| Rect::around(it.x, it.y, it.radius + 1.0).overlaps(around))
        });
        let covered = |it: &Rect| lines.iter().filter(|line| line.overlaps(it)).count() as f64;
        let best = free.min_by(|one, other| {
            let cost = |it: &(Rect, f64)| it.1 + 9.0 * covered(&it.0);
            cost(one).total_cmp(&cost(other))
        });
        if let Some((around, distance)) = best {
            placed.push(Placed {
                dot: position,
                text: dot.name.clone(),
                around,
                is_led: 12.0 < distance,
            });
        }
    }
    placed
}

/// Places around a dot and how far away each is: the right side first.
fn candidates(dot: &Dot) -> Vec<(Rect, f64)> {
    let (width, half) = (width(&dot.name), LINE / 2.0);
    let mut all = Vec::new();
    for distance in [0.0, 10.0, 22.0, 36.0, 54.0, 76.0, 100.0] {
        let away = dot.radius + 5.0 + distance;
        for (order, (right, down)) in [
            (1.0, 0.0),
            (-1.0, 0.0),
            (0.0, -1.0),
            (0.0, 1.0),
            (0.7, -0.7),
            (0.7, 0.7),
            (-0.7, -0.7),
            (-0.7, 0.7),
        ]
        .into_iter()
        .enumerate()
        {
            let (x, y): (f64, f64) = (dot.x + right * away, dot.y + down * (away + half));
            let left = match right {
                it if it > 0.1 => x,
                it if it < -0.1 => x - width,
                _ => x - width / 2.0,
            };
            let around = Rect {
                left,
                top: y - half,
                right: left + width,
                bottom: y + half,
            };
            all.push((around, distance + order as f64 * 0.6));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLOT: Rect = Rect {
        left: 0.0,
        top: 0.0,
        right: 1000.0,
        bottom: 400.0,
    };

    #[test]
    fn names_lie_on_no_other_and_on_no_dot() {
        let dots: Vec<Dot> = (0..20)
            .map(|it| Dot {
                x: 300.0 + 17.0 * f64::from(it * 7 % 20),
                y: 150.0 + 9.0 * f64::from(it * 3 % 11),
                radius: 6.0,
                name: format!("a model of some size {it}"),
            })
            .collect();
        let placed = place(&dots, &[], PLOT);
        assert!(10 < placed.len(), "{}", placed.len());
        for (position, one) in placed.iter().enumerate() {
            assert!(
                placed[..position]
                    .iter()
                    .all(|it| !it.around.overlaps(&one.around))
            );
            let on_dot = |it: &Dot| Rect::around(it.x, it.y, it.radius).overlaps(&one.around);
            assert!(!dots.iter().any(on_dot) && PLOT.holds(&one.around));
        }
    }

    #[test]
    fn long_names_keep_their_beginning_and_their_end() {
        assert_eq!(short("detector-large-int8", 11), "detec…-int8");
        assert_eq!(short("small", 11), "small");
        assert_eq!(short("ééééééééé", 5), "éé…éé");
    }
}
