// SPDX-License-Identifier: MPL-2.0

//! ONNX Runtime values over memory that this crate owns.
//!
//! The safe interface of `ort` can bind an output only to memory that the library allocated, which
//! would cost a copy per frame. This file holds the few calls below it.

use std::ptr::{self, NonNull};

use ort::sys;

use super::buffer::with_elements;
use crate::tensor::{Data, ElementType};

/// An `OrtValue`: either a view of a tensor of ours, or an answer that the library allocated.
pub(super) struct OrtValue {
    pointer: NonNull<sys::OrtValue>,
}

// SAFETY: a value has no thread affinity; ONNX Runtime only asks that it is not used from two threads
// at once, which `&mut` of its owner ensures.
unsafe impl Send for OrtValue {}

impl OrtValue {
    /// Makes a value that views `length` bytes at `address`.
    ///
    /// # Safety
    /// The memory must be that of elements of this type, valid, and not accessed elsewhere, whenever the value is in a run. A value that
    /// outlives its memory may be dropped, and nothing else.
    pub(super) unsafe fn view(
        memory: &MemoryInfo,
        (address, length): (*mut u8, usize),
        element_type: sys::ONNXTensorElementDataType,
        shape: &[usize],
    ) -> Result<OrtValue, ort::Error> {
        let shape: Vec<i64> = shape.iter().map(|&dim| dim as i64).collect();
        let mut value = ptr::null_mut();
        // SAFETY: the caller vouches for the memory; the shape is copied by the callee.
        let status = unsafe {
            (ort::api().CreateTensorWithDataAsOrtValue)(
                memory.pointer.as_ptr(),
                address.cast(),
                length,
                shape.as_ptr(),
                shape.len(),
                element_type,
                &mut value,
            )
        };
        // SAFETY: the status was just returned and is consumed once.
        unsafe { ort::Error::result_from_status(status) }?;
        NonNull::new(value)
            .map(|pointer| OrtValue { pointer })
            .ok_or_else(|| ort::Error::new("value is null"))
    }

    /// Takes over a value that a run returned.
    ///
    /// # Safety
    /// `pointer` must be an `OrtValue` that nobody else releases.
    pub(super) unsafe fn from_run(pointer: NonNull<sys::OrtValue>) -> OrtValue {
        OrtValue { pointer }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::OrtValue {
        self.pointer.as_ptr()
    }

    /// Returns the shape and the element type of a tensor value.
    pub(super) fn shape(&self) -> Result<(Vec<usize>, sys::ONNXTensorElementDataType), ort::Error> {
        let api = ort::api();
        let mut info = ptr::null_mut();
        let mut rank = 0;
        let mut element_type = sys::ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
        // SAFETY: the value is valid; `info` is released below on every path; the outputs are locals.
        unsafe {
            ort::Error::result_from_status((api.GetTensorTypeAndShape)(self.as_ptr(), &mut info))?;
            let result = (|| {
                ort::Error::result_from_status((api.GetTensorElementType)(info, &mut element_type))?;
                ort::Error::result_from_status((api.GetDimensionsCount)(info, &mut rank))?;
                let mut dims = vec![0i64; rank];
                ort::Error::result_from_status((api.GetDimensions)(info, dims.as_mut_ptr(), rank))?;
                Ok((
                    dims.into_iter()
                        .map(|dim| usize::try_from(dim).unwrap_or(0))
                        .collect(),
                    element_type,
                ))
            })();
            (api.ReleaseTensorTypeAndShapeInfo)(info);
            result
        }
    }

    /// Copies `count` elements into `data`, whose memory is reused and has room for them.
    ///
    /// # Safety
    /// The value must be a tensor in CPU memory with `count` elements of the type of `data`.
    pub(super) unsafe fn copy_into(&self, data: &mut Data, count: usize) -> Result<(), ort::Error> {
        let mut source = ptr::null_mut();
        // SAFETY: the value is a tensor, says the caller; the status is consumed once.
        unsafe {
            ort::Error::result_from_status((ort::api().GetTensorMutableData)(self.as_ptr(), &mut source))
        }?;
        // SAFETY: type and count are the caller's promise; an empty tensor may have no address.
        unsafe {
            with_elements!(data, elements => refill(elements, source.cast(), count));
        }
        Ok(())
    }
}

unsafe fn refill<T: Copy>(target: &mut Vec<T>, source: *const T, count: usize) {
    target.clear();
    if count != 0 && !source.is_null() {
        // SAFETY: passed on to the caller.
        target.extend_from_slice(unsafe { std::slice::from_raw_parts(source, count) });
    }
}

impl Drop for OrtValue {
    fn drop(&mut self) {
        // SAFETY: this object owns the value.
        unsafe { (ort::api().ReleaseValue)(self.pointer.as_ptr()) }
    }
}

/// The description of CPU memory that views need.
pub(super) struct MemoryInfo {
    pointer: NonNull<sys::OrtMemoryInfo>,
}

// SAFETY: it is a constant description.
unsafe impl Send for MemoryInfo {}
// SAFETY: as above.
unsafe impl Sync for MemoryInfo {}

impl MemoryInfo {
    /// Of memory that somebody else allocated.
    pub(super) fn cpu() -> Result<MemoryInfo, ort::Error> {
        MemoryInfo::new(sys::OrtAllocatorType::OrtDeviceAllocator)
    }

    /// Of memory in an arena.
    pub(super) fn arena() -> Result<MemoryInfo, ort::Error> {
        MemoryInfo::new(sys::OrtAllocatorType::OrtArenaAllocator)
    }

    pub(super) fn as_ptr(&self) -> *const sys::OrtMemoryInfo {
        self.pointer.as_ptr()
    }

    fn new(kind: sys::OrtAllocatorType) -> Result<MemoryInfo, ort::Error> {
        let mut info = ptr::null_mut();
        // SAFETY: the output is a local; the status is consumed once.
        unsafe {
            ort::Error::result_from_status((ort::api().CreateCpuMemoryInfo)(
                kind,
                sys::OrtMemType::OrtMemTypeDefault,
                &mut info,
            ))
        }?;
        NonNull::new(info)
            .map(|pointer| MemoryInfo { pointer })
            .ok_or_else(|| ort::Error::new("memory info is null"))
    }
}

impl Drop for MemoryInfo {
    fn drop(&mut self) {
        // SAFETY: this object owns the description.
        unsafe { (ort::api().ReleaseMemoryInfo)(self.pointer.as_ptr()) }
    }
}

/// Returns ONNX's number for an element type.
pub(super) fn type_number(element_type: ElementType) -> sys::ONNXTensorElementDataType {
    use sys::ONNXTensorElementDataType as Number;
    match element_type {
        ElementType::F32 => Number::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
        ElementType::F16 => Number::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16,
        ElementType::U8 => Number::ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8,
        ElementType::I32 => Number::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32,
        ElementType::I64 => Number::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
    }
}
