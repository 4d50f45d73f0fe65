mod policy_world;
use policy_world::*;
#[test]
fn trace() {
    let o = World {
        contention: bursts,
        seed: 2,
        ..World::default()
    }
    .run(1500);
    for (f, t) in o.trace.iter().enumerate() {
        println!("T {f} {t}");
    }
}
