// SPDX-License-Identifier: MPL-2.0

//! Leaves parts of the rule out, so that the benchmark `decision` can say what each is worth. Only with the feature
//! `ablation`: without it nothing can be left out, and the compiler removes the questions.

/// What the rule consists of, where a part can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// What one candidate's run says of the machine counts for all.
    SharedSlowdown,
    /// How strongly each candidate reacts to contention is learned.
    Reaction,
    /// A slow run may be a step or a spike until a further run tells.
    Alarm,
    /// The chance to be late is counted, not taken from a normal distribution.
    Tail,
    /// The price of a miss follows the promised rate.
    Price,
    /// A switch has to pay.
    Regret,
}

#[cfg(not(feature = "ablation"))]
pub(super) const fn is_out(_: Part) -> bool {
    false
}

#[cfg(feature = "ablation")]
thread_local! {
    static OUT: std::cell::Cell<Option<Part>> = const { std::cell::Cell::new(None) };
}

#[cfg(feature = "ablation")]
pub(super) fn is_out(part: Part) -> bool {
    OUT.get() == Some(part)
}

/// Leaves a part out of all policies that this thread makes and asks from now on; `None` for the whole rule.
#[cfg(feature = "ablation")]
pub fn leave_out(part: Option<Part>) {
    OUT.set(part);
}
