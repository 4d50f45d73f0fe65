// SPDX-License-Identifier: MPL-2.0

//! The rectangle around a region of text, turned as the text is: the smallest one around its cells, how sure the map
//! is inside of it, and how far it is widened. Numbers are cells of the map; y points down.

/// A rectangle by its corners, one after another around it, and the length of its two sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Turned {
    pub corners: [[f64; 2]; 4],
    pub sides: [f64; 2],
}

/// Parts of a cell that corners are rounded to, so that what is whole but for an error of turning is whole.
const EXACT: f64 = 1e6;

/// Memory for one rectangle.
#[derive(Debug, Default)]
pub(super) struct Work {
    hull: Vec<[f64; 2]>,
    points: Vec<[f64; 2]>,
    /// The first and last cell of each row of a polygon.
    rows: Vec<(usize, usize)>,
}

impl Turned {
    /// The smallest rectangle around points; they are brought into order. `None` of no points.
    pub fn around(points: &mut [[f64; 2]], hull: &mut Vec<[f64; 2]>) -> Option<Turned> {
        convex_hull(points, hull);
        let next = |index: usize| hull[(index + 1) % hull.len()];
        let edges = hull
            .iter()
            .enumerate()
            .map(|(index, from)| [next(index)[0] - from[0], next(index)[1] - from[1]]);
        let along = edges.filter(|it| *it != [0.0, 0.0]).map(|[x, y]| {
            let length = x.hypot(y);
            [x / length, y / length]
        });
        let area = |it: &Turned| it.sides[0] * it.sides[1];
        // A single point lies along any direction.
        along
            .chain(hull.first().filter(|_| hull.len() == 1).map(|_| [1.0, 0.0]))
            .map(|direction| Turned::along(direction, hull))
            .min_by(|a, b| area(a).total_cmp(&area(b)))
    }

    /// The smallest rectangle with a side of this direction.
    fn along([x, y]: [f64; 2], points: &[[f64; 2]]) -> Turned {
        let (mut near, mut far) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for point in points {
            for (axis, at) in [point[0] * x + point[1] * y, point[1] * x - point[0] * y]
                .into_iter()
                .enumerate()
            {
                near[axis] = near[axis].min(at);
                far[axis] = far[axis].max(at);
            }
        }
        let exact = |it: f64| (it * EXACT).round() / EXACT;
        let corner = |along: f64, across: f64| [along * x - across * y, along * y + across * x].map(exact);
        Turned {
            corners: [
                corner(near[0], near[1]),
                corner(far[0], near[1]),
                corner(far[0], far[1]),
                corner(near[0], far[1]),
            ],
            sides: [far[0] - near[0], far[1] - near[1]],
        }
    }

    /// The shorter side.
    pub fn thickness(&self) -> f64 {
        self.sides[0].min(self.sides[1])
    }

    /// The rectangle around itself with all points added that are as near as `area * ratio / perimeter`.
    ///
    /// That is the unclipping of the DB paper (M. Liao et al., AAAI 2020, equation 10). Corners are cut to whole
    /// cells before and offset points rounded after, as the reference's integer polygons are (Clipper 6).
    pub fn unclipped(&self, ratio: f64, work: &mut Work) -> Option<Turned> {
        let [length, width] = self.sides;
        let distance = length * width * ratio / (2.0 * (length + width));
        let corners = self.corners.map(|it| it.map(f64::trunc));
        offset(&corners, distance, &mut work.points);
        Turned::around(&mut work.points, &mut work.hull)
    }

    /// The mean of a map of so many columns over the cells of the rectangle, its outline with them; corners are cut to
    /// whole cells. `None` where it is outside of the map.
    pub fn mean(&self, map: &[f32], width: usize, work: &mut Work) -> Option<f32> {
        let height = map.len().checked_div(width)?;
        let bound = |axis: usize, length: usize| {
            let last = length.checked_sub(1)? as f64;
            let at = self.corners.map(|it| it[axis]);
            let first = at.iter().copied().fold(f64::INFINITY, f64::min).floor();
            let end = at.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil();
            Some((first.clamp(0.0, last), end.clamp(0.0, last)))
        };
        let (left, right) = bound(0, width)?;
        let (top, bottom) = bound(1, height)?;
        // Whole cells count from the corner of the upright rectangle around it.
        let corners = self
            .corners
            .map(|[x, y]| [(x - left).trunc() as i64, (y - top).trunc() as i64]);
        fill(&corners, (bottom - top) as usize + 1, &mut work.rows);
        let last = (right - left) as usize;
        let (mut sum, mut count) = (0.0, 0usize);
        for (row, &(first, end)) in work.rows.iter().enumerate() {
            if last < first || end < first {
                continue;
            }
            let start = (top as usize + row) * width + left as usize;
            let cells = &map[start + first..=start + end.min(last)];
            sum += cells.iter().map(|&it| f64::from(it)).sum::<f64>();
            count += cells.len();
        }
        (0 < count).then(|| (sum / count as f64) as f32)
    }
}

/// The corners of the smallest convex polygon around points (A. M. Andrew's monotone chain).
fn convex_hull(points: &mut [[f64; 2]], hull: &mut Vec<[f64; 2]>) {
    points.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    hull.clear();
    let turns = |a: [f64; 2], b: [f64; 2], c: [f64; 2]| {
        0.0 < (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    };
    let mut add = |point: [f64; 2], least: usize| {
        while least + 2 <= hull.len() && !turns(hull[hull.len() - 2], hull[hull.len() - 1], point) {
            hull.pop();
        }
        hull.push(point);
        hull.len()
    };
    let mut length = 0;
    points.iter().for_each(|it| length = add(*it, 0));
    // The way back begins with the last point, which stays.
    let there = length.saturating_sub(1);
    points
        .iter()
        .rev()
        .skip(1)
        .for_each(|it| length = add(*it, there));
    if 1 < hull.len() {
        hull.pop();
    }
    hull.dedup();
}

/// Radius that a round corner may differ by, in cells: the default of Clipper.
const ARC_TOLERANCE: f64 = 0.25;

/// Points around a rectangle that are away from it by a distance, with round corners, rounded to whole numbers.
fn offset(corners: &[[f64; 2]; 4], distance: f64, to: &mut Vec<[f64; 2]>) {
    to.clear();
    let tolerance = ARC_TOLERANCE.min(distance * ARC_TOLERANCE);
    let circle =
        (std::f64::consts::PI / (1.0 - tolerance / distance).acos()).min(distance * std::f64::consts::PI);
    // Outward normals of the side behind each corner.
    let normal = |index: usize| {
        let (from, next) = (corners[index % 4], corners[(index + 1) % 4]);
        let (x, y) = (next[0] - from[0], next[1] - from[1]);
        let length = x.hypot(y);
        [y / length, -x / length]
    };
    let (sin, cos) = (std::f64::consts::TAU / circle).sin_cos();
    for (index, corner) in corners.iter().enumerate() {
        let (before, behind) = (normal(index + 3), normal(index));
        if !before.iter().chain(&behind).all(|it| it.is_finite()) {
            continue;
        }
        let turn = (before[0] * behind[1] - behind[0] * before[1])
            .atan2(before[0] * behind[0] + before[1] * behind[1]);
        let steps = (circle / std::f64::consts::TAU * turn.abs()).round().max(1.0) as usize;
        let [mut x, mut y] = before;
        for _ in 0..steps {
            to.push([corner[0] + x * distance, corner[1] + y * distance].map(f64::round));
            (x, y) = (x * cos - sin * y, x * sin + y * cos);
        }
        to.push([corner[0] + behind[0] * distance, corner[1] + behind[1] * distance].map(f64::round));
    }
}

/// The first and last cell of a convex polygon in each of `height` rows; the last before the first where there is none.
///
/// Sides are lines of Bresenham, drawn from left to right, as OpenCV fills polygons.
fn fill(corners: &[[i64; 2]; 4], height: usize, rows: &mut Vec<(usize, usize)>) {
    rows.clear();
    rows.resize(height, (usize::MAX, 0));
    let mut mark = |x: i64, y: i64| {
        let row = usize::try_from(y).ok().and_then(|it| rows.get_mut(it));
        if let Some((first, last)) = row {
            let x = usize::try_from(x).unwrap_or(0);
            (*first, *last) = ((*first).min(x), (*last).max(x));
        }
    };
    for (index, &from) in corners.iter().enumerate() {
        let next = corners[(index + 1) % 4];
        let (from, to) = if next[0] < from[0] {
            (next, from)
        } else {
            (from, next)
        };
        let (across, down) = (to[0] - from[0], (to[1] - from[1]).abs());
        let step = (to[1] - from[1]).signum();
        let (long, short) = (across.max(down), across.min(down));
        let ([mut x, mut y], mut error) = (from, long - 2 * short);
        for _ in 0..=long {
            mark(x, y);
            let turns = error < 0;
            error += 2 * (if turns { long } else { 0 } - short);
            let (along, aside) = (1, i64::from(turns));
            if across < down {
                (x, y) = (x + aside, y + step * along);
            } else {
                (x, y) = (x + along, y + step * aside);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(points: &[[f64; 2]]) -> Turned {
        Turned::around(&mut points.to_vec(), &mut Vec::new()).unwrap()
    }

    #[track_caller]
    fn check(turned: &Turned, mut corners: [[f64; 2]; 4]) {
        let mut found = turned.corners;
        let order = |a: &[f64; 2], b: &[f64; 2]| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]));
        found.sort_by(order);
        corners.sort_by(order);
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
        assert!(
            found.as_flattened().iter().zip(corners.as_flattened()).all(near),
            "{found:?}"
        );
    }

    #[test]
    fn the_smallest_rectangle_is_turned_as_the_points_are() {
        let upright = around(&[[1.0, 2.0], [9.0, 2.0], [5.0, 3.0], [9.0, 5.0], [1.0, 5.0]]);
        check(&upright, [[1.0, 2.0], [9.0, 2.0], [9.0, 5.0], [1.0, 5.0]]);
        assert_eq!(upright.thickness(), 3.0);
        let turned = around(&[[0.0, 4.0], [8.0, 12.0], [12.0, 8.0], [4.0, 0.0], [6.0, 6.0]]);
        check(&turned, [[0.0, 4.0], [8.0, 12.0], [12.0, 8.0], [4.0, 0.0]]);
        assert_eq!(around(&[[3.0, 4.0]]).sides, [0.0, 0.0]);
        assert_eq!(around(&[[3.0, 4.0], [6.0, 8.0]]).thickness().round(), 0.0);
        assert_eq!(Turned::around(&mut [], &mut Vec::new()), None);
    }

    #[test]
    fn it_is_widened_by_area_times_ratio_over_perimeter() {
        // 40 · 10 · 1.6 / 100 = 6.4 cells each way.
        let turned = around(&[[20.0, 20.0], [60.0, 20.0], [60.0, 30.0], [20.0, 30.0]]);
        let wide = turned.unclipped(1.6, &mut Work::default()).unwrap();
        check(&wide, [[14.0, 14.0], [66.0, 14.0], [66.0, 36.0], [14.0, 36.0]]);
    }

    #[test]
    fn the_mean_is_that_of_the_cells_inside_and_of_the_outline() {
        let mut map = vec![0.0f32; 8 * 6];
        for cell in [(2, 1), (5, 1), (2, 3), (5, 3)] {
            map[cell.1 * 8 + cell.0] = 1.0;
        }
        let mut work = Work::default();
        let upright = around(&[[2.0, 1.0], [5.0, 1.0], [5.0, 3.0], [2.0, 3.0]]);
        assert_eq!(upright.mean(&map, 8, &mut work), Some(4.0 / 12.0));
        // A diamond of 1, 3, 5, 3, 1 cells; its corners and its middle are set.
        let mut map = vec![0.0f32; 8 * 6];
        for cell in [(3, 0), (1, 2), (3, 2), (5, 2), (3, 4)] {
            map[cell.1 * 8 + cell.0] = 1.0;
        }
        let diamond = around(&[[3.0, 0.0], [5.0, 2.0], [3.0, 4.0], [1.0, 2.0]]);
        let mean = diamond.mean(&map, 8, &mut work).unwrap();
        assert!((mean - 5.0 / 13.0).abs() < 1e-6, "{mean}");
    }
}
