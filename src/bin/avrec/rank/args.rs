// SPDX-License-Identifier: MPL-2.0

//! The command line of `avrec rank`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use gstavrec::library::conditions::Conditions;
use gstavrec::policy::{Config, Strategy};
use gstavrec::profile::{Profile, Weights};
use gstavrec::runtime::Task;

use crate::conditions::ConditionArgs;
use crate::paths::check_folder;

/// Measure models on material, and say which belong in the set
///
/// All models meet the same frames, drawn from all scenes, in processes of their own; those that cannot win any more stop
/// early. Without labels models are compared with a reference, or pictures are made smaller and restored, and the table
/// says which.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0    ranked
  1    no model could be measured, or none is ever right
  2    usage: an option, the library, the material or the labels are wrong; nothing was run
  3    ranked, but a file could not be written whole
  130  stopped by an interrupt; what was measured is kept, and the same command goes on there

Example:
  avrec rank models/upscale.toml --on clip.mp4 --report rank.html --write best.toml")]
pub struct RankArgs {
    /// A library or catalog (TOML), or a folder of ONNX files
    #[arg(value_name = "LIBRARY")]
    pub library: PathBuf,

    /// Clip, sound, picture or folder of these (repeatable)
    #[arg(long = "on", value_name = "PATH", num_args = 1.., required_unless_present_any = ["live", "hard_frames"])]
    named: Vec<PathBuf>,

    /// The same for a folder of hard frames that a switch kept (keep-hard-frames)
    #[arg(long = "from", value_name = "FOLDER")]
    hard_frames: Option<PathBuf>,

    /// Tell which priors did not hold in a log of `avrec run --log`
    #[arg(long, value_name = "LOG")]
    pub from_log: Option<PathBuf>,

    /// Rank on a live source, as a launch description up to its raw video, such as v4l2src
    #[arg(long, value_name = "LAUNCH-DESCRIPTION")]
    pub live: Option<String>,

    /// Seconds for which the live source is watched
    #[arg(long = "for", value_name = "SECONDS", default_value = "60", value_parser = positive)]
    pub watched: f64,

    /// What is right: COCO or YOLO boxes, folders a class, CSV, masks, reference files, RTTM or Audacity labels, texts
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,

    /// Compare with this model's answers; else the library's reference, else the best prior's
    #[arg(long, value_name = "NAME", conflicts_with = "labels")]
    pub reference: Option<String>,

    /// Change the material before the models meet it, and compare with the material itself: such as gaussian-noise:2
    #[arg(long, value_name = "NAME[:STRENGTH]", conflicts_with_all = ["labels", "reference"])]
    pub degrade: Option<String>,

    /// Size of the frames as the models will meet them in your stream; else that of the material
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub size: Option<(u32, u32)>,

    /// Rank the models of this task only
    #[arg(long, value_parser = task, value_name = "TASK")]
    pub task: Option<Task>,

    /// Time that a frame may take, in milliseconds; else that of the material, 40 for pictures
    #[arg(long, value_name = "MS", value_parser = positive)]
    pub budget_ms: Option<f64>,

    /// What weighs how much: quality, latency, cost, robustness, or a measure of the task by its name
    #[arg(long, value_name = "NAME=WEIGHT,…", value_parser = preferences)]
    prefer: Option<Weights>,

    /// A file with weights, conditions and whom not to use (docs/library.md); options count before it
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,

    /// What a latency of a whole budget costs, in log-quality; else by the weights, else 0.002
    #[arg(long, value_name = "WEIGHT", value_parser = not_negative)]
    lambda_latency: Option<f64>,

    /// What a unit of the library's cost costs, in log-quality; else by the weights, else 0
    #[arg(long, value_name = "WEIGHT", value_parser = not_negative)]
    lambda_cost: Option<f64>,

    /// How one number is made of several measures: weighted, rank
    #[arg(long, value_name = "NAME")]
    strategy: Option<Strategy>,

    /// Frames, or stretches of sound, that are drawn at most
    #[arg(long, value_name = "N", default_value_t = 240, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub items: u32,

    /// Run every model on every item, also those that cannot win any more
    #[arg(long)]
    pub full: bool,

    /// Seed of what is drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Measure what noise, blur, weather and coding take from the answers, too
    #[arg(long)]
    pub robustness: bool,

    /// Search for small changes of pictures that make answers wrong, with so many runs a picture
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub adversarial: Option<u32>,

    /// Fit how the best model and the best of these sound models answer together about the same clips
    #[arg(long, value_name = "LIBRARY", requires = "labels")]
    pub fuse: Option<PathBuf>,

    /// Write what was fitted to FILE, for avrec-fuse
    #[arg(long, value_name = "FILE", requires = "fuse")]
    pub write_fusion: Option<PathBuf>,

    /// Write all figures to FILE as JSON (`-` = to stdout)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a self-contained HTML report to FILE
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Write the recommended set with its figures to FILE, a catalog for avrec-switch
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,

    /// Where answers are kept that were measured, so that nothing runs twice; else avrec/rank in the user's cache
    #[arg(long, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,

    /// Measure all anew
    #[arg(long)]
    pub no_cache: bool,

    /// MiB of memory that the process of one model may take
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(64..))]
    pub worker_memory: u64,

    /// Seconds that a model may take for one item, and to load
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = positive)]
    pub patience: f64,

    /// Print nothing but the result
    #[arg(long, short)]
    pub quiet: bool,

    #[command(flatten)]
    conditions: ConditionArgs,
}

/// What weighs how much, and who counts at all.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Of measures, by their names.
    pub measures: Vec<(String, f64)>,
    pub lambda_latency: f64,
    pub lambda_cost: f64,
    /// Share of the material that is taken to be damaged, 0 to 1.
    pub robustness: f64,
    pub strategy: Strategy,
    pub conditions: Conditions,
}

impl RankArgs {
    /// What is wrong beyond what each option says for itself.
    pub fn check(&self) -> Result<(), String> {
        let files = [
            ("--json", &self.json),
            ("--report", &self.report),
            ("--write", &self.write),
            ("--write-fusion", &self.write_fusion),
        ];
        for (position, (option, path)) in files.iter().enumerate() {
            let Some(path) = path.as_ref().filter(|it| it.as_os_str() != "-") else {
                continue;
            };
            check_folder(path).map_err(|cause| format!("{option}: {cause}"))?;
            if let Some((other, _)) = files.iter().take(position).find(|it| it.1.as_ref() == Some(path)) {
                return Err(format!("{other} and {option} name the same file"));
            }
        }
        if self.write.as_ref() == Some(&self.library) {
            return Err("--write would overwrite the library; name another file".into());
        }
        Ok(())
    }

    /// Files and folders to rank on.
    pub fn material(&self) -> Vec<PathBuf> {
        self.named.iter().chain(&self.hard_frames).cloned().collect()
    }

    /// What counts, of options first and then of the profile.
    pub fn wishes(&self) -> Result<Wishes, String> {
        let profile = self.profile.as_deref().map(Profile::load).transpose();
        let profile = profile.map_err(|err| err.to_string())?.unwrap_or_default();
        let said = self.prefer.clone().unwrap_or_default();
        let mut weights = Weights {
            quality: said.quality.or(profile.weights.quality),
            latency: said.latency.or(profile.weights.latency),
            cost: said.cost.or(profile.weights.cost),
            robustness: said.robustness.or(profile.weights.robustness),
            measures: said.measures,
        };
        if weights.measures.is_empty() {
            weights.measures = profile.weights.measures;
        }
        let usual = Config::default();
        let strategy = self.strategy.or(profile.strategy.map(|it| match it {
            gstavrec::profile::Strategy::Weighted => Strategy::Weighted,
            gstavrec::profile::Strategy::Rank => Strategy::Rank,
        }));
        Ok(Wishes {
            lambda_latency: self
                .lambda_latency
                .or(weights.lambda_latency())
                .unwrap_or(usual.lambda_latency),
            lambda_cost: self
                .lambda_cost
                .or(weights.lambda_cost())
                .unwrap_or(usual.lambda_complexity),
            robustness: weights.robustness_weight().unwrap_or(0.0),
            measures: weights.measures.into_iter().collect(),
            strategy: strategy.unwrap_or_default(),
            conditions: Conditions::from(self.conditions.clone()).or(&profile.conditions),
        })
    }

    pub fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience.min(1e6))
    }
}

fn preferences(text: &str) -> Result<Weights, String> {
    let mut weights = Weights::default();
    for part in text.split(',').filter(|it| !it.trim().is_empty()) {
        let wrong = || format!("'{part}' is not NAME=WEIGHT with a weight of 0 or more, such as quality=2");
        let (name, weight) = part.split_once('=').ok_or_else(wrong)?;
        let weight = not_negative(weight.trim()).map_err(|_| wrong())?;
        match name.trim() {
            "quality" if weight == 0.0 => {
                return Err("quality weighs nothing; without it there is nothing to choose".into());
            }
            "quality" => weights.quality = Some(weight),
            "latency" => weights.latency = Some(weight),
            "cost" => weights.cost = Some(weight),
            "robustness" => weights.robustness = Some(weight),
            measure => {
                weights.measures.insert(measure.to_string(), weight);
            }
        }
    }
    Ok(weights)
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text
        .split_once('x')
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let sides = sides.filter(|(width, height)| (2..=16_384).contains(width) && (2..=16_384).contains(height));
    sides.ok_or_else(|| "write a width and a height in pixels, such as 640x360".into())
}

fn task(text: &str) -> Result<Task, String> {
    let known = || Task::ALL.map(|it| it.name()).join(", ");
    Task::named(text).ok_or_else(|| format!("write one of {}", known()))
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|it| it.is_finite() && 0.0 < *it);
    number.ok_or_else(|| "write a number above 0".into())
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|it| it.is_finite() && 0.0 <= *it);
    number.ok_or_else(|| "write a number of 0 or more".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_weights_by_name() {
        let given = preferences("quality=2, latency=0.5,map-50=3").unwrap();
        assert_eq!(given.measures["map-50"], 3.0);
        assert_eq!(
            (given.quality, given.latency, given.cost),
            (Some(2.0), Some(0.5), None)
        );
        for wrong in ["quality", "quality=-1", "latency=much", "quality=0"] {
            assert!(preferences(wrong).is_err(), "{wrong}");
        }
    }
}
