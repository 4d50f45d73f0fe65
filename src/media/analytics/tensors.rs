// SPDX-License-Identifier: MPL-2.0

//! Raw outputs of a model as `GstTensorMeta`, for the tensor decoders of others.

use gst::glib;
use gst_analytics::{TensorDataType, TensorDimOrder, TensorMeta};

use crate::tensor::{Data, DimsOrder, Tensor};

/// Adds the outputs of one run to a buffer, each with the id by which decoders know it and the order that it is
/// declared to have.
///
/// The elements are copied, since the session's memory is reused. A tensor without dimensions (a single number) is
/// given one of size 1, because the meta has no others. Fails where a tensor has not as many elements as its dims
/// say, or memory is out; the buffer is unchanged then.
pub fn attach<'a>(
    buffer: &mut gst::BufferRef,
    outputs: impl IntoIterator<Item = (&'a str, DimsOrder, &'a Tensor)>,
) -> Result<(), glib::BoolError> {
    let tensors = outputs
        .into_iter()
        .map(|(id, order, tensor)| describe(id, order, tensor))
        .collect::<Result<Vec<_>, _>>()?;
    TensorMeta::add(buffer).set(tensors.into());
    Ok(())
}

fn describe(id: &str, order: DimsOrder, tensor: &Tensor) -> Result<gst_analytics::Tensor, glib::BoolError> {
    let (kind, bytes, elements) = contents(&tensor.data)?;
    // The library ends the program over a size that does not fit.
    let expected = tensor
        .dims
        .iter()
        .try_fold(1usize, |size, &dim| size.checked_mul(dim));
    if expected != Some(elements) {
        return Err(glib::bool_error!(
            "tensor '{id}' has {elements} elements, not those of {:?}",
            tensor.dims
        ));
    }
    let order = match order {
        DimsOrder::RowMajor => TensorDimOrder::RowMajor,
        DimsOrder::ColumnMajor => TensorDimOrder::ColMajor,
    };
    let dims: &[usize] = if tensor.dims.is_empty() {
        &[1]
    } else {
        &tensor.dims
    };
    Ok(gst_analytics::Tensor::new_simple(
        glib::Quark::from_str(id),
        kind,
        bytes,
        order,
        dims,
    ))
}

/// Copies the elements, in the byte order of the machine, to memory that is aligned for any of them.
fn contents(data: &Data) -> Result<(TensorDataType, gst::Buffer, usize), glib::BoolError> {
    fn copy<T: Copy, const N: usize>(
        elements: &[T],
        spell: fn(T) -> [u8; N],
    ) -> Result<(gst::Buffer, usize), glib::BoolError> {
        let mut buffer = gst::Buffer::with_size(N * elements.len())?;
        {
            let mut map = buffer.make_mut().map_writable()?;
            let places = map.as_mut_slice().chunks_exact_mut(N);
            places
                .zip(elements)
                .for_each(|(place, &it)| place.copy_from_slice(&spell(it)));
        }
        Ok((buffer, elements.len()))
    }
    let (kind, (buffer, elements)) = match data {
        Data::F32(elements) => (TensorDataType::Float32, copy(elements, f32::to_ne_bytes)?),
        Data::F16(elements) => (TensorDataType::Float16, copy(elements, half::f16::to_ne_bytes)?),
        Data::U8(elements) => (TensorDataType::Uint8, copy(elements, u8::to_ne_bytes)?),
        Data::I32(elements) => (TensorDataType::Int32, copy(elements, i32::to_ne_bytes)?),
        Data::I64(elements) => (TensorDataType::Int64, copy(elements, i64::to_ne_bytes)?),
    };
    Ok((kind, buffer, elements))
}
