use gstavrec::policy::Config;
use gstavrec::replay::generate::*;
use gstavrec::replay::oracle::*;
use gstavrec::replay::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let kinds: Vec<&str> = args[1].split(',').collect();
    let (a, b): (u64, u64) = (args[2].parse().unwrap(), args[3].parse().unwrap());
    for k in kinds {
        let kind: Kind = k.parse().unwrap();
        for (name, sense) in [("with", true), ("without", false)] {
            let all: Vec<Figures> = (a..b).map(|seed| {
                let m = generate(kind, seed);
                let m = if sense { m } else { m.without_sense() };
                let (c, s) = (clairvoyant(&m), switch_aware(&m));
                let mut p = avrec::Avrec::new(&m, Config::default()).unwrap();
                let o = simulate(&m, &mut p);
                Figures::new(&m, &o, &c, &s)
            }).collect();
            let n = all.len() as f64;
            let mean = |f: &dyn Fn(&Figures) -> f64| all.iter().map(f).sum::<f64>() / n;
            let mut rec: Vec<usize> = all.iter().flat_map(|f| f.recovery.clone()).collect(); rec.sort(); let rp = |q: f64| rec.get(((rec.len() as f64*q) as usize).min(rec.len().max(1)-1)).copied().unwrap_or(0); print!("{k:9} {name:8} rec {}/{} regret {:5.2} % miss {:4.2} % swaps {:4.1}", rp(0.5), rp(0.9), 100.0*mean(&|f| f.regret), 100.0*mean(&|f| f.miss_rate), mean(&|f| f.swaps_per_1000));
            for q in 0..4u64 { let of: Vec<_> = all.iter().zip(a..b).filter(|x| x.1 % 4 == q).collect(); let n=of.len().max(1) as f64; print!("  |{q} {:5.2}/{:4.2}", 100.0*of.iter().map(|x| x.0.regret).sum::<f64>()/n, 100.0*of.iter().map(|x| x.0.miss_rate).sum::<f64>()/n); }
            println!();
        }
    }
}
