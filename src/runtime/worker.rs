// SPDX-License-Identifier: MPL-2.0

//! Runs a model on a thread of its own, where a run can be left behind: no library can be made to end one at any place.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use super::allowance::Allowance;
use super::backend::Input;
use super::failure::Failure;
use super::left_behind::{self, Ticket};
use super::stop::Stop;
use crate::tensor::Tensor;
use crate::thread_time;

/// What goes through a run and comes back, so that it belongs to whoever has it.
struct Job {
    inputs: Vec<Input>,
    outputs: Vec<Tensor>,
    ticket: Ticket,
    /// Processor time that the thread used for it.
    used: Option<Duration>,
}

type Answer = (Job, Result<(), Failure>);

/// The runs of one user.
pub(super) struct Worker {
    allowance: Arc<Allowance>,
    stop: Stop,
    /// `None` after a run was left behind.
    thread: Option<(SyncSender<Job>, Receiver<Answer>)>,
    /// Empty between runs; kept for its memory.
    places: (Vec<Input>, Vec<Tensor>),
}

impl Worker {
    /// Lets `start` start a thread that works until the worker is gone: it runs the model by `run`.
    ///
    /// Runs count for `allowance` where threads hold it.
    pub(super) fn new<E>(
        allowance: Arc<Allowance>,
        stop: &Stop,
        mut run: impl FnMut(&mut [Input], &mut [Tensor]) -> Result<(), Failure> + Send + 'static,
        start: impl FnOnce(Box<dyn FnOnce() + Send>) -> Result<(), E>,
    ) -> Result<Worker, E> {
        let (jobs, coming) = mpsc::sync_channel::<Job>(1);
        let (sender, answers) = mpsc::sync_channel::<Answer>(1);
        let of_thread = allowance.clone();
        start(Box::new(move || {
            while let Ok(mut job) = coming.recv() {
                of_thread.begin();
                let before = thread_time::now();
                let result = run(&mut job.inputs, &mut job.outputs);
                job.used = thread_time::now().zip(before).map(|(now, before)| now - before);
                let is_waited_for = job.ticket.finish();
                if !is_waited_for || sender.send((job, result)).is_err() {
                    return;
                }
            }
        }))?;
        Ok(Worker {
            allowance,
            stop: stop.clone(),
            thread: Some((jobs, answers)),
            places: Default::default(),
        })
    }

    /// Runs once, as [`Binding::run`](super::backend::Binding::run) does. After a run that was left behind there is no
    /// other.
    pub(super) fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Failure> {
        if self.stop.is_given_up() {
            return Err(Failure::GivenUp);
        }
        let (jobs, answers) = self.thread.as_ref().ok_or("an earlier run was left behind")?;
        let (mut going, mut places) = std::mem::take(&mut self.places);
        going.extend(inputs.iter_mut().map(std::mem::take));
        places.extend(outputs.iter_mut().map(std::mem::take));
        let ticket = Ticket::default();
        let job = Job {
            inputs: going,
            outputs: places,
            used: None,
            ticket: ticket.clone(),
        };
        jobs.send(job)
            .map_err(|_| "the thread that runs the model has ended")?;
        match left_behind::wait(answers, &ticket, &self.allowance, &self.stop) {
            Ok((mut job, result)) => {
                thread_time::charge(job.used.unwrap_or_default());
                let back = inputs.iter_mut().zip(job.inputs.drain(..));
                back.for_each(|(place, it)| *place = it);
                let back = outputs.iter_mut().zip(job.outputs.drain(..));
                back.for_each(|(place, it)| *place = it);
                self.places = (job.inputs, job.outputs);
                result
            }
            Err(failure) => {
                left_behind::end(&self.allowance);
                self.thread = None;
                Err(failure)
            }
        }
    }
}
