// SPDX-License-Identifier: MPL-2.0

//! The switch on sound: every sample in its place, and no step where one candidate follows another.

mod switch_support;

use switch_support::sound::*;

/// Candidates that lag by 0, 10 and 20 ms.
const THREE_LAGS: &str = "avrec-test-lag name=prompt \
    avrec-test-lag name=ten delay=480 \
    avrec-test-lag name=twenty delay=960";

#[test]
fn sound_passes_one_candidate_sample_by_sample() {
    let mut stream = SoundRig::new("late-policy=wait", "identity name=a");
    for length in [480, 1, 441, 1024, 480] {
        stream.pass(length);
    }
    assert_eq!(
        stream.heard.len() as u64,
        stream.sent,
        "without a delay all is out at once"
    );
    stream.end();
    stream.assert_whole();
}

#[test]
fn a_swap_between_lanes_of_different_delay_loses_nothing() {
    let mut stream = SoundRig::new("late-policy=wait", THREE_LAGS);
    stream.warm_up(480, &["prompt", "ten", "twenty"]);
    for name in ["twenty", "prompt", "ten", "prompt"] {
        stream.rig.pin(name);
        stream.pass_until(480, name, |it| it.rig.active() == name);
        stream.pass(480);
        assert_eq!(
            stream.sent - stream.heard.len() as u64,
            960,
            "the largest delay, whoever sounds"
        );
    }
    stream.end();
    stream.assert_whole();
}
