// SPDX-License-Identifier: MPL-2.0

//! What the help of `avrec replay` says after its options.

pub const AFTER_OPTIONS: &str = "\
Policies:
  avrec          what avrec-switch does
  avrec-blind    the same without what the machine says (sense-machine=false)
  static-best    always the candidate of the best prior
  static-safe    always the best candidate that keeps the budget on 99 % of the frames, in hindsight
  ladder         a step down when it gets tight, a step up when there was room for 60 frames
  pressure-ladder  a ladder that goes by what the machine says, where the matrix tells that
  alert          after ALERT (2020): a Kalman filter for the slowdown, the largest expected quality
  litereconfig   after LiteReconfig (2022): the best whose mean latency keeps the budget by a factor of 1.3
  exp3           a bandit that knows nothing and learns what is worth most
  oracle         knows the future and swaps for nothing: the best answer on each frame
  oracle-switch  knows the future, and each swap costs it half a frame

Policies of --generate group:
  group          what the avrec-switch elements of one group do
  independent    an avrec-switch a stream, each of which believes to be alone
  evidence       the same, but they tell what their runs leave each other from what others do to them
  equal-shares   to each stream its part of the processors, and the best candidate that fits into it
  first-come     who comes first takes what the others can spare
  optimum        knows all candidates and loads: the best joint choice that a search finds for each load

Columns (and keys of --json, where a rate or share is 0 to 1):
  miss %      late frames and frames lost to overrun (miss_rate)
  quality     mean worth of what left; a missed frame is worth nothing (effective_quality)
  regret %    how much of what oracle reached is missing (regret_percent)
  -switch %   the same of oracle-switch (regret_switch_aware_percent)
  swaps/1k    swaps in 1,000 frames (swaps_per_1000_frames)
  reaction    frames from the onset of a load until five in a row are on time: median/largest
              (reaction_median_frames, reaction_max_frames, onsets)
  recovery    frames from its end until five in a row are worth 95 % of the oracle's: median/90th
              percentile (recovery_median_frames, recovery_p90_frames, ends)
  shadow %    time spent in shadow runs (shadow_share)
  µs          time that a decision took (decision_us)

Columns of --generate group:
  loss %      how much of what optimum reached is missing, with its interval (loss_percent)
  miss %      the same as above, of the streams in the mean (miss_rate)
  worst %     of the worst stream of all seeds (miss_rate_worst)
  swaps/1k    swaps in 1,000 frames of a stream
  joint/1k    those within half a second of another stream's, but for the two seconds after a load
              came or went or all began (joint_swaps_per_1000_frames)
  ×W %        quality of the streams of weight W, of what their best candidates are worth (kept: weight, share)
  way %       with --alike: frames of lighter streams while no heavier one stood on a lower candidate
              (gave_way_share)

--json prints one object: miss_rate; traces, each with name, file or kind and seed, frames, candidates,
budget_ms, period_ms, policies (policy and the keys above) and with --decisions also decisions (frame,
t_ms, from, to, reason, reason_text, explanation); mean, one a policy: policy, traces, and the keys
above, each as mean, low and high. What is not known is null.
With --generate group: miss_rate, streams, processors, weights, alike; worlds, each with arrival, load,
seed, optimum_quality and policies; mean, one an arrival and load: arrival, load, seeds, policies.

Exit codes:
  0  ok
  2  usage: an option or a matrix is wrong; nothing was replayed
  3  the matrix of --write could not be written

Examples:
  avrec replay matrix.csv
  avrec replay matrix.csv --policy avrec --budget-ms 25 --decisions
  avrec replay --generate step --generate bursty --seed 100-109
  avrec replay --generate group --streams 8 --weights 4:1 --seed 7000-7019";
