// SPDX-License-Identifier: MPL-2.0

//! What was possible, for those who know the future.

use super::Matrix;

/// What leaves each frame, and who answered it; `None` is the floor.
#[derive(Debug, Clone, PartialEq)]
pub struct Ideal {
    pub worth: Vec<f64>,
    pub picks: Vec<Option<usize>>,
}

/// Cost of a swap to the switch-aware oracle, in frames' worth: what the first run after it may lose.
const SWAP_COST: f64 = 0.5;

impl Ideal {
    pub fn mean(&self) -> f64 {
        self.worth.iter().sum::<f64>() / self.worth.len().max(1) as f64
    }

    pub fn swaps(&self) -> usize {
        self.picks.windows(2).filter(|it| it[0] != it[1]).count()
    }
}

/// The clairvoyant: on each frame the best answer inside the budget, whatever was chosen before. It cannot be
/// reached, for it swaps for nothing and is never caught by an overrun.
pub fn clairvoyant(matrix: &Matrix) -> Ideal {
    let best = |frame: usize| {
        let in_time = matrix.row(frame).iter().enumerate();
        in_time
            .filter(|(_, it)| it.latency_ms <= matrix.budget_ms)
            .max_by(|one, other| one.1.quality.total_cmp(&other.1.quality))
            .filter(|(_, it)| matrix.floor < it.quality)
            .map_or((matrix.floor, None), |(index, it)| (it.quality, Some(index)))
    };
    let (worth, picks) = (0..matrix.frames()).map(best).unzip();
    Ideal { worth, picks }
}

/// The switch-aware oracle: the sequence of the largest worth when each swap costs half a frame of it (Viterbi over
/// the candidates). Like the clairvoyant, it is never caught by an overrun. Its `worth` is that of the answers, as
/// every policy's is; what the swaps cost only decides on the sequence.
pub fn switch_aware(matrix: &Matrix) -> Ideal {
    let (frames, count) = (matrix.frames(), matrix.candidates());
    let worth = |frame: usize, candidate: usize| {
        let cell = matrix.cell(frame, candidate);
        if cell.latency_ms <= matrix.budget_ms {
            cell.quality.max(matrix.floor)
        } else {
            matrix.floor
        }
    };
    let mut total: Vec<f64> = vec![0.0; count];
    // Who was active before, by frame and candidate.
    let mut came_from = vec![0; frames * count];
    for frame in 0..frames {
        let best = (0..count)
            .max_by(|one, other| total[*one].total_cmp(&total[*other]))
            .unwrap_or(0);
        let before = total.clone();
        for candidate in 0..count {
            let swaps = 0 < frame && before[candidate] < before[best] - SWAP_COST;
            came_from[frame * count + candidate] = if swaps { best } else { candidate };
            let base = if swaps {
                before[best] - SWAP_COST
            } else {
                before[candidate]
            };
            total[candidate] = base + worth(frame, candidate);
        }
    }
    let last = (0..count).max_by(|one, other| total[*one].total_cmp(&total[*other]));
    let mut picks = vec![None; frames];
    let mut at = last.unwrap_or(0);
    for frame in (0..frames).rev() {
        picks[frame] = Some(at);
        at = came_from[frame * count + at];
    }
    let worth = picks
        .iter()
        .enumerate()
        .map(|(frame, it)| worth(frame, it.unwrap_or(0)))
        .collect();
    Ideal { worth, picks }
}
