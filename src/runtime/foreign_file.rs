// SPDX-License-Identifier: MPL-2.0

//! What a file is that is no ONNX model, by its first bytes, else by its name, with what to do about it.

use std::path::Path;

/// How many bytes suffice.
pub(super) const HEAD: usize = 4096;

/// A file format: the bytes that it has at a place, what it is, and what to do with it.
struct Format {
    at: usize,
    magic: &'static [u8],
    what: &'static str,
    remedy: &'static str,
}

const fn format(at: usize, magic: &'static [u8], what: &'static str, remedy: &'static str) -> Format {
    Format {
        at,
        magic,
        what,
        remedy,
    }
}

/// Formats that models and their weights come in.
const FORMATS: [Format; 14] = [
    format(
        0,
        b"version https://git-lfs",
        "a Git LFS pointer, which stands for the model in a checkout without its large files",
        "run 'git lfs pull' in that checkout, or download the file itself",
    ),
    format(
        4,
        b"TFL3",
        "a TensorFlow Lite model",
        "convert it, for example with tf2onnx --tflite",
    ),
    format(
        0,
        b"\x89HDF\r\n",
        "an HDF5 file, as Keras writes",
        "export it, for example with tf2onnx",
    ),
    format(
        0,
        b"ORTM",
        "a model in ONNX Runtime's own format",
        "use the .onnx file that it was made from",
    ),
    format(
        4,
        b"ORTM",
        "a model in ONNX Runtime's own format",
        "use the .onnx file that it was made from",
    ),
    format(
        0,
        b"GGUF",
        "a GGUF file of a language model",
        "avrec runs models of pictures and sound in ONNX",
    ),
    format(
        0,
        b"ftrt",
        "a TensorRT engine",
        "use the .onnx file that it was built from",
    ),
    format(
        0,
        b"ptrt",
        "a TensorRT engine",
        "use the .onnx file that it was built from",
    ),
    format(
        0,
        b"7767517\n",
        "an ncnn network",
        "use the .onnx file that it was made from",
    ),
    format(
        0,
        b"\x80\x02",
        "a Python pickle, as old PyTorch writes",
        "export it with torch.onnx.export",
    ),
    format(
        0,
        b"\x93NUMPY",
        "an array of NumPy",
        "avrec runs models of pictures and sound in ONNX",
    ),
    format(0, b"\x1f\x8b", "a gzip archive", "unpack it first"),
    format(
        0,
        b"<?xml",
        "an XML text, as OpenVINO writes",
        "use the .onnx file that it was made from",
    ),
    format(
        0,
        b"<!DOCTYPE html",
        "a web page, perhaps of a download that failed",
        "download the file itself",
    ),
];

/// What a file that begins with these bytes is, and what to do instead; `None` where nothing tells.
pub(super) fn recognize(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let begins = |it: &&Format| head.get(it.at..).is_some_and(|from| from.starts_with(it.magic));
    if let Some(known) = FORMATS.iter().find(begins) {
        return Some((known.what, known.remedy));
    }
    match head {
        [] => Some(("an empty file", "copy or download the file again")),
        [b'P', b'K', 3, 4, ..] if contains(head, b"data.pkl") => {
            Some(("a PyTorch file", "export it with torch.onnx.export"))
        }
        [b'P', b'K', 3, 4, ..] => Some(("a zip archive", "unpack it first")),
        // The length of the header, and the header in JSON.
        [_, _, _, _, _, 0, 0, 0, b'{', b'"', ..] => Some((
            "a safetensors file, which has weights and no graph",
            "export the model with its graph, for example with optimum-cli export onnx",
        )),
        _ if contains(head, b"[[candidate]]") => Some((
            "a catalog of candidates",
            "give it to avrec-switch, as the property catalog",
        )),
        _ if contains(head, b"saved_model_schema") || contains(head, b"__saved_model") => Some((
            "a TensorFlow model",
            "convert it, for example with tf2onnx --saved-model",
        )),
        _ => None,
    }
}

/// Endings of names of models that look like ONNX, or like nothing, by their bytes.
const ENDINGS: [(&str, &str, &str); 7] = [
    (
        "mlmodel",
        "a Core ML model",
        "use the model that it was converted from, exported to ONNX",
    ),
    (
        "pb",
        "a TensorFlow graph",
        "convert it, for example with tf2onnx --graphdef",
    ),
    (
        "pdmodel",
        "a Paddle model",
        "convert it, for example with paddle2onnx",
    ),
    (
        "caffemodel",
        "a Caffe model",
        "convert it to ONNX, for example with caffe2onnx",
    ),
    (
        "rknn",
        "a model for Rockchip's NPU",
        "use the .onnx file that it was made from",
    ),
    (
        "hef",
        "a model for Hailo's chips",
        "use the .onnx file that it was made from",
    ),
    (
        "bin",
        "a file of weights, as OpenVINO and ncnn write",
        "use the .onnx file that it was made from",
    ),
];

/// What a file is that is no ONNX model and is called so; `None` where the name does not tell.
pub(super) fn recognize_name(path: &Path) -> Option<(&'static str, &'static str)> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    let known = ENDINGS.iter().find(|it| it.0 == ending)?;
    Some((known.1, known.2))
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|it| it == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_named_with_what_to_do() {
        let safetensors = b"\x40\x00\x00\x00\x00\x00\x00\x00{\"__metadata__\":{}}";
        for (head, word) in [
            (
                &b"version https://git-lfs.github.com/spec/v1\noid sha256:0"[..],
                "git lfs pull",
            ),
            (b"\x1c\x00\x00\x00TFL3\x14\x00", "TensorFlow Lite"),
            (b"PK\x03\x04....archive/data.pkl", "torch.onnx.export"),
            (b"PK\x03\x04....a.txt", "zip"),
            (safetensors, "safetensors"),
            (b"GGUF\x03", "GGUF"),
            (b"", "empty"),
        ] {
            let (what, remedy) = recognize(head).unwrap();
            assert!(what.contains(word) || remedy.contains(word), "{what}; {remedy}");
        }
        assert_eq!(recognize(b"\x08\x07\x12\x07pytorch"), None);
        assert_eq!(recognize(b"hello"), None);
        let catalog = b"task = \"image\"\n[[candidate]]\n";
        assert!(recognize(catalog).unwrap().1.contains("avrec-switch"));
        assert!(
            recognize_name(Path::new("a/M.pdmodel"))
                .unwrap()
                .1
                .contains("paddle2onnx")
        );
        assert_eq!(recognize_name(Path::new("pb")), None);
    }
}
