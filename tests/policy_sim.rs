mod policy_world;
use policy_world::*;
#[test]
fn table() {
    for (name, c) in [
        ("calm", calm as Contention),
        ("step", step),
        ("periodic", periodic),
        ("ramp", ramp),
        ("bursts", bursts),
    ] {
        for (nm, sens, spikes) in [("", 0.0, 0.003), ("sens.15", 0.15, 0.003), ("tail", 0.0, 0.02)] {
            let (mut m, mut r, mut s, mut sh, mut ov) = (vec![], vec![], vec![], 0., 0);
            let mut re = vec![];
            for seed in 1..=10 {
                let o = World {
                    contention: c,
                    seed,
                    sensitivity: sens,
                    spikes,
                    ..World::default()
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
                if std::env::var("LOG").is_ok_and(|l| l == format!("{name}{nm}{seed}")) {
                    for (f, t) in &o.log {
                        println!("{f} {t}");
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
                "{name:9}{nm:8} miss {} regret {} swaps {} shadow {sh:.2}% overl {ov} react {re:?}",
                f(&m),
                f(&r),
                f(&s)
            );
        }
    }
}
