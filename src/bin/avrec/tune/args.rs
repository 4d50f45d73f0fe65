// SPDX-License-Identifier: MPL-2.0

//! The command line of `avrec tune`.

use std::path::PathBuf;

use clap::Args;

/// Fit the last layer of a model to your material, and write a new file if that is a gain
///
/// Clips are halved: the layer is fitted on the first half, and what is gained is measured on the second one. A model that
/// restores learns from the material itself, made worse; others from a better model (--teacher) or labels.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0    a new model was written
  1    the model cannot be loaded or run
  2    usage: an option, a file or the model is unsuitable; nothing was written
  3    a gain, but the new model could not be written
  4    no gain: nothing was written

Example:
  avrec tune models/medium.onnx --on clip.mp4")]
pub struct TuneArgs {
    /// The model, or a catalog with --candidate
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,

    /// The model is a catalog or library, and this candidate of it is meant; the new model gets an entry there
    #[arg(long, value_name = "NAME")]
    pub candidate: Option<String>,

    /// Clip, sound, picture or folder of these (repeatable)
    #[arg(long = "on", value_name = "PATH", num_args = 1.., required = true)]
    pub material: Vec<PathBuf>,

    /// Learn from the answers of this model
    #[arg(long, value_name = "MODEL")]
    pub teacher: Option<PathBuf>,

    /// What is right: COCO or YOLO boxes, folders a class, CSV; with --teacher they only measure
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,

    /// Where the new model goes; else MODEL-tuned.onnx beside the model
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Of a classifier fit one temperature only: confidences that mean what they say, and the same classes
    #[arg(long)]
    pub calibrate: bool,

    /// Measure the model in int8 and float16 too, and write the faster one if it is hardly worse
    #[arg(long)]
    pub variants: bool,

    /// Set a property of avrec-infer, such as input-range=0,255 (repeatable)
    #[arg(long = "set", value_name = "PROPERTY=VALUE")]
    pub settings: Vec<String>,

    /// Frames of each clip that are used, about
    #[arg(long, value_name = "N", default_value_t = 160, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub frames: u32,

    /// Seed of what is drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Write the new model also where it is no gain, to look at it
    #[arg(long, hide = true)]
    pub anyway: bool,

    /// Learn from shuffled targets, which must be refused: a check of this command
    #[arg(long, hide = true)]
    pub shuffle: bool,
}
