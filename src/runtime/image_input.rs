// SPDX-License-Identifier: MPL-2.0

//! How a picture goes in: order of colors, range, layout, size and how a frame is laid into it, each with who says it.
//!
//! The first who says a thing is believed: a property, the `.modelinfo`, the file's own metadata, the companion
//! `preprocessor_config.json`, the shape, and last what is usual. Families are recognized later, by the outputs.

use std::collections::BTreeMap;
use std::path::Path;

use super::image_axes::{self, Found, Wish};
use super::image_values::{default_range, goes_with, other_fit, other_layout, other_range, spread};
use super::input_text::{self, ranges_line};
use super::modelinfo::{PictureLines, TensorSection, dims_line};
use super::preprocessor::{self, Preprocessor};
use super::{Error, FrameLaying, ImageOptions, Origin, Statement};
use crate::tensor::{Channels, Dim, ElementType, ImageSpec, InputSize, TensorInfo};

/// Keys of statements, which are the names of properties.
pub(super) const ORDER: &str = "channel-order";
pub(super) const RANGE: &str = "input-range";
pub(super) const LAYOUT: &str = "input-layout";
pub(super) const SIZE: &str = "input-size";

/// All that is said of an input for pictures.
pub(super) struct Said<'a> {
    pub path: &'a Path,
    pub input: &'a TensorInfo,
    pub section: Option<&'a TensorSection>,
    pub metadata: &'a BTreeMap<String, String>,
    pub companion: Option<&'a Preprocessor>,
    pub options: &'a ImageOptions,
}

/// How a picture goes in, and from whom that is known.
#[derive(Debug)]
pub(super) struct ImageInput {
    pub spec: ImageSpec,
    pub laying: FrameLaying,
    pub statements: Vec<Statement>,
}

/// The size where it is fixed, else how the frame makes it; neither where nobody says it.
#[derive(Debug, Default)]
struct SaidSize {
    fixed: Option<(usize, usize)>,
    laid: Option<InputSize>,
    statement: Option<Statement>,
}

/// Something with who said it.
type Sourced<T> = Option<(T, Origin)>;

/// Metadata that exporters of YOLO models of Ultralytics leave.
const ULTRALYTICS: &str = "the keys of Ultralytics";

impl Said<'_> {
    /// Describes the input, or says what is missing, what contradicts the model, and what to write.
    pub(super) fn read(&self) -> Result<ImageInput, Error> {
        let lines = self.section.map(|it| &it.picture);
        let wish = Wish {
            layout: self.options.layout.or(lines.and_then(|it| it.layout)),
            order: (self.options.order)
                .or(lines.and_then(|it| it.order))
                // Exports of transformers leave even the channels open.
                .or(self.companion.map(|it| it.order)),
        };
        let found = image_axes::find(self.path, self.input, wish)?;
        let (channels, order) = self.order(&found, lines)?;
        let (ranges, range) = self.ranges(channels, lines)?;
        let said_size = self.size(&found, lines)?;
        let layout = self.layout(&found, lines);
        let spec = ImageSpec {
            layout: found.axes.layout,
            channels,
            element_type: self.input.element_type,
            size: said_size.fixed,
            ranges,
        };
        let from_companion = |it: &Preprocessor| it.fit;
        let laying = FrameLaying {
            fit: lines
                .and_then(|it| it.fit)
                .or(self.companion.and_then(from_companion)),
            padding: lines.and_then(|it| it.padding),
            size: said_size.laid,
            grid: None,
        };
        let statements = [Some(order), Some(range), layout, said_size.statement];
        let statements = statements
            .into_iter()
            .flatten()
            .chain(self.of_laying(lines))
            .collect();
        Ok(ImageInput {
            spec,
            laying,
            statements,
        })
    }

    fn statement(
        &self,
        key: &'static str,
        value: impl Into<String>,
        origin: Origin,
        line: &str,
    ) -> Statement {
        Statement {
            tensor: self.input.name.clone(),
            key,
            value: value.into(),
            origin,
            line: line.into(),
        }
    }

    fn order(&self, found: &Found, lines: Option<&PictureLines>) -> Result<(Channels, Statement), Error> {
        let asked = self.options.order.map(|it| (it, Origin::Asked));
        let told = lines.and_then(|it| it.order).map(|it| (it, Origin::ModelInfo));
        if let Some((order, _)) = asked
            .clone()
            .or(told.clone())
            .filter(|it| it.0.count() != found.count)
        {
            let (name, line) = (&self.input.name, dims_line(&self.input.dims));
            let cause = format!(
                "channel-order={} is for {} channel(s), and input '{name}' ({line}) has {}",
                order.name(),
                order.count(),
                found.count
            );
            let usual = if found.count == 1 { "gray" } else { "rgb or bgr" };
            return Err(Error::unsuitable(
                self.path,
                cause,
                format!("set channel-order={usual}"),
            ));
        }
        let fits = |it: &(Channels, Origin)| it.0.count() == found.count;
        let companion = self.companion.map(|it| it.order);
        let companion = companion.map(|it| (it, Origin::File(preprocessor::NAME.into())));
        let gray = (found.count == 1).then_some((Channels::Luma, Origin::Shape));
        let said = [
            asked,
            told,
            self.pixel_format(),
            companion,
            gray,
            self.ultralytics(Channels::Rgb),
        ];
        let (order, origin) = said
            .into_iter()
            .flatten()
            .find(fits)
            .unwrap_or((Channels::Rgb, Origin::Assumed));
        let line = match order {
            Channels::Luma => "",
            Channels::Rgb => "channel-order=bgr",
            Channels::Bgr => "channel-order=rgb",
        };
        Ok((order, self.statement(ORDER, order.name(), origin, line)))
    }

    /// The image metadata that ONNX defines ("Model Metadata for image inputs").
    fn pixel_format(&self) -> Sourced<Channels> {
        let key = "Image.BitmapPixelFormat";
        let format = self.metadata.get(key)?.trim();
        let order = [
            ("Gray", Channels::Luma),
            ("Rgb", Channels::Rgb),
            ("Bgr", Channels::Bgr),
        ];
        let order = order.into_iter().find(|(name, _)| format.starts_with(name))?;
        Some((order.1, Origin::File(key.into())))
    }

    /// What holds for all models whose metadata Ultralytics' exporter wrote.
    fn ultralytics<T>(&self, value: T) -> Sourced<T> {
        let has = |key: &str| self.metadata.contains_key(key);
        let is_theirs = has("task") && has("names") && has("stride");
        let is_author = self.metadata.get("author").is_some_and(|it| it == "Ultralytics");
        (is_theirs || is_author).then(|| (value, Origin::File(ULTRALYTICS.into())))
    }

    fn ranges(
        &self,
        channels: Channels,
        lines: Option<&PictureLines>,
    ) -> Result<(Vec<(f32, f32)>, Statement), Error> {
        let described = self.section.and_then(|it| it.ranges.clone());
        let described = described.or(lines.and_then(|it| it.normalized.clone()));
        let told = described.map(|it| (it, Origin::ModelInfo));
        if let Some((ranges, origin)) = self.asked_ranges(channels)?.or(told) {
            self.check_ranges(&ranges)?;
            let ranges = spread(self.path, &self.input.name, ranges, channels)?;
            let statement = self.range_statement(&ranges, origin);
            return Ok((ranges, statement));
        }
        let is_byte = self.input.element_type == ElementType::U8;
        let companion = self.companion.and_then(|it| it.ranges.clone());
        let companion = companion.map(|it| (it, Origin::File(preprocessor::NAME.into())));
        // A model on bytes has its normalization inside, whatever its companion says.
        let companion = companion.filter(|_| !is_byte);
        let byte = is_byte.then(|| (vec![(0.0, 255.0)], Origin::Shape));
        let fits = |it: &(Vec<(f32, f32)>, Origin)| it.0.len() == 1 || it.0.len() == channels.count();
        let said = [
            self.nominal_range(),
            companion,
            byte,
            self.ultralytics(vec![(0.0, 1.0)]),
        ];
        let said = said.into_iter().flatten().find(fits);
        let usual = vec![default_range(self.input.element_type)];
        let (ranges, origin) = said.unwrap_or((usual, Origin::Assumed));
        let ranges = spread(self.path, &self.input.name, ranges, channels)?;
        let statement = self.range_statement(&ranges, origin);
        Ok((ranges, statement))
    }

    fn range_statement(&self, ranges: &[(f32, f32)], origin: Origin) -> Statement {
        self.statement(RANGE, ranges_line(ranges), origin, other_range(ranges))
    }

    /// The range by the properties, of which one says it.
    fn asked_ranges(&self, channels: Channels) -> Result<Sourced<Vec<(f32, f32)>>, Error> {
        let ImageOptions {
            range,
            mean,
            deviation,
            ..
        } = self.options;
        let fault = |key, value: &str, cause: &str, remedy: &str| Error::Setting {
            key,
            value: value.into(),
            cause: cause.into(),
            remedy: remedy.into(),
        };
        let wanted = channels.count();
        let check_count = |key, text: &str, what: &str, count: usize| match count == 1 || count == wanted {
            true => Ok(()),
            false => {
                let cause = format!("has {count} {what}s, and the model has {wanted} channel(s)");
                let remedy = format!("write one {what}, or one for each channel");
                Err(fault(key, text, &cause, &remedy))
            }
        };
        let numbers = |key, text: &str| match text.trim() {
            "" => Ok(None),
            text => {
                let numbers = input_text::numbers(text).ok_or_else(|| {
                    let remedy =
                        "write a number, or one for each channel with commas, such as 0.485,0.456,0.406";
                    fault(key, text, "is not understood", remedy)
                })?;
                check_count(key, text, "number", numbers.len()).map(|()| Some(numbers))
            }
        };
        let (means, deviations) = (numbers("input-mean", mean)?, numbers("input-std", deviation)?);
        let is_normalized = means.is_some() || deviations.is_some();
        if !range.trim().is_empty() {
            if is_normalized {
                let remedy = "leave one of them out";
                return Err(fault(
                    RANGE,
                    range,
                    "says the same as input-mean and input-std",
                    remedy,
                ));
            }
            let remedy = "write the values of black and white, such as 0,255, or a pair for each channel with semicolons";
            let ranges = input_text::ranges(range);
            let ranges = ranges.ok_or_else(|| fault(RANGE, range, "is not understood", remedy))?;
            check_count(RANGE, range, "pair", ranges.len())?;
            return Ok(Some((ranges, Origin::Asked)));
        }
        if !is_normalized {
            return Ok(None);
        }
        let ranges = input_text::normalized(means.as_deref(), deviations.as_deref());
        let (key, value) = if deviation.is_empty() {
            ("input-mean", mean)
        } else {
            ("input-std", deviation)
        };
        let ranges = ranges.map_err(|remedy| fault(key, value, "cannot be used", &remedy))?;
        Ok(Some((ranges, Origin::Asked)))
    }

    /// Refuses values that the input's type cannot hold.
    fn check_ranges(&self, ranges: &[(f32, f32)]) -> Result<(), Error> {
        let holds = |it: &f32| (0.0..=255.0).contains(it);
        let fits = ranges.iter().all(|(black, white)| holds(black) && holds(white));
        if self.input.element_type != ElementType::U8 || fits {
            return Ok(());
        }
        let (name, line) = (&self.input.name, ranges_line(ranges));
        let cause = format!("input '{name}' is uint8, which cannot hold the range {line}");
        Err(Error::unsuitable(
            self.path,
            cause,
            "set input-range=0,255 or leave range, mean and deviation out",
        ))
    }

    fn nominal_range(&self) -> Sourced<Vec<(f32, f32)>> {
        let key = "Image.NominalPixelRange";
        let range = match self.metadata.get(key)?.trim() {
            "NominalRange_0_255" => (0.0, 255.0),
            "Normalized_0_1" => (0.0, 1.0),
            "Normalized_1_1" => (-1.0, 1.0),
            "NominalRange_16_235" => (16.0, 235.0),
            _ => return None,
        };
        Some((vec![range], Origin::File(key.into())))
    }

    /// Told only where it was a question.
    fn layout(&self, found: &Found, lines: Option<&PictureLines>) -> Option<Statement> {
        let layout = found.axes.layout;
        let (origin, line) = if self.options.layout.is_some() {
            (Origin::Asked, other_layout(layout))
        } else if lines.is_some_and(|it| it.layout.is_some()) {
            (Origin::ModelInfo, other_layout(layout))
        } else if found.is_shaped {
            (Origin::Shape, "")
        } else if self.companion.is_some() {
            (Origin::File(preprocessor::NAME.into()), other_layout(layout))
        } else {
            (Origin::Assumed, other_layout(layout))
        };
        (2 < found.axes.rank).then(|| self.statement(LAYOUT, layout.name(), origin, line))
    }

    /// The size where it is fixed, how the frame makes it where it is not, and who says that.
    fn size(&self, found: &Found, lines: Option<&PictureLines>) -> Result<SaidSize, Error> {
        let asked = match self.options.size.trim() {
            "" | "auto" => None,
            text => Some(input_text::size(text).ok_or_else(|| Error::Setting {
                key: SIZE,
                value: text.into(),
                cause: "is not understood".into(),
                remedy: "write auto, WxH, frame or grid:N, such as 640x480".into(),
            })?),
        };
        let told = lines.and_then(|it| it.size).map(|it| (it, Origin::ModelInfo));
        let said = asked.map(|it| (it, Origin::Asked)).or(told);
        let side = |dim: &Dim| match dim {
            Dim::Fixed(side) => Some(*side),
            Dim::Dynamic(_) => None,
        };
        let (width, height) = (side(&found.width), side(&found.height));
        if let Some((size, _)) = said.as_ref().filter(|(size, _)| !goes_with(*size, width, height)) {
            let (name, line) = (&self.input.name, dims_line(&self.input.dims));
            let cause =
                format!("input-size={size} goes against input '{name}' ({line}), whose size is fixed");
            return Err(Error::unsuitable(self.path, cause, "set input-size=auto"));
        }
        let companion = self.companion.and_then(|it| it.size);
        let companion = companion.filter(|it| goes_with(*it, width, height));
        let companion = companion.map(|it| (it, Origin::File(preprocessor::NAME.into())));
        let shaped =
            (width.is_some() || height.is_some()).then_some((InputSize::Sides(width, height), Origin::Shape));
        let Some((size, origin)) = said
            .or(shaped.clone().filter(|_| width.is_some() && height.is_some()))
            .or(companion)
            .or(shaped)
        else {
            return Ok(SaidSize::default());
        };
        let line = if origin == Origin::Shape {
            ""
        } else {
            "input-size=auto"
        };
        let statement = self.statement(SIZE, size.to_string(), origin, line);
        let fixed = match size {
            InputSize::Sides(Some(width), Some(height)) => Some((width, height)),
            _ => None,
        };
        Ok(SaidSize {
            fixed,
            laid: fixed.is_none().then_some(size),
            statement: Some(statement),
        })
    }

    /// What is said of how frames are laid into the input; the element decides the rest.
    fn of_laying(&self, lines: Option<&PictureLines>) -> impl Iterator<Item = Statement> + use<> {
        let fit = lines.and_then(|it| it.fit).map(|it| (it, Origin::ModelInfo));
        let companion = self.companion.and_then(|it| it.fit);
        let fit = fit.or(companion.map(|it| (it, Origin::File(preprocessor::NAME.into()))));
        let fit = fit.map(|(fit, origin)| self.statement("fit", fit.name(), origin, other_fit(fit)));
        let padding = lines.and_then(|it| it.padding);
        let padding =
            padding.map(|it| self.statement("padding", it.to_string(), Origin::ModelInfo, "padding=0"));
        fit.into_iter().chain(padding)
    }
}
