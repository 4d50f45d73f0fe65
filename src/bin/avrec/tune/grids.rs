// SPDX-License-Identifier: MPL-2.0

//! The grids of a detector: what its last convolutions see and tell in each cell.

use gstavrec::answer::Region;
use gstavrec::tensor::Tensor;
use gstavrec::tune::cells::{Grid, Proposals, Told, told};
use gstavrec::tune::graph::layer::{Layer, Rows};
use gstavrec::tune::graph::sites;

use super::tapped::{Subject, Tapped, floats};
use crate::failure::Failure;

/// A convolution that tells classes on one grid.
pub struct Site {
    pub layer: Layer,
    /// Row of the convolution and class.
    pub rows: Vec<(usize, usize)>,
    pub width: usize,
    pub height: usize,
    /// The proposal of the first cell.
    pub first: usize,
    /// Places of what it sees and gives among the outputs of a run.
    places: (usize, usize),
}

/// A detector whose grids are known.
pub struct Grids {
    pub sites: Vec<Site>,
    tapped: Tapped,
    /// The output with the proposals.
    output: usize,
    is_corners: bool,
}

impl Grids {
    /// Finds the grids of a detector by running it on one input.
    ///
    /// # Errors
    ///
    /// [`Failure::Usage`] where its classes are not told by last convolutions through a logistic function.
    pub fn find(subject: &Subject, input: &Tensor) -> Result<Grids, Failure> {
        let outputs = subject.file.outputs();
        let found = sites::find(&subject.file, &subject.nodes, &outputs);
        let names: Vec<&str> = found
            .iter()
            .flat_map(|it| [it.layer.input.as_str(), it.layer.output.as_str()])
            .collect();
        let mut tapped = subject.tapped(&names)?;
        let places = names
            .iter()
            .map(|it| tapped.place(it))
            .collect::<Result<Vec<_>, _>>()?;
        let classes = subject.offline.labels().len();
        let unsuitable = || {
            subject.unsuitable(
                &"its classes are not told by a last convolution through a logistic function, as YOLO models have it; \
                  such a detector is not tuned",
            )
        };
        let own = outputs
            .iter()
            .map(|it| tapped.place(it))
            .collect::<Result<Vec<_>, _>>()?;
        let run = tapped.run(input)?;
        let proposals = own.iter().find_map(|place| {
            let tensor = run.get(*place)?;
            let values = floats(tensor)?.into_owned();
            let proposals = Proposals::new(&tensor.dims, &values)?;
            let is_wide = 4 + classes <= proposals.attributes && 0 < classes;
            is_wide.then(|| (*place, tensor.dims.clone(), values.clone()))
        });
        let (output, dims, values) = proposals.ok_or_else(unsuitable)?;
        let proposals = Proposals::new(&dims, &values).ok_or_else(unsuitable)?;
        let mut all = Vec::new();
        for (site, places) in found.into_iter().zip(places.as_chunks::<2>().0) {
            let Some(given) = run.get(places[1]) else { continue };
            let [1, rows, height, width] = given.dims[..] else {
                continue;
            };
            let Some(numbers) = floats(given) else { continue };
            if rows != site.layer.outputs || proposals.count < width * height {
                continue;
            }
            all.push((
                site,
                told(&numbers, width * height, &proposals),
                (width, height),
                (places[0], places[1]),
            ));
        }
        let first_class = first_class(all.iter().flat_map(|it| &it.1), classes, proposals.attributes);
        let is_class = |it: &&Told| (first_class..first_class + classes).contains(&it.attribute);
        let sites: Vec<Site> = all
            .iter()
            .filter_map(|(site, told, (width, height), places)| {
                let rows: Vec<_> = told
                    .iter()
                    .filter(is_class)
                    .map(|it| (it.row, it.attribute - first_class))
                    .collect();
                Some(Site {
                    layer: site.layer.clone(),
                    first: told.iter().find(is_class)?.first,
                    rows,
                    width: *width,
                    height: *height,
                    places: *places,
                })
            })
            .collect();
        if sites.is_empty() {
            return Err(unsuitable());
        }
        let is_corners = subject
            .offline
            .model()
            .metadata
            .get("box-format")
            .is_some_and(|it| it == "xyxy");
        Ok(Grids {
            sites,
            tapped,
            output,
            is_corners,
        })
    }

    /// Width and height of each grid.
    pub fn sizes(&self) -> Vec<(usize, usize)> {
        self.sites.iter().map(|it| (it.width, it.height)).collect()
    }

    /// Runs it, and gives for each site what each cell sees (features, cell after cell) and tells of each class.
    pub fn run(&mut self, input: &Tensor, classes: usize) -> Result<Seen, Failure> {
        let outputs = self.tapped.run(input)?;
        let changed =
            || Failure::Pipeline("the detector's grids changed their size between two frames".to_owned());
        let mut cells = Vec::new();
        for site in &self.sites {
            let (Some(input), Some(output)) = (outputs.get(site.places.0), outputs.get(site.places.1)) else {
                return Err(changed());
            };
            let (Some(seen), Some(given)) = (floats(input), floats(output)) else {
                return Err(changed());
            };
            let count = site.width * site.height;
            let rows = Rows::new(&site.layer, (&input.dims, &seen), &output.dims);
            let rows = rows.filter(|it| it.len() == count).ok_or_else(changed)?;
            let mut features = vec![0.0; count * site.layer.features];
            for (cell, to) in features.chunks_exact_mut(site.layer.features).enumerate() {
                rows.features(cell, to);
            }
            let mut grid = Grid {
                width: site.width,
                height: site.height,
                classes: vec![vec![0.0; count]; classes],
            };
            for (row, class) in &site.rows {
                let line = &given[row * count..][..count];
                grid.classes[*class] = line.iter().map(|it| 1.0 / (1.0 + (-it).exp())).collect();
            }
            cells.push((features, grid));
        }
        let output = outputs.get(self.output).ok_or_else(changed)?;
        let values = floats(output).ok_or_else(changed)?;
        let proposals = Proposals::new(&output.dims, &values).ok_or_else(changed)?;
        let boxes = (0..proposals.count)
            .map(|it| region(&proposals, it, self.is_corners))
            .collect();
        Ok(Seen { cells, boxes })
    }
}

/// What a detector sees and tells of one input.
pub struct Seen {
    /// By site: features of its cells, and what it tells.
    pub cells: Vec<(Vec<f32>, Grid)>,
    /// Of all proposals, in pixels of the input.
    pub boxes: Vec<Region>,
}

/// Which attribute the first class is: after the box, or after a certainty that there is any object.
fn first_class<'a>(told: impl Iterator<Item = &'a Told> + Clone, classes: usize, attributes: usize) -> usize {
    if attributes == 5 + classes {
        return 5;
    }
    let count = |first: usize| {
        told.clone()
            .filter(|it| (first..first + classes).contains(&it.attribute))
            .count()
    };
    if count(5) > count(4) { 5 } else { 4 }
}

/// The box of a proposal in pixels of the input.
fn region(proposals: &Proposals, proposal: usize, is_corners: bool) -> Region {
    let [one, two, three, four] = [0, 1, 2, 3].map(|it| proposals.at(it, proposal));
    match is_corners {
        true => Region {
            left: one,
            top: two,
            width: three - one,
            height: four - two,
        },
        false => Region {
            left: one - three / 2.0,
            top: two - four / 2.0,
            width: three,
            height: four,
        },
    }
}
