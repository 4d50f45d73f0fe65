// SPDX-License-Identifier: MPL-2.0

//! A process that ends while a model loads or runs. The test starts itself again with a variable set,
//! as the program that exits.

use gst::prelude::*;

use crate::support::models::model;
use crate::support::providers::elsewhere;
use crate::support::{alone, init};

/// Set in the program that exits; says when.
const ROLE: &str = "AVREC_TEST_EXIT";

#[test]
fn a_program_may_exit_while_a_model_loads_or_runs() {
    if let Ok(role) = std::env::var(ROLE) {
        exit_in_the_middle(&role);
    }
    let elsewhere = elsewhere().into_iter().map(|it| it.facts().nick);
    for role in ["loading", "running"].into_iter().chain(elsewhere) {
        for _ in 0..10 {
            let mut program = alone("exit::a_program_may_exit_while_a_model_loads_or_runs");
            let output = program.env(ROLE, role).output().unwrap();
            assert_eq!(
                output.status.code(),
                Some(7),
                "{role}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

fn exit_in_the_middle(role: &str) -> ! {
    init();
    let model = model(if role == "loading" { "slow" } else { "thrice_luma" });
    let provider = match role {
        "loading" | "running" => "cpu",
        provider => provider,
    };
    let line = format!(
        "videotestsrc ! video/x-raw,format=GRAY8,width=320,height=180 ! avrec-infer model-file={} \
         execution-provider={provider} ! fakesink name=sink sync=false signal-handoffs=true",
        model.display()
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let (sender, frames) = std::sync::mpsc::channel();
    pipeline
        .by_name("sink")
        .unwrap()
        .connect("handoff", false, move |_| {
            let _ = sender.send(());
            None
        });
    pipeline.set_state(gst::State::Playing).unwrap();
    if role != "loading" {
        frames.recv().unwrap();
    } else {
        pipeline.set_state(gst::State::Null).unwrap();
    }
    std::process::exit(7)
}
