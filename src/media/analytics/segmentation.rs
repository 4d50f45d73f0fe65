// SPDX-License-Identifier: MPL-2.0

//! `GstAnalyticsSegmentationMtd`, which the Rust bindings do not cover (gstreamer-analytics 0.25).

use std::ptr;

use gst::glib;
use gst::glib::translate::{IntoGlibPtr, UnsafeFrom, from_glib, from_glib_full};
use gst_analytics::{AnalyticsMtd, AnalyticsMtdRef, AnalyticsRelationMeta, ffi};
use gst_video::{VideoFormat, VideoFrameFlags, VideoMeta};

pub type MetaRefMut<'a> = gst::MetaRefMut<'a, AnalyticsRelationMeta, gst::meta::Standalone>;

/// Marks records of this kind for the iterators of the bindings.
#[derive(Debug)]
pub enum SegmentationMtd {}

// SAFETY: the function returns the type under which the library keeps such records.
unsafe impl AnalyticsMtd for SegmentationMtd {
    fn mtd_type() -> ffi::GstAnalyticsMtdType {
        unsafe { ffi::gst_analytics_segmentation_mtd_get_mtd_type() }
    }
}

/// An upright rectangle in whole pixels of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    pub left: i32,
    pub top: i32,
    pub width: i32,
    pub height: i32,
}

/// What equal values of a mask have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The class.
    Semantic,
    /// The object.
    Instance,
}

/// Makes the picture of a mask: `width * height` values, row by row.
pub fn mask_buffer(width: usize, height: usize, values: &[u8]) -> Result<gst::Buffer, glib::BoolError> {
    let too_large = |_| glib::bool_error!("a mask of {width}x{height} is too large");
    let (columns, rows) = (
        u32::try_from(width).map_err(too_large)?,
        u32::try_from(height).map_err(too_large)?,
    );
    let stride = i32::try_from(width).map_err(too_large)?;
    if width == 0 || height == 0 || width.checked_mul(height) != Some(values.len()) {
        return Err(glib::bool_error!(
            "a mask of {width}x{height} cannot have {} values",
            values.len()
        ));
    }
    let mut buffer = gst::Buffer::from_slice(values.to_vec());
    // Rows are tight, which is not what GRAY8 means by default.
    VideoMeta::add_full(
        buffer.make_mut(),
        VideoFrameFlags::empty(),
        VideoFormat::Gray8,
        columns,
        rows,
        &[0],
        &[stride],
    )?;
    Ok(buffer)
}

/// Adds a mask that lies over `area` of the frame, with the values that occur in it; returns its id.
pub fn add(
    meta: &mut MetaRefMut<'_>,
    mask: gst::Buffer,
    kind: Kind,
    regions: &[u32],
    area: &Area,
) -> Result<u32, glib::BoolError> {
    let kind = match kind {
        Kind::Semantic => ffi::GST_SEGMENTATION_TYPE_SEMANTIC,
        Kind::Instance => ffi::GST_SEGMENTATION_TYPE_INSTANCE,
    };
    let mut mtd = ffi::GstAnalyticsMtd {
        id: 0,
        meta: ptr::null_mut(),
    };
    // SAFETY: the meta is writable, as the caller holds it so; the library takes over the buffer, which has the
    // video meta that it asks for, copies the regions without writing to them, and fills `mtd`.
    let added = unsafe {
        from_glib(ffi::gst_analytics_relation_meta_add_segmentation_mtd(
            meta.as_mut_ptr(),
            mask.into_glib_ptr(),
            kind,
            regions.len(),
            regions.as_ptr().cast_mut(),
            area.left,
            area.top,
            area.width.unsigned_abs(),
            area.height.unsigned_abs(),
            (&raw mut mtd).cast(),
        ))
    };
    if added {
        Ok(mtd.id)
    } else {
        Err(glib::bool_error!(
            "a mask of {} regions was not taken",
            regions.len()
        ))
    }
}

/// Returns width, height and the values of a mask, row by row; `None` where they are not one byte each.
pub fn values(mask: &AnalyticsMtdRef<'_, SegmentationMtd>) -> Option<(usize, usize, Vec<u8>)> {
    // SAFETY: the reference keeps its meta alive; the places that are not asked for may be null; the library
    // returns a reference of its own to the buffer.
    let buffer: Option<gst::Buffer> = unsafe {
        let mtd = ffi::GstAnalyticsMtd::unsafe_from(mask);
        from_glib_full(ffi::gst_analytics_segmentation_mtd_get_mask(
            (&raw const mtd).cast(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
        ))
    };
    let buffer = buffer?;
    let video = buffer.meta::<VideoMeta>()?;
    if video.format() != VideoFormat::Gray8 {
        return None;
    }
    let (width, height) = (video.width() as usize, video.height() as usize);
    let (start, stride) = (*video.offset().first()?, *video.stride().first()?);
    let stride = usize::try_from(stride).ok()?.max(width);
    let map = buffer.map_readable().ok()?;
    let mut values = Vec::with_capacity(width * height);
    for row in 0..height {
        let at = start + row * stride;
        values.extend_from_slice(map.get(at..at + width)?);
    }
    Some((width, height, values))
}
