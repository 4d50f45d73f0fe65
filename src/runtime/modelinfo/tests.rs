// SPDX-License-Identifier: MPL-2.0

//! What is read of a description, and what is refused with its line.

use super::*;
use crate::tensor::{Channels, Dim, ElementType, Fit, InputSize, Layout};

/// A sample in the form that GStreamer's own tests use.
const SAMPLE: &str = "[modelinfo]\nversion=1.0\ngroup-id=group\n\n[x]\nid=input-0\ntype=float32\ndims=1,3,-1,-1\n\
    dir=input\nranges=0.0,255.0;-1.0,1.0;0.0,1.0\n\n[y]\nid=output-0\ntype=float32\ndims=1,3,-1,-1\ndir=output\n";

fn port(name: &str, dims: &[usize]) -> Port {
    let dims = dims.iter().map(|&dim| {
        if dim == 0 {
            Dim::Dynamic(String::new())
        } else {
            Dim::Fixed(dim)
        }
    });
    Port {
        name: name.into(),
        element_type: Ok(ElementType::F32),
        dims: Some(dims.collect()),
    }
}

fn parse(text: &str) -> Result<ModelInfo, Error> {
    ModelInfo::parse(Path::new("m.onnx.modelinfo"), text)
}

#[test]
fn a_file_of_the_field_is_read_whole() {
    let info = parse(SAMPLE).unwrap();
    assert_eq!(info.group_id.as_deref(), Some("group"));
    let section = info
        .find(Direction::Input, 0, &port("x", &[1, 3, 0, 0]))
        .unwrap()
        .unwrap();
    assert_eq!(section.ranges, Some(vec![(0.0, 255.0), (-1.0, 1.0), (0.0, 1.0)]));
    assert_eq!(section.dims, Some(vec![Some(1), Some(3), None, None]));
}

#[test]
fn a_tensor_of_another_name_is_found_by_position_and_shape() {
    let info = parse(SAMPLE).unwrap();
    let found = info
        .find(Direction::Output, 0, &port("renamed", &[1, 3, 8, 8]))
        .unwrap();
    assert_eq!(found.map(|it| it.name.as_str()), Some("y"));
    assert_eq!(
        info.find(Direction::Output, 0, &port("renamed", &[1, 10]))
            .unwrap(),
        None
    );
}

#[test]
fn each_fault_names_the_line_to_write() {
    for (text, remedy) in [
        ("[x]\ntype=float32\n", "version=1.0"),
        ("[modelinfo]\n", "version=1.0"),
        ("[modelinfo]\nversion=2.0\n", "version=1.0"),
        ("[modelinfo]\nversion=1.0\n[x]\ndims=1,three\n", "dims=1,3,-1,-1"),
        ("[modelinfo]\nversion=1.0\n[x]\nranges=0.0\n", "ranges=0.0,1.0"),
        ("[modelinfo]\nversion=1.0\n[x]\ndir=sideways\n", "dir=input"),
        (
            "[modelinfo]\nversion=1.0\n[x]\nid=PLACEHOLDER\n",
            "replace the placeholder",
        ),
        ("[modelinfo\nversion=1.0\n", "key=value"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(
            error.contains(remedy) && error.contains("m.onnx.modelinfo"),
            "{error}"
        );
    }
}

#[test]
fn a_named_section_that_contradicts_the_model_is_an_error() {
    let info = parse(SAMPLE).unwrap();
    let error = info
        .find(Direction::Input, 0, &port("x", &[1, 1, 0, 0]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("write dims=1,1,-1,-1"), "{error}");
    let error = info
        .find(Direction::Output, 0, &port("x", &[1, 3, 0, 0]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("write dir=output"), "{error}");
}

#[test]
fn a_picture_is_described_in_full() {
    let text = "\u{feff}[modelinfo]\r\nversion=1.0\r\n\r\n[x]\r\ndir=input\r\nchannel-order=bgr\r\nlayout=nhwc\r\n\
        mean=0.485,0.456,0.406\r\nstd=0.229,0.224,0.225\r\nsize=grid:32\r\nfit=corner\r\npadding=114\r\n";
    let section = parse(text).unwrap().tensors.remove(0);
    let picture = section.picture;
    assert_eq!(
        (picture.order, picture.layout),
        (Some(Channels::Bgr), Some(Layout::Nhwc))
    );
    assert_eq!(
        (picture.size, picture.fit),
        (Some(InputSize::Grid(32)), Some(Fit::Cornered))
    );
    assert_eq!(picture.padding, Some(114));
    let ranges = picture.normalized.unwrap();
    assert!(
        (ranges[0].0 + 2.1179).abs() < 1e-3 && (ranges[2].1 - 2.64).abs() < 1e-3,
        "{ranges:?}"
    );
    let auto = parse("[modelinfo]\nversion=1.0\n[x]\nchannel-order=auto\nsize=auto\nfit=auto\npadding=-1\n")
        .unwrap();
    assert_eq!(auto.tensors[0].picture, PictureLines::default());
}

#[test]
fn a_line_that_nobody_reads_is_an_error_with_its_number() {
    let head = "# what it is\n[modelinfo]\nversion=1.0\n";
    for (text, line, remedy) in [
        (format!("{head}[x]\ndir=input\nrange=0.0,2.0\n"), 6, "ranges"),
        (format!("{head}author=me\n[x]\ndir=input\n"), 4, "group-id"),
        (format!("version=1.0\n{head}"), 1, "[modelinfo]"),
        (
            format!("{head}[x]\n\nmean=0.5\nranges=0,1\n"),
            6,
            "leave one of them out",
        ),
        (format!("{head}[x]\nmean=half\n"), 5, "write a number"),
        (
            format!("{head}[x]\nmean=0.1,0.2\nstd=1,1,1\n"),
            5,
            "as many numbers",
        ),
        (format!("{head}[x]\nlayout=chw\n"), 5, "nchw or nhwc"),
        (format!("{head}[x]\nsize=640\n"), 5, "WxH"),
        (format!("{head}[x]\npadding=256\n"), 5, "0 to 255"),
        (format!("{head}[x]\ndims=auto\n"), 5, "dims=1,3,-1,-1"),
    ] {
        let error = parse(&text).unwrap_err().to_string();
        assert!(
            error.contains(&format!("line {line}:")) && error.contains(remedy),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_section_that_fits_no_tensor_and_a_line_of_another_kind_are_errors() {
    let check = |text: &str, content| {
        let info = parse(&format!("[modelinfo]\nversion=1.0\n{text}")).unwrap();
        let ports = [port("x", &[1, 3, 0, 0]), port("y", &[1, 10])];
        let result = info.check_use(&ports[..1], &ports[1..], content);
        result.err().map(|it| it.to_string()).unwrap_or_default()
    };
    assert_eq!(check("[x]\nmean=0.5\n[y]\nid=classes\n", Content::Picture), "");
    assert_eq!(
        check("[renamed]\ndir=input\ndims=1,3,-1,-1\n", Content::Picture),
        ""
    );
    for (text, content, words) in [
        ("[input]\nranges=0,2\n", Content::Picture, ["line 3", "inputs"]),
        ("[x]\nhop=160\n", Content::Picture, ["line 4", "hop"]),
        (
            "[x]\nsample_rate=16000\nmean=0.5\n",
            Content::Sound,
            ["line 5", "mean"],
        ),
        (
            "[y]\nid=a\nchannel-order=bgr\n",
            Content::Picture,
            ["line 5", "channel-order"],
        ),
    ] {
        let error = check(text, content);
        assert!(
            words.iter().all(|it| error.contains(it.trim_end_matches('s'))),
            "{text}: {error}"
        );
    }
}
