use gstavrec::policy::Config;
use gstavrec::replay::generate::*;
use gstavrec::replay::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let kind: Kind = args[1].parse().unwrap();
    let seed: u64 = args[2].parse().unwrap();
    let m = generate(kind, seed);
    let p = avrec::Avrec::new(&m, Config::default()).unwrap();
    let (a, b): (usize, usize) = (args[3].parse().unwrap(), args[4].parse().unwrap());
    let mut w = W(p, a, b);
    let o = simulate(&m, &mut w);
    let best = |f: usize| (0..m.candidates()).filter(|c| m.cell(f,*c).latency_ms <= m.budget_ms).max_by(|a,b| m.cell(f,*a).quality.total_cmp(&m.cell(f,*b).quality));
    for f in a..b.min(m.frames()) {
        println!("{f} p {:.2} pick {:?} best {:?} {} lat {:?}", m.pressure(f).unwrap_or(-1.0), o.picks[f], best(f), if o.missed[f] {"MISS"} else {""}, m.row(f).iter().map(|c| (c.latency_ms*10.0).round()/10.0).collect::<Vec<_>>());
    }
    let mut lost = [0.0f64; 3];
    for f in 0..m.frames() { if let Some(bst)=best(f) { let w = m.cell(f,bst).quality; let d = w - o.worth[f]; if o.missed[f] { lost[0]+=d } else if o.picks[f].is_some_and(|c| m.cell(f,c).quality < w-0.03) { lost[1]+=d } else { lost[2]+=d } } }
    println!("lost: missed {:.2} lower {:.2} noise {:.2} % of {} frames", lost[0]/30.0, lost[1]/30.0, lost[2]/30.0, m.frames());
}

struct W(avrec::Avrec, usize, usize);
impl Selector for W {
    fn sensed(&mut self, n: f64, p: Option<f64>) { self.0.sensed(n, p) }
    fn pick(&mut self, f: usize, n: f64) -> Option<usize> { let r = self.0.pick(f, n); if std::env::var("DBG").is_ok() && (self.1..self.2).contains(&f) { let d = self.0.policy().debug(); let d = d.split("residuals").next().unwrap().to_string() + d.rsplit("} ").next().unwrap(); println!("   {f} {d}"); } r }
    fn ran(&mut self, r: &Run) { self.0.ran(r) }
    fn shadow(&mut self, a: f64, b: f64) -> Option<usize> { self.0.shadow(a, b) }
    fn shadowed(&mut self, r: &ShadowRun) { self.0.shadowed(r) }
}
