// SPDX-License-Identifier: MPL-2.0

//! Measures one model on one item: how good its answer is, and what it took.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gstavrec::machine::processor;
use gstavrec::score::evaluation::{Observation, Remark, Terms, observe};
use gstavrec::score::{Content, Unlike};
use gstavrec::truth::{Classes, ItemKey, Kind, Label, Truth};

use super::answers::{self, Given};
use super::cache::{Cache, ClassNumbers, Entry, digest};
use super::contenders::Contender;
use super::energy::Meter;
use super::material::{Clip, Form, Frame, Frames, Material, Place};
use super::picture;
use super::question::{Change, aligned, item, itself, length, sound_of};
use super::worker::wire::Outcome;
use super::worker::{Job, Limits, Pool};

/// Of what is kept of an item; it grows when that means something else.
const FORM: &str = "2";

/// Answers of the reference that are kept in memory, in bytes.
const KEPT: usize = 256 << 20;

/// What the right answer is.
#[derive(Debug)]
pub enum Question {
    /// What labels say.
    Labels { truth: Box<Truth>, hash: String },
    /// The item itself, of which the models get what is left after a change.
    Restored(Change),
    /// What this model answers.
    Agreement(usize),
}

/// Why nothing was measured.
#[derive(Debug)]
pub enum Fault {
    /// The model is out of it, for this reason.
    Model(String),
    /// Nothing can be measured any more.
    All(String),
}

/// All that is needed to measure.
pub struct Bench {
    pub contenders: Vec<Contender>,
    pub material: Material,
    pub classes: Classes,
    /// Runs that were not found in the cache.
    pub runs: u64,
    /// What was assumed of models and what they warned of, each once: number and sentences.
    pub notes: Vec<(usize, String)>,
    question: Option<Question>,
    frames: Frames,
    /// Files of the right pictures or sounds, where labels name some.
    right: Material,
    right_frames: Frames,
    right_places: HashMap<PathBuf, usize>,
    numbers: ClassNumbers,
    caches: BTreeMap<usize, Cache>,
    folder: Option<PathBuf>,
    workers: Pool,
    reference_answers: HashMap<Place, Given>,
    kept: usize,
    size: Option<(u32, u32)>,
    meter: Meter,
}

/// Where a bench puts things, and what it allows.
pub struct Setting<'a> {
    /// For answers; `None` where none are kept.
    pub cache: Option<&'a Path>,
    /// For frames.
    pub spool: &'a Path,
    pub limits: Limits,
    /// Of frames as models meet them; that of the material where nobody says one.
    pub size: Option<(u32, u32)>,
}

impl Bench {
    /// One that asks nothing yet: its models can answer, and nothing is compared.
    pub fn new(
        contenders: Vec<Contender>,
        material: Material,
        frames: Frames,
        setting: &Setting,
    ) -> Result<Bench, String> {
        Ok(Bench {
            contenders,
            material,
            question: None,
            classes: Classes::new(),
            runs: 0,
            notes: Vec::new(),
            frames,
            right: Material::default(),
            right_frames: Frames::new(setting.spool)?,
            right_places: HashMap::new(),
            numbers: ClassNumbers::default(),
            caches: BTreeMap::new(),
            folder: setting.cache.map(Path::to_owned),
            workers: Pool::new(setting.limits),
            reference_answers: HashMap::new(),
            kept: 0,
            size: setting.size,
            meter: Meter::default(),
        })
    }

    /// From now on answers are compared with these; `classes` are those of the labels.
    pub fn set_question(&mut self, question: Question, mut classes: Classes) -> Result<(), String> {
        if let Some(folder) = &self.folder {
            let key = question_key(&question, &self.contenders);
            let numbers = ClassNumbers::open(folder, &[&key], &mut classes);
            self.numbers = numbers.map_err(|err| cannot_keep(folder, &err))?;
        }
        self.classes = classes;
        self.caches.clear();
        self.question = Some(question);
        Ok(())
    }

    /// What answers are compared with.
    pub fn question(&self) -> Option<&Question> {
        self.question.as_ref()
    }

    /// Reads these items from their files.
    pub fn read(&mut self, places: &[Place]) -> Result<(), String> {
        self.frames.read(&self.material, places)
    }

    /// What was measured of this model on this item, changed or as it is: before, or now.
    pub fn observe(&mut self, model: usize, place: Place, change: Option<Change>) -> Result<Entry, Fault> {
        let key = self.item_key(place, change.as_ref());
        if let Some(entry) = self.cache(model).map_err(Fault::All)?.get(&key).cloned() {
            entry.notes.iter().for_each(|it| self.note(model, it));
            return Ok(entry);
        }
        let frame = self.base(place).map_err(Fault::All)?;
        let energy = self.meter.read();
        let (outcome, given) = self.ask(model, place, &frame, change.as_ref())?;
        let energy_uj = self.meter.since(energy);
        let observation = self.judge(model, place, &frame, given, change.is_some())?;
        let entry = Entry {
            observation,
            latencies_ns: outcome.latencies_ns,
            processor_ns: outcome.processor_ns,
            memory: outcome.memory,
            energy_uj,
            notes: self.told_by(model),
        };
        let kept = self.cache(model).map_err(Fault::All)?.keep(&key, entry.clone());
        if let Err(err) = kept.and_then(|()| self.numbers.keep(&self.classes)) {
            let folder = self.folder.take().unwrap_or_default();
            let cause = format!("{}; what follows is not kept", cannot_keep(&folder, &err));
            self.note(model, &cause);
        }
        Ok(entry)
    }

    /// How good a model's answer is to any frame in the place of an item.
    pub fn observe_frame(&mut self, model: usize, place: Place, input: &Frame) -> Result<Observation, Fault> {
        let frame = self.base(place).map_err(Fault::All)?;
        let given = self.run(model, place, input)?.1;
        self.judge(model, place, &frame, given, true)
    }

    /// The answer of a model to an item, and what it took, without any comparison.
    pub fn answer(&mut self, model: usize, place: Place) -> Result<Option<Given>, Fault> {
        let frame = self.base(place).map_err(Fault::All)?;
        self.ask(model, place, &frame, None).map(|it| it.1)
    }

    /// The item as the models meet it.
    pub fn input(&self, place: Place, change: Option<&Change>) -> Result<Frame, String> {
        let frame = self.base(place)?;
        self.changed(place, &frame, change)
    }

    /// The item before anything is done to it: where it will be made smaller, so much larger than the stream's size.
    pub fn base(&self, place: Place) -> Result<Frame, String> {
        let frame = self.frames.frame(place)?;
        let (Some((width, height)), true) = (self.size, self.material.clips[place.clip].form != Form::Sound)
        else {
            return Ok(frame);
        };
        let scale = match &self.question {
            Some(Question::Restored(Change::Shrunk(by))) => *by,
            _ => 1.0,
        };
        let larger = |it: u32| (f64::from(it) * scale).round() as u32;
        picture::scaled(&frame, larger(width), larger(height))
    }

    fn changed(&self, place: Place, frame: &Frame, change: Option<&Change>) -> Result<Frame, String> {
        let asked = match &self.question {
            Some(Question::Restored(change)) => Some(change),
            _ => None,
        };
        let mut frame = frame.clone();
        for change in asked.into_iter().chain(change) {
            frame = change.applied(&frame, self.seed(place))?;
        }
        Ok(frame)
    }

    fn ask(
        &mut self,
        model: usize,
        place: Place,
        frame: &Frame,
        change: Option<&Change>,
    ) -> Result<(Outcome, Option<Given>), Fault> {
        let input = self.changed(place, frame, change).map_err(Fault::All)?;
        self.run(model, place, &input)
    }

    /// Runs a model on any frame in the place of an item.
    pub fn run(
        &mut self,
        model: usize,
        place: Place,
        input: &Frame,
    ) -> Result<(Outcome, Option<Given>), Fault> {
        let seen = self.material.seen(place);
        let form = self.material.clips[place.clip].form;
        let item = item(input, form, length(form, seen.duration));
        let contender = &self.contenders[model];
        let job = Job {
            model,
            source: &contender.source,
            memory: contender.candidate.memory,
            listens: form == Form::Sound,
        };
        self.runs += 1;
        let ran = self.workers.run(job, &item, &input.bytes);
        let (mut outcome, bytes) = ran.map_err(Fault::Model)?;
        for note in std::mem::take(&mut outcome.notes) {
            self.note(model, &note);
        }
        let heard = outcome.answer.take();
        let makes = outcome
            .task
            .as_deref()
            .filter(|it| ["image", "audio", "tensor"].contains(it));
        let is_said =
            matches!(&self.question, Some(Question::Labels { truth, .. }) if truth.kind() != Kind::Reference);
        if let Some(task) = makes.filter(|_| is_said) {
            let cause = format!(
                "it is of the task {task}, and the labels are of another; rank models of one task (--task)"
            );
            return Err(Fault::Model(cause));
        }
        let given = heard.and_then(|it| answers::read(it, bytes, &mut self.classes));
        Ok((outcome, given))
    }

    fn note(&mut self, model: usize, text: &str) {
        if !self.notes.iter().any(|it| it.0 == model && it.1 == text) {
            self.notes.push((model, text.to_string()));
        }
    }

    fn told_by(&self, model: usize) -> Vec<String> {
        let own = self.notes.iter().filter(|it| it.0 == model);
        own.map(|it| it.1.clone()).collect()
    }

    /// Lets the worker of a model go.
    pub fn dismiss(&mut self, model: usize) {
        self.workers.dismiss(model);
    }

    /// How good an answer is.
    fn judge(
        &mut self,
        model: usize,
        place: Place,
        frame: &Frame,
        given: Option<Given>,
        is_changed: bool,
    ) -> Result<Observation, Fault> {
        let form = self.material.clips[place.clip].form;
        let (truth, label) = self.right(model, place, frame, given.as_ref(), is_changed)?;
        let void = label.is_some().then_some(u8::MAX);
        let mut remarks = Vec::new();
        if let Some(Label::Objects(objects)) = &label {
            remarks.extend(objects.iter().map(|it| Remark {
                is_ignored: it.crowd || it.difficult,
                area: it.area.map(f64::from),
            }));
        }
        // Areas of objects are in pixels of the material.
        let size = (form != Form::Sound).then_some(self.material.seen(place).size);
        let sized = |it: Content| match size {
            Some(size) => answers::in_pixels(it, size),
            None => it,
        };
        let rate = (form == Form::Sound).then(|| sound_of(&frame.caps).0);
        let late = given.as_ref().and_then(|it| it.sound?.1).unwrap_or(0);
        let (answer, truth) = match (given.map(|it| it.content), truth) {
            (Some(Content::Sound(answer)), Content::Sound(truth)) => {
                let (answer, truth) = aligned(answer, truth, rate.unwrap_or(1), late);
                (Some(answer), truth)
            }
            (Some(answer), truth) => {
                let kind = answer.kind();
                let Some(answer) = answers::in_kind_of(answer, &truth) else {
                    return Err(Fault::Model(unlike(kind, truth.kind())));
                };
                (Some(answer), truth)
            }
            (None, truth) => (None, truth),
        };
        let terms = Terms {
            rate,
            void,
            remarks: &remarks,
        };
        let (answer, truth) = (answer.map(sized), sized(truth));
        observe(answer.as_ref(), &truth, &terms).map_err(|err| match err {
            Unlike::Kinds(answer, truth) => Fault::Model(unlike(answer, truth)),
            Unlike::Nothing => Fault::All("an item says nothing".into()),
        })
    }

    /// What is right on an item, in the form of this answer, and the label that says it.
    fn right(
        &mut self,
        model: usize,
        place: Place,
        frame: &Frame,
        given: Option<&Given>,
        is_changed: bool,
    ) -> Result<(Content, Option<Label>), Fault> {
        let form = self.material.clips[place.clip].form;
        match &self.question {
            None => Err(Fault::All("nothing is asked".into())),
            Some(Question::Labels { .. }) => {
                let label = self.label(place).map_err(Fault::All)?;
                let label = label.ok_or_else(|| Fault::All("an item without a label was drawn".into()))?;
                let right = self.right_answer(&label, place, given).map_err(Fault::All)?;
                Ok((right, Some(label)))
            }
            Some(Question::Restored(_)) => {
                check_size(frame, given)?;
                Ok((self.itself(frame, form, given).map_err(Fault::Model)?, None))
            }
            Some(Question::Agreement(reference)) if *reference == model && !is_changed => {
                let Some(own) = given else {
                    return Err(Fault::All(
                        "the reference gave no answer; name another one with --reference".into(),
                    ));
                };
                self.remember(place, own.clone());
                Ok((own.content.clone(), None))
            }
            Some(Question::Agreement(reference)) => {
                let reference = *reference;
                Ok((self.reference_answer(reference, place)?.content, None))
            }
        }
    }

    /// What is right on an item, as this model would have had to answer.
    pub fn truth(&mut self, model: usize, place: Place, given: Option<&Given>) -> Result<Content, Fault> {
        let frame = self.base(place).map_err(Fault::All)?;
        Ok(self.right(model, place, &frame, given, false)?.0)
    }

    /// What was measured of this model on this item before, if it was.
    pub fn known(&mut self, model: usize, place: Place) -> Option<Entry> {
        let key = self.item_key(place, None);
        self.cache(model).ok()?.get(&key).cloned()
    }

    fn itself(&self, frame: &Frame, form: Form, given: Option<&Given>) -> Result<Content, String> {
        let like = given.map(|it| &it.content);
        let own;
        let like = match like {
            Some(like) => like,
            None => {
                own = Content::Picture(super::question::luma(frame)?);
                &own
            }
        };
        itself(frame, form, like)
    }

    fn reference_answer(&mut self, reference: usize, place: Place) -> Result<Given, Fault> {
        if let Some(known) = self.reference_answers.get(&place) {
            return Ok(known.clone());
        }
        let frame = self.base(place).map_err(Fault::All)?;
        let failed = |fault| match fault {
            Fault::Model(cause) => Fault::All(format!(
                "the reference fails: {cause}; name another one with --reference"
            )),
            all => all,
        };
        let given = self.ask(reference, place, &frame, None).map_err(failed)?.1;
        let given = given.ok_or_else(|| failed(Fault::Model("it gave no answer".into())))?;
        self.remember(place, given.clone());
        Ok(given)
    }

    fn remember(&mut self, place: Place, given: Given) {
        let bytes = match &given.content {
            Content::Picture(plane) | Content::Coverage(plane) => plane.samples.len(),
            Content::Sound(sound) => sound.iter().map(|it| 4 * it.len()).sum(),
            Content::Said(_) => 1 << 10,
        };
        if self.kept + bytes <= KEPT {
            self.kept += bytes;
            self.reference_answers.insert(place, given);
        }
    }

    /// What the labels say of an item.
    pub fn label(&self, place: Place) -> Result<Option<Label>, String> {
        let Some(Question::Labels { truth, .. }) = &self.question else {
            return Ok(None);
        };
        truth
            .of(&item_of(&self.material, place))
            .map_err(|err| err.to_string())
    }

    fn right_answer(
        &mut self,
        label: &Label,
        place: Place,
        given: Option<&Given>,
    ) -> Result<Content, String> {
        if let Label::Reference(path) = label {
            let form = self.material.clips[place.clip].form;
            let clip = match self.right_places.get(path) {
                Some(clip) => *clip,
                None => {
                    let looked = Material::look(std::slice::from_ref(path), form == Form::Sound)?;
                    let clip = self.right.clips.len();
                    self.right.clips.extend(looked.clips);
                    self.right_places.insert(path.clone(), clip);
                    clip
                }
            };
            let right = Place {
                clip,
                index: place.index,
            };
            self.right_frames.read(&self.right, &[right])?;
            let frame = self.right_frames.frame(right);
            let frame =
                frame.map_err(|_| format!("{} is shorter than what it is the truth of", path.display()))?;
            return self.itself(&frame, form, given);
        }
        // A model that says how likely something is, where the labels say when it is.
        if let (Some(Content::Said(gstavrec::answer::Answer::Score(_))), Some(score)) =
            (given.map(|it| &it.content), label.score())
        {
            return Ok(Content::Said(gstavrec::answer::Answer::Score(score)));
        }
        let answer = label.answer().ok_or("a label says nothing")?;
        Ok(Content::Said(answer))
    }

    fn cache(&mut self, model: usize) -> Result<&mut Cache, String> {
        if !self.caches.contains_key(&model) {
            let question = self
                .question
                .as_ref()
                .map_or(String::new(), |it| question_key(it, &self.contenders));
            let contender = &self.contenders[model];
            // Times and memory are those of a machine.
            let machine = format!("{} x {}", processor::count(), processor::name());
            let keys = [
                &contender.key,
                &question,
                &machine,
                env!("CARGO_PKG_VERSION"),
                FORM,
            ];
            let cache = match &self.folder {
                Some(folder) => Cache::open(folder, &keys).map_err(|err| cannot_keep(folder, &err))?,
                None => Cache::forgetful(),
            };
            self.caches.insert(model, cache);
        }
        self.caches
            .get_mut(&model)
            .ok_or_else(|| "a cache is missing".into())
    }

    /// The same changes each time, others on each item, whatever its file is called and stands beside.
    pub fn seed(&self, place: Place) -> u64 {
        let digest = digest(&[&self.material.clips[place.clip].hash, &place.index.to_string()]);
        u64::from_str_radix(&digest[..16], 16).unwrap_or(0)
    }

    fn item_key(&self, place: Place, change: Option<&Change>) -> String {
        let hash = &self.material.clips[place.clip].hash;
        let change = change.map_or(String::new(), |it| format!(" {}", it.told()));
        let size = self
            .size
            .map_or(String::new(), |(width, height)| format!(" {width}x{height}"));
        format!("{hash}#{}{size}{change}", place.index)
    }
}

/// How labels know an item.
pub fn item_of(material: &Material, place: Place) -> ItemKey<'_> {
    let clip: &Clip = &material.clips[place.clip];
    let seen = &clip.seen[place.index];
    ItemKey {
        file: &clip.path,
        time: seen.time,
        duration: length(clip.form, seen.duration),
        frame: place.index as u64,
        size: (clip.form != Form::Sound).then_some(seen.size),
    }
}

fn question_key(question: &Question, contenders: &[Contender]) -> String {
    match question {
        Question::Labels { hash, .. } => digest(&["labels", hash]),
        Question::Restored(change) => digest(&["restored", &change.told()]),
        Question::Agreement(reference) => digest(&["agreement", &contenders[*reference].key]),
    }
}

/// Pictures are compared in one size: what is larger or smaller than what was asked for answers another question.
fn check_size(frame: &Frame, given: Option<&Given>) -> Result<(), Fault> {
    let Some(Content::Picture(plane)) = given.map(|it| &it.content) else {
        return Ok(());
    };
    let (width, height) = picture::size(frame).map_err(Fault::All)?;
    if (plane.width, plane.height) == (width as usize, height as usize) {
        return Ok(());
    }
    Err(Fault::Model(format!(
        "it makes pictures of {}x{}, where {width}x{height} is asked for; say the size of your stream with --size",
        plane.width, plane.height
    )))
}

fn unlike(answer: &str, truth: &str) -> String {
    format!("it answers {answer}, and what is right is {truth}; rank models of one task (--task)")
}

fn cannot_keep(folder: &Path, err: &std::io::Error) -> String {
    format!(
        "answers cannot be kept in {}: {err}; name another folder with --cache",
        folder.display()
    )
}

/// The time in which one buffer has to be answered, if nobody says another.
pub fn period(material: &Material) -> Duration {
    let clip = material.clips.first();
    match clip.map(|it| it.form) {
        Some(Form::Sound) => Duration::from_millis(20),
        Some(Form::Video) => clip
            .and_then(|it| it.seen.first())
            .map_or(Duration::from_millis(40), |it| it.duration),
        _ => Duration::from_millis(40),
    }
}
