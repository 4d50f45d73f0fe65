// SPDX-License-Identifier: MPL-2.0

//! The process of a worker: one candidate, run on the items that come in.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use gstavrec::answer::{Answer, Detection};
use gstavrec::elements::content::Carried;
use gstavrec::machine::memory::resident;
use gstavrec::media::metas;
use gstavrec::messages::InferStats;
use gstavrec::runtime::Task;

use super::host::{Host, Pass};
use super::wire::{Heard, NamedBox, NamedMask, Outcome, Reply, Request, receive, send};
use crate::failure::Failure;

/// Serves whoever has started this process, until that one goes.
pub fn run() -> Result<(), Failure> {
    let lost = |err: io::Error| Failure::Pipeline(format!("the command is out of reach: {err}"));
    // Nobody waits for this process once the command is gone, not even a model that hangs.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(lost)?;
    let mut stream = UnixStream::from(stdin);
    gst::init().map_err(|err| Failure::Pipeline(format!("GStreamer does not start: {err}")))?;
    gstavrec::plugin_register_static()
        .map_err(|err| Failure::Pipeline(format!("avrec's elements cannot be registered: {err}")))?;
    let memory = resident().unwrap_or_default();
    let mut host = None;
    while let Some((request, bytes)) = receive::<Request>(&mut stream).map_err(lost)? {
        let answered = match (request, &mut host) {
            (Request::Open(source), host) => Host::new(&source).map(|it| {
                let listens = it.listens();
                *host = Some(it);
                (Reply::Opened { listens }, Vec::new())
            }),
            (Request::Run(_), None) => Err("nothing was started".to_string()),
            (Request::Run(item), Some(host)) => {
                let (runs, busy) = (runs(host), processor_time());
                let pass = host.run(&item, &bytes);
                let busy = processor_time().saturating_sub(busy);
                pass.map(|pass| outcome(host, &pass, runs, busy, memory))
            }
        };
        match answered {
            Ok((reply, bytes)) => send(&mut stream, &reply, &[&bytes]),
            Err(cause) => send(&mut stream, &Reply::Failed(cause), &[]),
        }
        .map_err(lost)?;
    }
    Ok(())
}

fn runs(host: &Host) -> u64 {
    host.stats().map_or(0, |it| it.runs)
}

/// What is told of a pass, and the bytes behind it.
fn outcome(host: &mut Host, pass: &Pass, runs: u64, busy: Duration, memory: u64) -> (Reply, Vec<u8>) {
    let stats = host.stats();
    let nanoseconds = |it: Duration| u64::try_from(it.as_nanos()).unwrap_or(u64::MAX);
    let has_run = stats.as_ref().is_none_or(|it| runs < it.runs);
    let task = stats.as_ref().and_then(task);
    let (answer, bytes) = has_run
        .then(|| answer(pass, task))
        .flatten()
        .map_or((None, Vec::new()), |it| (Some(it.0), it.1));
    let outcome = Outcome {
        latencies_ns: pass.answers.iter().map(|it| nanoseconds(it.0)).collect(),
        processor_ns: nanoseconds(busy),
        memory: resident().unwrap_or_default().saturating_sub(memory),
        answer,
        notes: host.notes(),
        task: task.map(|it| it.name().to_string()),
    };
    (Reply::Answered(outcome), bytes)
}

fn task(stats: &InferStats) -> Option<Task> {
    Some(stats.model.as_ref()?.loaded.task)
}

/// What all that came out says: one answer for a frame, and for a stretch of sound all of it.
fn answer(pass: &Pass, task: Option<Task>) -> Option<(Heard, Vec<u8>)> {
    let mut carried = Vec::new();
    for (index, (_, buffer, caps)) in pass.answers.iter().enumerate() {
        let before = pass.pushed.get(index).map(|it| it.as_ref());
        carried.extend(Carried::read(buffer, caps, before));
    }
    let is_sound = |it: &Carried| matches!(it, Carried::Sound(_));
    if 1 < pass.pushed.len() && task != Some(Task::Audio) && !carried.iter().all(is_sound) {
        return over_time(&carried);
    }
    if carried.iter().all(is_sound) && !carried.is_empty() {
        return match task {
            None | Some(Task::Audio) => Some(sound(&carried)),
            // It listened, and found nothing to say.
            Some(task) => said_nothing(task).map(|it| said(&it)),
        };
    }
    match carried.into_iter().next_back()? {
        Carried::Said(answer) => Some(said(&answer)),
        Carried::Pixels(pixels) => match task.and_then(said_nothing) {
            Some(nothing) => Some(said(&nothing)),
            None => {
                let (width, height) = (pixels.luma.width, pixels.luma.height);
                let has_alpha = pixels.alpha.is_some();
                let mut bytes = pixels.luma.samples;
                bytes.extend(pixels.alpha.into_iter().flat_map(|it| it.samples));
                let picture = Heard::Picture {
                    width,
                    height,
                    has_alpha,
                };
                Some((picture, bytes))
            }
        },
        Carried::Sound(_) => None,
    }
}

/// The answer of a model that found nothing, where that is one.
fn said_nothing(task: Task) -> Option<Answer> {
    match task {
        Task::Detect => Some(Answer::Detections(Vec::new())),
        Task::Classify => Some(Answer::Classes(Vec::new())),
        Task::Text => Some(Answer::Text(Default::default())),
        _ => None,
    }
}

/// What was said of the windows of a stretch of sound as one: the mean of scores and of confidences, all text.
fn over_time(carried: &[Carried]) -> Option<(Heard, Vec<u8>)> {
    let answers = || {
        carried.iter().filter_map(|it| match it {
            Carried::Said(answer) => Some(answer),
            _ => None,
        })
    };
    let count = answers().count().max(1) as f32;
    let mean = match answers().next()? {
        Answer::Score(_) => {
            let scores = answers().filter_map(|it| match it {
                Answer::Score(score) => Some(*score),
                _ => None,
            });
            Heard::Score(scores.sum::<f32>() / count)
        }
        Answer::Classes(_) => {
            let mut sums: Vec<(String, f32)> = Vec::new();
            for answer in answers() {
                let Answer::Classes(classes) = answer else {
                    continue;
                };
                for class in classes {
                    let name = metas::label_of_class(class.class);
                    match sums.iter_mut().find(|it| it.0 == name) {
                        Some(sum) => sum.1 += class.confidence,
                        None => sums.push((name.to_string(), class.confidence)),
                    }
                }
            }
            sums.iter_mut().for_each(|it| it.1 /= count);
            sums.sort_by(|one, other| other.1.total_cmp(&one.1));
            Heard::Classes(sums)
        }
        Answer::Text(_) => {
            let texts = answers().filter_map(|it| match it {
                Answer::Text(text) if !text.text.is_empty() => Some(text),
                _ => None,
            });
            let texts: Vec<_> = texts.collect();
            let confidence = texts.iter().map(|it| it.confidence).sum::<f32>() / texts.len().max(1) as f32;
            let text = texts
                .iter()
                .map(|it| it.text.as_str())
                .collect::<Vec<_>>()
                .join(" ");
            Heard::Text { text, confidence }
        }
        other => return Some(said(other)),
    };
    Some((mean, Vec::new()))
}

/// All samples, one channel after the other.
fn sound(carried: &[Carried]) -> (Heard, Vec<u8>) {
    let stretches = || {
        carried.iter().filter_map(|it| match it {
            Carried::Sound(sound) => Some(sound),
            _ => None,
        })
    };
    let first = stretches().next();
    let channels = first.map_or(0, |it| it.channels.len());
    let heard = Heard::Sound {
        rate: first.map_or(0, |it| it.rate),
        channels,
        pts_ns: first.and_then(|it| it.pts).map(gst::ClockTime::nseconds),
    };
    let of = |channel: usize| {
        stretches()
            .filter_map(move |it| it.channels.get(channel))
            .flatten()
    };
    let samples = (0..channels).flat_map(of);
    (heard, samples.flat_map(|it| it.to_le_bytes()).collect())
}

fn said(answer: &Answer) -> (Heard, Vec<u8>) {
    let named = |it: &Detection| NamedBox {
        name: metas::label_of_class(it.class).to_string(),
        confidence: it.confidence,
        region: [it.region.left, it.region.top, it.region.width, it.region.height],
    };
    let heard = match answer {
        Answer::Detections(found) => Heard::Boxes(found.iter().map(named).collect()),
        Answer::Classes(classes) => {
            let pairs = classes
                .iter()
                .map(|it| (metas::label_of_class(it.class).to_string(), it.confidence));
            Heard::Classes(pairs.collect())
        }
        Answer::ClassMap(map) => {
            let (width, height) = (map.width, map.height);
            return (Heard::ClassMap { width, height }, map.classes.clone());
        }
        Answer::Matte(matte) => {
            let (width, height) = (matte.width, matte.height);
            return (Heard::Matte { width, height }, matte.coverage.clone());
        }
        Answer::Instances(found) => {
            let masked = found.iter().map(|it| NamedMask {
                found: named(&it.detection),
                width: it.mask.width,
                height: it.mask.height,
                coverage: it.mask.coverage.clone(),
            });
            Heard::Instances(masked.collect())
        }
        Answer::Score(score) => Heard::Score(*score),
        Answer::Text(text) => Heard::Text {
            text: text.text.clone(),
            confidence: text.confidence,
        },
    };
    (heard, Vec::new())
}

/// Time that the processors gave to this process.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}
