// SPDX-License-Identifier: MPL-2.0

//! Lets live streams run for hours, with all that may happen to them, and says whether anything was lost, late or kept.
//!
//! `make soak HOURS=24`, or `cargo bench --bench soak -- HOURS [SEED]`. Two streams stay, one of video and one of sound; a
//! third one has candidates that fail, hang and reload; others come and go. Each second somebody does something: pins a
//! candidate, forbids one, reloads a model, lets one fail or hang.
//!
//! All is counted outside of the switches, at their pads. A frame is late when it leaves more than 1 ms after the latency
//! that its switch declares. There is a cause where threads that only sleep, one a processor, were kept from running for as
//! long as that while the frame was in the switch, or where all processors were busy then and other programs had a quarter
//! of them or more.
//!
//! Ends with tables and a verdict, which is also the exit status: 0 where no frame was lost, late without a cause or out of
//! order, no stream had an error, and memory, threads and descriptors are what they were.

mod events;
mod ledger;
mod machine;
mod stream;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use events::Events;
use gstavrec::quantile;
use gstavrec::random::Random;
use ledger::{Counts, Late};
use machine::{Footprint, Sentinels};
use stream::{Material, Stream};

/// How often something happens.
const BEAT: Duration = Duration::from_secs(1);
/// How often the footprint is taken.
const FOOTPRINTS: Duration = Duration::from_secs(5);
/// Streams that come and go, at the same time.
const MOST_GUESTS: usize = 2;
/// What comes into memory once is there after this; it is left out where memory is compared.
const WARM_UP: Duration = Duration::from_secs(120);
/// Most that memory may have grown by the end, over the first quarter.
const MOST_GROWTH: f64 = 1.01;
/// Rows of the table over time.
const ROWS: usize = 12;
/// The share of busy processors from which on other programs are a cause.
const OTHERS: f64 = 0.25;
/// Late frames are judged once the sentinels have been awake after them.
const JUDGED_AFTER: Duration = Duration::from_millis(500);

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What is counted of streams of one kind.
#[derive(Default)]
struct Kind {
    streams: u32,
    counts: Counts,
    swaps: u32,
    warnings: u32,
    errors: u32,
    without_cause: u32,
}

struct Guest {
    stream: Stream,
    ends: Instant,
    drains: bool,
}

struct Soak {
    random: Random,
    video: Material,
    sound: Material,
    stay: Vec<Stream>,
    events: Events,
    guests: Vec<Guest>,
    /// Of streams that have ended, and late frames of all.
    kinds: BTreeMap<&'static str, Kind>,
    waiting: Vec<(&'static str, Late)>,
    happened: BTreeMap<&'static str, u32>,
    sentinels: Sentinels,
    started: Instant,
    number: u32,
}

fn switch(kind: &str) -> String {
    match kind {
        "video" => format!("avrec-switch name=switch catalog={ROOT}/models/upscale.toml late-policy=floor"),
        "sound" => format!("avrec-switch name=switch catalog={ROOT}/models/denoise.toml late-policy=floor"),
        _ => events::switch(ROOT),
    }
}

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let number = |at: usize| arguments.get(at).map(|it| it.parse::<f64>().expect("a number"));
    let duration = Duration::from_secs_f64(3600.0 * number(0).unwrap_or(0.05));
    let seed = number(1).unwrap_or(1.0) as u64;
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
    println!("soak: {:.2} hours, seed {seed}", duration.as_secs_f64() / 3600.0);

    let clip = std::env::var("AVREC_CLIP").unwrap_or(format!("{ROOT}/.cache/bigbuckbunny.mp4"));
    let video = Material::video(&clip);
    let sound = Material::sound(&format!("{ROOT}/examples/media/speech.flac"));
    let before = Footprint::now();
    let mut soak = Soak::new(seed, video, sound);
    let footprints = soak.run(duration);
    soak.end();
    let after = settled(&before);
    verdict(&soak, &footprints, before, after)
}

/// The footprint, once what ends a little later has ended.
fn settled(before: &Footprint) -> Footprint {
    let latest = Instant::now() + Duration::from_secs(20);
    loop {
        let now = Footprint::now();
        let is_back = now.threads <= before.threads && now.descriptors <= before.descriptors;
        if is_back || latest < Instant::now() {
            return now;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Soak {
    fn new(seed: u64, video: Material, sound: Material) -> Soak {
        let start = |kind: &str| {
            let material = if kind == "sound" { &sound } else { &video };
            Stream::start(kind.to_owned(), material, &switch(kind))
        };
        let stay: Vec<Stream> = ["video", "sound", "faults"].map(start).into();
        let events = Events::new(&stay[2]);
        Soak {
            random: Random::new(seed),
            video: video.clone(),
            sound: sound.clone(),
            stay,
            events,
            guests: Vec::new(),
            kinds: BTreeMap::new(),
            waiting: Vec::new(),
            happened: BTreeMap::new(),
            sentinels: Sentinels::start(),
            started: Instant::now(),
            number: 0,
        }
    }

    /// Runs that long; returns footprints with their times.
    fn run(&mut self, duration: Duration) -> Vec<(Duration, Footprint)> {
        let (mut footprints, mut next_footprint, mut next_line) =
            (Vec::new(), Duration::ZERO, Duration::ZERO);
        while self.started.elapsed() < duration {
            std::thread::sleep(BEAT);
            self.happen();
            self.come_and_go();
            self.hear();
            let elapsed = self.started.elapsed();
            if next_footprint <= elapsed {
                next_footprint = elapsed + FOOTPRINTS;
                footprints.push((elapsed, Footprint::now()));
            }
            if next_line <= elapsed {
                next_line = elapsed + Duration::from_secs(60);
                self.tell(elapsed);
            }
        }
        footprints
    }

    fn happen(&mut self) {
        let what = self.events.happen(&self.stay, &mut self.random);
        if let Some(what) = what {
            *self.happened.entry(what).or_default() += 1;
        }
    }

    fn come_and_go(&mut self) {
        let now = Instant::now();
        let (gone, guests) = std::mem::take(&mut self.guests)
            .into_iter()
            .partition(|it: &Guest| it.ends < now);
        self.guests = guests;
        for mut guest in gone {
            let told = guest.stream.stop(guest.drains);
            self.close("guests", guest.stream, told);
        }
        if self.guests.len() < MOST_GUESTS && self.random.chance(0.1) {
            let kind = if self.random.chance(0.5) { "video" } else { "sound" };
            let material = if kind == "sound" { &self.sound } else { &self.video };
            self.number += 1;
            let name = format!("guest {} ({kind})", self.number);
            let length = Duration::from_secs_f64(self.random.between(2.0, 20.0));
            self.guests.push(Guest {
                stream: Stream::start(name, material, &switch(kind)),
                ends: now + length,
                drains: self.random.chance(0.5),
            });
        }
    }

    fn hear(&mut self) {
        for stream in &mut self.stay {
            let told = stream.hear();
            let kind = Soak::kind_of(&stream.name);
            self.waiting
                .extend(stream.ledger.take_late().into_iter().map(|it| (kind, it)));
            say(
                &self.started,
                &stream.name,
                told.into_iter().chain(stream.ledger.take_told()),
            );
        }
        for guest in &mut self.guests {
            let told = guest.stream.hear();
            let late = guest.stream.ledger.take_late();
            self.waiting.extend(late.into_iter().map(|it| ("guests", it)));
            let told = told.into_iter().chain(guest.stream.ledger.take_told());
            say(&self.started, &guest.stream.name, told);
        }
        self.judge();
    }

    fn kind_of(name: &str) -> &'static str {
        match name {
            "video" => "video",
            "sound" => "sound",
            _ => "faults",
        }
    }

    /// Says of late frames whether there was a cause.
    fn judge(&mut self) {
        let (now, late) = (Instant::now(), std::mem::take(&mut self.waiting));
        for (kind, it) in late {
            if now < it.left + JUDGED_AFTER {
                self.waiting.push((kind, it));
                continue;
            }
            let stalled = self.sentinels.stalled(it.came, it.left);
            let others = self.sentinels.others(it.left);
            if stalled < it.over && others < OTHERS {
                self.kinds.entry(kind).or_default().without_cause += 1;
                let told = format!(
                    "late without a cause: {:?} over, of {:?}; threads that sleep were kept {stalled:?}, others had {:.0} %",
                    it.over,
                    it.left - it.came,
                    others * 100.0
                );
                say(&self.started, kind, [told]);
            }
        }
    }

    fn close(&mut self, kind: &'static str, stream: Stream, told: Vec<String>) {
        say(
            &self.started,
            &stream.name,
            told.into_iter().chain(stream.ledger.take_told()),
        );
        let late = stream.ledger.take_late();
        self.waiting.extend(late.into_iter().map(|it| (kind, it)));
        let sum = self.kinds.entry(kind).or_default();
        sum.streams += 1;
        sum.counts.add(&stream.ledger.counts());
        sum.swaps += stream.swaps;
        sum.warnings += stream.warnings;
        sum.errors += stream.errors;
    }

    fn end(&mut self) {
        self.events.calm();
        for mut guest in std::mem::take(&mut self.guests) {
            let told = guest.stream.stop(guest.drains);
            self.close("guests", guest.stream, told);
        }
        for mut stream in std::mem::take(&mut self.stay) {
            let told = stream.stop(true);
            self.close(Soak::kind_of(&stream.name), stream, told);
        }
        std::thread::sleep(JUDGED_AFTER);
        self.judge();
    }

    /// A line on how it goes.
    fn tell(&self, elapsed: Duration) {
        let mut counts = Counts::default();
        self.kinds.values().for_each(|it| counts.add(&it.counts));
        let guests = self.guests.iter().map(|it| &it.stream);
        self.stay
            .iter()
            .chain(guests)
            .for_each(|it| counts.add(&it.ledger.counts()));
        let without_cause: u32 = self.kinds.values().map(|it| it.without_cause).sum();
        let footprint = Footprint::now();
        println!(
            "{:6.1} min: {} in, {} lost, {} late, {without_cause} without a cause; {:.1} MiB, {} threads, {} descriptors",
            elapsed.as_secs_f64() / 60.0,
            counts.entered,
            counts.lost,
            counts.late,
            footprint.memory,
            footprint.threads,
            footprint.descriptors
        );
    }
}

fn say(started: &Instant, who: &str, told: impl IntoIterator<Item = String>) {
    for it in told {
        println!("{:8.1} s, {who}: {it}", started.elapsed().as_secs_f64());
    }
}

/// Prints the tables and what follows from them.
fn verdict(
    soak: &Soak,
    footprints: &[(Duration, Footprint)],
    before: Footprint,
    after: Footprint,
) -> std::process::ExitCode {
    println!(
        "\n{:8} {:>7} {:>9} {:>9} {:>6} {:>5} {:>6} {:>6} {:>8} {:>7} {:>7} {:>9} {:>7}",
        "",
        "streams",
        "in",
        "out",
        "start",
        "lost",
        "order",
        "late",
        "no cause",
        "longest",
        "swaps",
        "warnings",
        "errors"
    );
    for (name, kind) in &soak.kinds {
        let it = &kind.counts;
        println!(
            "{name:8} {:>7} {:>9} {:>9} {:>6} {:>5} {:>6} {:>6} {:>8} {:>4} ms {:>7} {:>9} {:>7}",
            kind.streams,
            it.entered,
            it.left,
            it.before_start,
            it.lost,
            it.disordered,
            it.late,
            kind.without_cause,
            it.longest.as_millis(),
            kind.swaps,
            kind.warnings,
            kind.errors
        );
    }
    println!(
        "in and out: buffers (sound leaves in other pieces); start: came before anybody was ready; order: twice or out of order\n"
    );
    for (what, times) in &soak.happened {
        println!("{times:>7} × {what}");
    }

    println!(
        "\n{:>9} {:>11} {:>8} {:>12}",
        "minutes", "memory/MiB", "threads", "descriptors"
    );
    for part in footprints.chunks(footprints.len().div_ceil(ROWS).max(1)) {
        let median =
            |of: fn(&Footprint) -> f64| quantile::median(part.iter().map(|it| of(&it.1))).unwrap_or(f64::NAN);
        let until = part.last().map_or(0.0, |it| it.0.as_secs_f64() / 60.0);
        println!(
            "{until:>9.1} {:>11.1} {:>8} {:>12}",
            median(|it| it.memory),
            median(|it| it.threads as f64),
            median(|it| it.descriptors as f64)
        );
    }
    println!(
        "medians up to then; before the first stream {} threads and {} descriptors, after the last one {} and {}\n",
        before.threads, before.descriptors, after.threads, after.descriptors
    );

    if before.descriptors < after.descriptors {
        println!(
            "descriptors that are open: {}\n",
            machine::descriptors().collect::<Vec<_>>().join(", ")
        );
    }
    let mut faults = Vec::new();
    let mut fault = |number: f64, most: f64, what: &str| {
        if most < number || number.is_nan() {
            faults.push(format!("{number} {what}"));
        }
    };
    let sum = |of: fn(&Kind) -> u64| soak.kinds.values().map(of).sum::<u64>() as f64;
    fault(sum(|it| it.counts.lost), 0.0, "lost");
    fault(sum(|it| it.counts.disordered), 0.0, "out of order");
    fault(sum(|it| it.without_cause.into()), 0.0, "late without a cause");
    fault(sum(|it| it.errors.into()), 0.0, "errors of streams");
    fault(after.threads as f64 - before.threads as f64, 0.0, "threads left");
    fault(
        after.descriptors as f64 - before.descriptors as f64,
        0.0,
        "descriptors left",
    );
    let warm: Vec<f64> = footprints
        .iter()
        .filter(|it| WARM_UP < it.0)
        .map(|it| it.1.memory)
        .collect();
    let quarter = warm.len() / 4;
    if quarter < 10 {
        println!("memory: not compared, for that a run of a quarter of an hour is needed");
    } else {
        let [first, last] = [&warm[..quarter], &warm[warm.len() - quarter / 2..]]
            .map(|it| quantile::median(it.iter().copied()).unwrap_or(f64::NAN));
        println!(
            "memory: {last:.1} MiB in the last eighth, {first:.1} in the first quarter: {:.4}",
            last / first
        );
        fault(last / first, MOST_GROWTH, "times the memory of the first quarter");
    }
    match faults.as_slice() {
        [] => {
            println!("verdict: held");
            std::process::ExitCode::SUCCESS
        }
        faults => {
            println!("verdict: not held: {}", faults.join(", "));
            std::process::ExitCode::FAILURE
        }
    }
}
