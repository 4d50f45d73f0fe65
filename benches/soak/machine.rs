// SPDX-License-Identifier: MPL-2.0

//! What the machine and the process are like meanwhile: how long threads that only sleep are kept from running, what other
//! programs have of the processors, and how much memory, how many threads and descriptors there are.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a sentinel sleeps.
const PERIOD: Duration = Duration::from_millis(2);
/// A thread that sleeps is woken this much too late on a machine that does nothing else.
const USUAL: Duration = Duration::from_micros(150);
/// How long a stall is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Keeps the calling thread on a processor; where that is not granted it may run anywhere, and sees less.
fn stay_on(processor: usize) {
    // SAFETY: the set is plain data, and the call reads it and nothing else.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}

/// How often it is looked at who had the processors.
const LOOK: Duration = Duration::from_millis(50);
/// The time before a moment that says who had them: the system counts in steps of 10 ms.
const SPAN: Duration = Duration::from_millis(250);

/// Up to a moment: what the processors had nothing to do for, what they did, and what of that was this process.
#[derive(Debug, Clone, Copy)]
struct Use {
    at: Instant,
    idle: Duration,
    busy: Duration,
    own: Duration,
}

impl Use {
    /// proc_stat(5); `None` where the system does not tell.
    fn now() -> Option<Use> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> = line.split_whitespace().filter_map(|it| it.parse().ok()).collect();
        // SAFETY: a question that changes nothing.
        let ticks_per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
        let tick = Duration::from_secs(1) / u32::try_from(ticks_per_second).ok()?;
        // Guests are counted in user and nice already; time that a hypervisor took (`steal`) is others' as well.
        let of = |fields: &[usize]| tick * fields.iter().filter_map(|it| ticks.get(*it)).sum::<u64>() as u32;
        let own = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(Use {
            at: Instant::now(),
            idle: of(&[3, 4]),
            busy: of(&[0, 1, 2, 5, 6, 7]),
            own: Duration::new(own.tv_sec as u64, own.tv_nsec as u32),
        })
    }
}

/// When a sentinel was to run, and when it did.
type Stall = (Instant, Instant);

/// One thread a processor that only sleeps, and takes note of how much too late it is woken.
pub struct Sentinels {
    stalls: Vec<Arc<Mutex<VecDeque<Stall>>>>,
    uses: Arc<Mutex<VecDeque<Use>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Sentinels {
    pub fn start() -> Sentinels {
        let stop = Arc::new(AtomicBool::new(false));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let (mut stalls, mut threads) = (Vec::new(), Vec::new());
        for processor in 0..processors {
            let (own, stop) = (Arc::new(Mutex::new(VecDeque::<Stall>::new())), stop.clone());
            stalls.push(own.clone());
            let sleep = move || {
                stay_on(processor);
                while !stop.load(Ordering::Relaxed) {
                    let due = Instant::now() + PERIOD;
                    std::thread::sleep(PERIOD);
                    let woken = Instant::now();
                    if USUAL < woken - due {
                        let mut stalls = own.lock().expect("the stalls");
                        while stalls.front().is_some_and(|it| REMEMBERED < woken - it.1) {
                            stalls.pop_front();
                        }
                        stalls.push_back((due, woken));
                    }
                }
            };
            let name = format!("sentinel-{processor}");
            let builder = std::thread::Builder::new().name(name);
            threads.push(builder.spawn(sleep).expect("a thread"));
        }
        let uses = Arc::<Mutex<VecDeque<Use>>>::default();
        let (own, asked) = (uses.clone(), stop.clone());
        let look = move || {
            while !asked.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
                let mut uses = own.lock().expect("the uses");
                while uses.front().is_some_and(|it| REMEMBERED < it.at.elapsed()) {
                    uses.pop_front();
                }
                uses.extend(Use::now());
            }
        };
        let builder = std::thread::Builder::new().name("sentinel-use".into());
        threads.push(builder.spawn(look).expect("a thread"));
        Sentinels {
            stalls,
            uses,
            stop,
            threads,
        }
    }

    /// The share of all processors that other programs had before a moment, where next to nothing of them was idle, else 0.
    pub fn others(&self, until: Instant) -> f64 {
        let uses = self.uses.lock().expect("the uses");
        let last = uses.iter().find(|it| until <= it.at).or(uses.back());
        let first = last.and_then(|last| uses.iter().rev().find(|it| it.at + SPAN <= last.at));
        let Some((first, last)) = first.zip(last) else {
            return 0.0;
        };
        let [idle, busy, own] = [
            last.idle.saturating_sub(first.idle),
            last.busy.saturating_sub(first.busy),
            last.own.saturating_sub(first.own),
        ]
        .map(|it| it.as_secs_f64());
        match idle < 0.1 * (idle + busy) {
            true => (busy - own) / (idle + busy),
            false => 0.0,
        }
    }

    /// How long threads were kept from running between two moments, on the processor where that was longest.
    pub fn stalled(&self, from: Instant, to: Instant) -> Duration {
        let of = |stalls: &Arc<Mutex<VecDeque<Stall>>>| {
            let stalls = stalls.lock().expect("the stalls");
            let part = |it: &Stall| it.1.min(to).saturating_duration_since(it.0.max(from));
            stalls.iter().map(part).sum::<Duration>()
        };
        self.stalls.iter().map(of).max().unwrap_or_default()
    }
}

impl Drop for Sentinels {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads
            .drain(..)
            .for_each(|it| it.join().expect("a sentinel"));
    }
}

/// What the process has.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    /// Resident memory in MiB.
    pub memory: f64,
    pub threads: usize,
    pub descriptors: usize,
}

impl Footprint {
    pub fn now() -> Footprint {
        let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
        let number = |name: &str| {
            let line = status.lines().find_map(|it| it.strip_prefix(name));
            let word = line.and_then(|it| it.split_whitespace().next());
            word.and_then(|it| it.parse::<f64>().ok()).unwrap_or(f64::NAN)
        };
        Footprint {
            memory: number("VmRSS:") / 1024.0,
            threads: number("Threads:") as usize,
            descriptors: descriptors().count(),
        }
    }
}

/// What the descriptors of the process lead to.
pub fn descriptors() -> impl Iterator<Item = String> {
    let links = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    links.filter_map(|it| Some(std::fs::read_link(it.path()).ok()?.display().to_string()))
}
