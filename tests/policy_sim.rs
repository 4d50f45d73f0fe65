mod policy_world;
use policy_world::*;
fn six(f: usize) -> f64 {
    if (1000..2000).contains(&f) { 6.0 } else { 1.0 }
}
#[test]
fn table() {
    let d = World::default();
    let spec = World {
        candidates: vec![
            (3., 0.62, Some(0.62)),
            (6., 0.72, Some(0.72)),
            (10., 0.80, Some(0.80)),
            (16., 0.86, Some(0.86)),
            (24., 0.90, Some(0.90)),
        ],
        reference: Some(4),
        budget: 30.0,
        period: 33.333,
        ..d.clone()
    };
    let worlds = vec![
        ("default", d.clone()),
        (
            "tail",
            World {
                spikes: 0.02,
                ..d.clone()
            },
        ),
        ("spec", spec.clone()),
        (
            "specsens",
            World {
                sensitivity: 0.15,
                ..spec.clone()
            },
        ),
        (
            "ident",
            World {
                candidates: vec![(0.02, 0.6, Some(0.6)), (27.0, 0.92, Some(0.92))],
                reference: Some(1),
                ..d.clone()
            },
        ),
        (
            "sens.5",
            World {
                sensitivity: 0.5,
                ..d.clone()
            },
        ),
        (
            "noise15",
            World {
                noise: 0.15,
                ..d.clone()
            },
        ),
        (
            "none",
            World {
                candidates: d.candidates.iter().map(|c| (c.0, c.1, None)).collect(),
                ..d.clone()
            },
        ),
        (
            "wrong",
            World {
                candidates: vec![
                    (1.0, 0.70, Some(0.70)),
                    (3.0, 0.80, Some(0.80)),
                    (9.0, 0.74, Some(0.9)),
                    (27.0, 0.92, Some(0.92)),
                ],
                ..d.clone()
            },
        ),
        (
            "inv",
            World {
                candidates: vec![
                    (1.0, 0.70, Some(0.90)),
                    (3.0, 0.80, Some(0.86)),
                    (9.0, 0.86, Some(0.80)),
                    (27.0, 0.92, Some(0.92)),
                ],
                ..d.clone()
            },
        ),
        (
            "bud80",
            World {
                budget: 80.0,
                ..d.clone()
            },
        ),
        (
            "noref",
            World {
                reference: None,
                ..d.clone()
            },
        ),
    ];
    let only = std::env::var("ONLY").unwrap_or_default();
    for (nm, w) in worlds {
        for (name, c) in [
            ("calm", calm as Contention),
            ("step", step),
            ("periodic", periodic),
            ("ramp", ramp),
            ("bursts", bursts),
            ("six", six),
        ] {
            if !format!("{nm}/{name}").starts_with(&only) {
                continue;
            }
            let (mut m, mut r, mut s, mut sh, mut ov) = (vec![], vec![], vec![], 0., 0);
            let mut re = vec![];
            for seed in std::env::var("SEED")
                .ok()
                .and_then(|s| s.parse().ok())
                .map_or(1..=10, |s: u64| s..=s)
            {
                let o = World {
                    contention: c,
                    seed,
                    ..w.clone()
                }
                .run(3000);
                m.push(o.miss_rate() * 100.);
                r.push(o.regret() * 100.);
                s.push(o.swaps_per_1000());
                sh += o.shadow_share * 10.;
                ov += o.overlapped;
                re.push(o.reaction(1000));
                if std::env::var("ALL").is_ok() {
                    println!(
                        "  {seed}: m {:.2} r {:.2} s {:.1}",
                        o.miss_rate() * 100.,
                        o.regret() * 100.,
                        o.swaps_per_1000()
                    );
                }
                if std::env::var("LOG").is_ok_and(|l| l == format!("{seed}")) {
                    for (f, t) in o.log.iter().zip(&o.reasons) {
                        println!("{f}: {t}");
                    }
                }
            }
            let f = |v: &Vec<f64>| {
                format!(
                    "{:5.2} (max {:5.2})",
                    v.iter().sum::<f64>() / 10.,
                    v.iter().cloned().fold(0., f64::max)
                )
            };
            println!(
                "{nm:9}{name:8} miss {} regret {} swaps {} shadow {sh:.2}% overl {ov} react {re:?}",
                f(&m),
                f(&r),
                f(&s)
            );
        }
    }
}
