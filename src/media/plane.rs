// SPDX-License-Identifier: MPL-2.0

//! Planes of a mapped frame: rows with a stride, checked once so that the loops can trust them.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::Error;
use super::format::Picture;

/// A readable plane; rows are `row` bytes in steps of `stride` bytes.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub data: &'a [u8],
    pub stride: usize,
    pub row: usize,
    pub height: usize,
}

impl<'a> Source<'a> {
    /// A plane without padding.
    pub fn tight(data: &'a [u8], row: usize, height: usize) -> Self {
        Source {
            data,
            stride: row,
            row,
            height,
        }
    }

    pub fn of(
        frame: &'a VideoFrameRef<&gst::BufferRef>,
        index: u32,
        row: usize,
        height: usize,
    ) -> Result<Self, Error> {
        let stride = stride_of(frame.info(), index)?;
        let data = frame.plane_data(index).map_err(|_| Error::Plane(index))?;
        check(data.len(), stride, row, height).ok_or(Error::Plane(index))?;
        Ok(Source {
            data,
            stride,
            row,
            height,
        })
    }

    pub fn rows(&self) -> impl Iterator<Item = &'a [u8]> {
        let row = self.row;
        self.data
            .chunks(self.stride)
            .take(self.height)
            .map(move |line| &line[..row])
    }

    /// One row; empty below the last.
    pub fn line(&self, y: usize) -> &'a [u8] {
        let start = y * self.stride;
        self.data.get(start..start + self.row).unwrap_or_default()
    }

    /// The plane as one slice: its own bytes when it has no padding, else a copy in `scratch`.
    pub fn without_padding<'b>(&self, scratch: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        if self.stride == self.row {
            return &self.data[..self.row * self.height];
        }
        scratch.resize(self.row * self.height, 0);
        for (to, from) in scratch.chunks_exact_mut(self.row).zip(self.rows()) {
            to.copy_from_slice(from);
        }
        scratch
    }
}

/// A writable plane; rows are `row` bytes in steps of `stride` bytes.
pub struct Target<'a> {
    pub data: &'a mut [u8],
    pub stride: usize,
    pub row: usize,
    pub height: usize,
}

impl<'a> Target<'a> {
    pub fn of(
        frame: &'a mut VideoFrameRef<&mut gst::BufferRef>,
        index: u32,
        row: usize,
        height: usize,
    ) -> Result<Self, Error> {
        let stride = stride_of(frame.info(), index)?;
        let data = frame.plane_data_mut(index).map_err(|_| Error::Plane(index))?;
        check(data.len(), stride, row, height).ok_or(Error::Plane(index))?;
        Ok(Target {
            data,
            stride,
            row,
            height,
        })
    }

    /// All planes of a frame at once; those that the format does not have are empty.
    pub fn all(
        frame: &'a mut VideoFrameRef<&mut gst::BufferRef>,
        picture: &Picture,
    ) -> Result<[Self; 3], Error> {
        let info = frame.info().clone();
        let [first, second, third, _] = frame.planes_data_mut();
        let plane = |data: &'a mut [u8], index: u32| {
            let (step, (width, height)) = picture.plane(index as usize).unwrap_or_default();
            let (row, mut stride) = (step * width, 1);
            if 0 < height {
                stride = stride_of(&info, index)?;
                check(data.len(), stride, row, height).ok_or(Error::Plane(index))?;
            }
            Ok::<_, Error>(Target {
                data,
                stride,
                row,
                height,
            })
        };
        Ok([plane(first, 0)?, plane(second, 1)?, plane(third, 2)?])
    }

    /// One row; empty below the last.
    pub fn line(&mut self, y: usize) -> &mut [u8] {
        let start = y * self.stride;
        self.data.get_mut(start..start + self.row).unwrap_or_default()
    }

    pub fn rows(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let row = self.row;
        self.data
            .chunks_mut(self.stride)
            .take(self.height)
            .map(move |line| &mut line[..row])
    }

    /// Makes the bytes zero that fill a row up to a multiple of four, so that equal pictures are equal bytes. What lies
    /// beyond may be another picture's.
    pub fn clear_filling(&mut self) {
        let (row, filled) = (self.row, self.row.next_multiple_of(4));
        if row == filled || filled < self.stride {
            return;
        }
        let lines = self.data.chunks_mut(self.stride).take(self.height);
        lines.for_each(|line| line[row..].fill(0));
    }

    /// Lets `write` fill the plane as one slice: in place when it has no padding, else by way of `scratch`.
    pub fn fill_tight(
        &mut self,
        scratch: &mut Vec<u8>,
        write: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (row, length) = (self.row, self.row * self.height);
        if self.stride == row {
            return write(&mut self.data[..length]);
        }
        scratch.resize(length, 0);
        write(scratch)?;
        for (to, from) in self.rows().zip(scratch.chunks_exact(row)) {
            to.copy_from_slice(from);
        }
        Ok(())
    }
}

/// The rows of two planes as one plane of pairs.
pub fn interleave(u: Source, v: Source, out: &mut Vec<u8>) {
    out.resize(2 * u.row * u.height, 0);
    for (to, (u, v)) in out.chunks_exact_mut(2 * u.row).zip(u.rows().zip(v.rows())) {
        to.chunks_exact_mut(2)
            .zip(u.iter().zip(v))
            .for_each(|(to, (&u, &v))| to.copy_from_slice(&[u, v]));
    }
}

/// Cb (`which` 0) or Cr (1) of interleaved rows.
pub fn deinterleave(uv: Source, which: usize, out: &mut Vec<u8>) {
    let width = uv.row / 2;
    out.resize(width * uv.height, 0);
    for (to, from) in out.chunks_exact_mut(width).zip(uv.rows()) {
        to.iter_mut()
            .zip(from.chunks_exact(2))
            .for_each(|(to, pair)| *to = pair[which]);
    }
}

/// Refuses a frame that is not of the format and size that was negotiated.
pub fn check_frame(info: &VideoInfo, picture: &Picture) -> Result<(), Error> {
    let same =
        info.format() == picture.format && (info.width() as usize, info.height() as usize) == picture.size();
    if same {
        return Ok(());
    }
    Err(Error::Frame {
        got: format!("{} {}x{}", info.format(), info.width(), info.height()),
        expected: format!("{} {}x{}", picture.format, picture.width, picture.height),
    })
}

fn stride_of(info: &VideoInfo, index: u32) -> Result<usize, Error> {
    let stride = info.stride().get(index as usize).copied().unwrap_or_default();
    usize::try_from(stride)
        .ok()
        .filter(|&stride| 0 < stride)
        .ok_or(Error::Plane(index))
}

/// The last row may be without its padding.
fn check(length: usize, stride: usize, row: usize, height: usize) -> Option<()> {
    let last = stride.checked_mul(height.checked_sub(1)?)?;
    (0 < row && row <= stride && last.checked_add(row)? <= length).then_some(())
}
