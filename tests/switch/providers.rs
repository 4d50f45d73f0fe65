// SPDX-License-Identifier: MPL-2.0

//! One model on two execution providers: two candidates, between which the switch changes without losing a frame.

use gstavrec::runtime::ExecutionProvider;

use crate::support::init;
use crate::support::providers::elsewhere;
use crate::support::switch::Rig;

/// A catalog of one model on two providers, the second with options of its own.
fn catalog(nick: &str, options: &str) -> String {
    format!(
        "[[candidate]]\nname = \"here\"\nmodel = \"{MODEL}\"\n\n[[candidate]]\nname = \"there\"\nmodel = \"{MODEL}\"\n\
         execution-provider = \"{nick}\"\n{options}"
    )
}

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/detect-small.onnx");

#[test]
fn one_model_on_two_providers_is_two_candidates_and_no_frame_is_lost_between_them() {
    init();
    for provider in elsewhere() {
        let nick = provider.facts().nick;
        let options = match provider {
            ExecutionProvider::OpenVino => "provider-options = \"options,num_of_threads=1\"\n",
            _ => "",
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("providers.toml");
        std::fs::write(&path, catalog(nick, options)).unwrap();
        let catalog = format!(
            "catalog={} late-policy=wait latency-budget=1000000000",
            path.display()
        );
        let mut rig = Rig::new(&catalog, "");
        rig.warm_up(&["here", "there"]);
        let before = rig.stats().get::<u64>("in").unwrap();
        let mut answered = Vec::new();
        for turn in 0..10 {
            rig.pin(if turn % 2 == 0 { "there" } else { "here" });
            for _ in 0..10 {
                rig.pass();
            }
            answered.push(rig.stats().get::<String>("active-candidate").unwrap());
        }
        let stats = rig.stats();
        assert_eq!(stats.get::<u64>("in"), Ok(before + 100), "{stats}");
        assert_eq!(stats.get::<u64>("in"), stats.get::<u64>("out"), "{stats}");
        assert!(
            answered.iter().any(|it| it == "there") && answered.iter().any(|it| it == "here"),
            "{answered:?}"
        );
    }
}
