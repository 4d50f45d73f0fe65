// SPDX-License-Identifier: MPL-2.0

//! Models that mean harm, or are as wrong as such ones, made on the spot.

use super::onnx::{
    BOOL, FLOAT, Graph, INT64, Message, STRING, attribute_float, attribute_graph, attribute_int,
    attribute_ints, attribute_tensor, attribute_text, external, file, floats, ints, node, port, scalar,
    tensor,
};

/// Frames of the test: rows and columns of three channels.
const FRAME: [i64; 4] = [1, 3, 48, 64];

pub struct Case {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// Whether nothing ends it but that it is given up.
    pub is_endless: bool,
}

/// A graph from `x`, which are frames, to `y`.
fn graph(nodes: Vec<Message>, constants: Vec<Message>) -> Graph {
    Graph {
        nodes,
        constants,
        inputs: vec![port("x", FLOAT, &FRAME)],
        outputs: vec![port("y", FLOAT, &[-1, -1, -1, -1])],
        ..Graph::default()
    }
}

/// One operator on frames and constants, whose result is `y`.
fn one(operator: &str, inputs: &[&str], attributes: Vec<Message>, constants: Vec<Message>) -> Vec<u8> {
    graph(vec![node(operator, inputs, &["y"], attributes)], constants).file(17)
}

/// Values made by one operator, added to the frames.
fn added(operator: &str, inputs: &[&str], attributes: Vec<Message>, constants: Vec<Message>) -> Vec<u8> {
    let nodes = vec![
        node(operator, inputs, &["much"], attributes),
        node(
            "ReduceMax",
            &["much"],
            &["most"],
            vec![attribute_int("keepdims", 0)],
        ),
        node("Cast", &["most"], &["number"], vec![attribute_int("to", FLOAT)]),
        node("Add", &["x", "number"], &["y"], Vec::new()),
    ];
    graph(nodes, constants).file(17)
}

fn relu(inputs: Vec<Message>, outputs: Vec<Message>) -> Graph {
    Graph {
        nodes: vec![node("Relu", &["x"], &["y"], Vec::new())],
        inputs,
        outputs,
        ..Graph::default()
    }
}

/// Frames of this size, and an answer of the same.
fn of_size(dims: &[i64]) -> Vec<u8> {
    relu(vec![port("x", FLOAT, dims)], vec![port("y", FLOAT, dims)]).file(17)
}

fn chain(length: usize) -> Vec<u8> {
    let name = |it: usize| match it {
        0 => "x".to_owned(),
        it if it == length => "y".to_owned(),
        it => format!("c{it}"),
    };
    let nodes = (0..length).map(|it| node("Relu", &[&name(it)], &[&name(it + 1)], Vec::new()));
    graph(nodes.collect(), Vec::new()).file(17)
}

/// A loop whose body hands `state` on through these operators, and begins with frames.
fn looped(trips: i64, body: Vec<Message>) -> Vec<u8> {
    looped_by((Vec::new(), vec![scalar("count", trips)]), body)
}

/// The same with as many turns as `count`, which these operators make of these constants.
fn looped_by((mut nodes, mut constants): (Vec<Message>, Vec<Message>), body: Vec<Message>) -> Vec<u8> {
    let body = Graph {
        nodes: body,
        inputs: vec![
            port("i", INT64, &[]),
            port("go_on", BOOL, &[]),
            port("state", FLOAT, &[-1, -1, -1, -1]),
        ],
        outputs: vec![port("go", BOOL, &[]), port("next", FLOAT, &[-1, -1, -1, -1])],
        ..Graph::default()
    };
    let attributes = vec![attribute_graph("body", body.message())];
    nodes.push(node("Loop", &["count", "yes", "x"], &["y"], attributes));
    constants.push(tensor("yes", BOOL, &[], &[1]));
    graph(nodes, constants).file(17)
}

/// As many choices within choices.
fn nested(levels: usize) -> Vec<u8> {
    let branch = |nodes| Graph {
        nodes,
        outputs: vec![port("y", FLOAT, &FRAME)],
        ..Graph::default()
    };
    let mut inner = branch(vec![node("Relu", &["x"], &["y"], Vec::new())]).message();
    for _ in 0..levels {
        let other = branch(vec![node("Neg", &["x"], &["y"], Vec::new())]).message();
        let branches = vec![
            attribute_graph("then_branch", inner),
            attribute_graph("else_branch", other),
        ];
        inner = branch(vec![node("If", &["yes"], &["y"], branches)]).message();
    }
    let nodes = vec![node(
        "If",
        &["yes"],
        &["y"],
        vec![
            attribute_graph("then_branch", inner.clone()),
            attribute_graph("else_branch", inner),
        ],
    )];
    graph(nodes, vec![tensor("yes", BOOL, &[], &[1])]).file(17)
}

fn function(name: &str, calls: &str) -> Message {
    let own = |it: Message| it.text(7, "own");
    Message::default()
        .text(1, name)
        .text(4, "a")
        .text(5, "b")
        .with(7, own(node(calls, &["a"], &["b"], Vec::new())))
        .with(9, Message::default().text(1, "own").int(2, 1))
        .text(10, "own")
}

/// `count`, which hangs on the frame's values: one, and `times` more where the brightest point (`ReduceMax`) or even the
/// darkest one (`ReduceMin`) is white. At load no frame is white all over.
fn counted(reduce: &str, times: i64) -> (Vec<Message>, Vec<Message>) {
    let nodes = vec![
        node(reduce, &["x"], &["level"], vec![attribute_int("keepdims", 0)]),
        node("Cast", &["level"], &["whole"], vec![attribute_int("to", INT64)]),
        node("Mul", &["whole", "times"], &["more"], Vec::new()),
        node("Add", &["more", "least"], &["count"], Vec::new()),
    ];
    (nodes, vec![scalar("times", times), scalar("least", 1)])
}

/// An answer for which as many values are made as [`counted`] says.
fn exploding(reduce: &str, times: i64) -> Vec<u8> {
    let (mut nodes, mut constants) = counted(reduce, times);
    let highest = vec![attribute_int("keepdims", 0)];
    nodes.extend([
        node("Reshape", &["count", "row"], &["shape"], Vec::new()),
        node("ConstantOfShape", &["shape"], &["much"], Vec::new()),
        node("ReduceMax", &["much"], &["most"], highest),
        node("Add", &["x", "most"], &["y"], Vec::new()),
    ]);
    constants.push(ints("row", &[1]));
    graph(nodes, constants).file(17)
}

/// Frames with this much padding at the right and below.
pub fn pad(amount: i64) -> Vec<u8> {
    one(
        "Pad",
        &["x", "pads"],
        Vec::new(),
        vec![ints("pads", &[0, 0, 0, 0, 0, 0, amount, amount])],
    )
}

fn resize(factor: f32) -> Vec<u8> {
    let scales = floats("scales", &[4], &[1.0, 1.0, factor, factor]);
    one(
        "Resize",
        &["x", "", "scales"],
        vec![attribute_text("mode", "nearest")],
        vec![scales],
    )
}

pub fn tile(times: i64) -> Vec<u8> {
    one(
        "Tile",
        &["x", "times"],
        Vec::new(),
        vec![ints("times", &[1, 1, times, times])],
    )
}

pub fn zeros(dims: &[i64]) -> Vec<u8> {
    added(
        "ConstantOfShape",
        &["shape"],
        Vec::new(),
        vec![ints("shape", dims)],
    )
}

fn doubled(times: usize) -> Vec<u8> {
    let name = |it: usize| if it == 0 { "x".to_owned() } else { format!("c{it}") };
    let double = |it: usize| {
        let from = name(it);
        node(
            "Concat",
            &[&from, &from],
            &[&name(it + 1)],
            vec![attribute_int("axis", 3)],
        )
    };
    let mut nodes: Vec<Message> = (0..times).map(double).collect();
    nodes.push(node("Identity", &[&name(times)], &["y"], Vec::new()));
    graph(nodes, Vec::new()).file(17)
}

/// The squares of squares of a constant column with a row, which are folded at load.
fn outer_product(side: i64) -> Vec<u8> {
    let ones = |count: i64| vec![1.0; count as usize];
    let constants = vec![
        floats("column", &[side, 1], &ones(side)),
        floats("row", &[1, side], &ones(side)),
    ];
    added("Mul", &["column", "row"], Vec::new(), constants)
}

fn slow_convolution() -> Vec<u8> {
    let weights = floats("w", &[64, 3, 31, 31], &vec![0.001; 64 * 3 * 31 * 31]);
    let between = floats("v", &[64, 64, 31, 31], &vec![0.0001; 64 * 64 * 31 * 31]);
    let attributes = || {
        vec![
            attribute_ints("pads", &[15, 15, 15, 15]),
            attribute_ints("strides", &[1, 1]),
            attribute_ints("dilations", &[1, 1]),
        ]
    };
    let mut nodes = vec![
        node(
            "Resize",
            &["x", "", "scales"],
            &["large"],
            vec![attribute_text("mode", "nearest")],
        ),
        node("Conv", &["large", "w"], &["c0"], attributes()),
    ];
    nodes.extend((0..9).map(|it| {
        let (from, to) = (
            format!("c{it}"),
            if it == 8 {
                "y".to_owned()
            } else {
                format!("c{}", it + 1)
            },
        );
        node("Conv", &[&from, "v"], &[&to], attributes())
    }));
    let scales = floats("scales", &[4], &[1.0, 1.0, 12.0, 12.0]);
    graph(nodes, vec![weights, between, scales]).file(17)
}

fn boxes(count: i64) -> Vec<u8> {
    let nodes = vec![
        node("ConstantOfShape", &["box_shape"], &["boxes"], Vec::new()),
        node("ConstantOfShape", &["score_shape"], &["scores"], Vec::new()),
        node(
            "NonMaxSuppression",
            &["boxes", "scores", "most"],
            &["found"],
            Vec::new(),
        ),
        node("Cast", &["found"], &["y"], vec![attribute_int("to", FLOAT)]),
    ];
    let constants = vec![
        ints("box_shape", &[1, count, 4]),
        ints("score_shape", &[1, 1, count]),
        scalar("most", i64::MAX),
    ];
    graph(nodes, constants).file(17)
}

fn sparse(dims: &[i64]) -> Vec<u8> {
    let sparse = Message::default()
        .with(1, floats("w", &[1], &[1.0]))
        .with(2, tensor("", INT64, &[1], &0i64.to_le_bytes()));
    let sparse = dims.iter().fold(sparse, |message, &it| message.int(3, it));
    let mut graph = graph(vec![node("Add", &["x", "w"], &["y"], Vec::new())], Vec::new());
    graph.sparse = vec![sparse];
    graph.file(17)
}

fn constant(element_type: i64, dims: &[i64], data: &[u8]) -> Vec<u8> {
    one(
        "Add",
        &["x", "w"],
        Vec::new(),
        vec![tensor("w", element_type, dims, data)],
    )
}

fn weights_elsewhere(dims: &[i64], entries: &[(&str, &str)]) -> Vec<u8> {
    one("Add", &["x", "w"], Vec::new(), vec![external("w", dims, entries)])
}

/// Sizes that would take all memory.
fn large() -> Vec<(&'static str, Vec<u8>)> {
    let random =
        |operator, dims: &[i64]| added(operator, &[], vec![attribute_ints("shape", dims)], Vec::new());
    vec![
        ("input of 40000 x 40000", of_size(&[1, 3, 40000, 40000])),
        ("input of 2^31", of_size(&[1, 3, 1 << 31, 8])),
        ("input of 2^60", of_size(&[1, 3, 1 << 60, 8])),
        ("input whose sizes overflow", of_size(&[1, 3, i64::MAX, i64::MAX])),
        ("sound of 2^40 samples", of_size(&[1, 1 << 40])),
        ("sound of 2^29 samples", of_size(&[1, 1 << 29])),
        ("zeros of 4 GB", zeros(&[1 << 30])),
        ("zeros of 2^40", zeros(&[1 << 40])),
        ("zeros of 2^60", zeros(&[1 << 20, 1 << 20, 1 << 20])),
        ("zeros of -1", zeros(&[-1])),
        ("padding by 60000", pad(60_000)),
        ("padding by 2^40", pad(1 << 40)),
        ("padding by less than there is", pad(-1000)),
        ("resizing by 1000", resize(1000.0)),
        ("resizing by 1e30", resize(1e30)),
        ("resizing by NaN", resize(f32::NAN)),
        ("tiling by 1000", tile(1000)),
        ("tiling by 2^40", tile(1 << 40)),
        ("doubling 20 times", doubled(20)),
        ("doubling 60 times", doubled(60)),
        ("outer product of constants", outer_product(100_000)),
        (
            "expansion to 2^40",
            one(
                "Expand",
                &["x", "s"],
                Vec::new(),
                vec![ints("s", &[1 << 38, 3, 48, 64])],
            ),
        ),
        (
            "range to 1e18",
            added(
                "Range",
                &["a", "b", "c"],
                Vec::new(),
                vec![
                    scalar("a", 0),
                    scalar("b", 1_000_000_000_000_000_000),
                    scalar("c", 1),
                ],
            ),
        ),
        ("random values of 2^40", random("RandomNormal", &[1 << 40])),
        ("random values of 2^33", random("RandomUniform", &[1 << 33])),
        ("boxes of 2^40", boxes(1 << 40)),
        (
            "one hot of 2^40",
            added(
                "OneHot",
                &["i", "d", "v"],
                Vec::new(),
                vec![
                    ints("i", &[0, 1, 2]),
                    scalar("d", 1 << 40),
                    floats("v", &[2], &[0.0, 1.0]),
                ],
            ),
        ),
        ("answer of 2^20 a level", exploding("ReduceMax", 1 << 20)),
        ("values of 2^30 on white frames", exploding("ReduceMin", 1 << 30)),
        ("answer of 2^30 a level", exploding("ReduceMax", 1 << 30)),
        (
            "a loop that doubles its state",
            looped(
                100,
                vec![
                    node("Identity", &["go_on"], &["go"], Vec::new()),
                    node(
                        "Concat",
                        &["state", "state"],
                        &["next"],
                        vec![attribute_int("axis", 3)],
                    ),
                ],
            ),
        ),
    ]
}

/// A loop of 2^63 turns.
pub fn endless_loop() -> Vec<u8> {
    let on = node("Identity", &["go_on"], &["go"], Vec::new());
    looped(i64::MAX, vec![on, node("Sin", &["state"], &["next"], Vec::new())])
}

/// What does not end.
fn endless() -> Vec<(&'static str, Vec<u8>)> {
    let on = node("Identity", &["go_on"], &["go"], Vec::new());
    vec![
        ("a loop of 2^63 turns", endless_loop()),
        (
            "a loop of 2^30 turns on white frames",
            looped_by(
                counted("ReduceMin", 1 << 30),
                vec![on.clone(), node("Sin", &["state"], &["next"], Vec::new())],
            ),
        ),
        (
            "a loop of 2^31 turns",
            looped(
                i64::from(i32::MAX),
                vec![on, node("Relu", &["state"], &["next"], Vec::new())],
            ),
        ),
        ("boxes of 2^16", boxes(1 << 16)),
        ("convolutions of minutes", slow_convolution()),
    ]
}

/// Files that are wrong in themselves.
fn wrong() -> Vec<(&'static str, Vec<u8>)> {
    let any = || port("y", FLOAT, &[-1, -1, -1, -1]);
    let many = |prefix: &str, count: usize| -> Vec<Message> {
        (0..count)
            .map(|it| port(&format!("{prefix}{it}"), FLOAT, &FRAME))
            .collect()
    };
    let branches = |then, other| {
        vec![
            attribute_graph("then_branch", then),
            attribute_graph("else_branch", other),
        ]
    };
    let named = |name: &str| Graph {
        outputs: vec![port(name, FLOAT, &FRAME)],
        ..Graph::default()
    };
    let own = |nodes: Vec<Message>, functions| file(graph(nodes, Vec::new()).message(), 17, functions);
    vec![
        ("negative sizes", of_size(&[1, 3, -7, -9])),
        ("sizes of zero", of_size(&[1, 3, 0, 0])),
        ("constant of negative size", constant(FLOAT, &[-4], &[0; 16])),
        ("constant of size zero", constant(FLOAT, &[0], &[])),
        (
            "constant with too few bytes",
            constant(FLOAT, &[1, 3, 48, 64], &[0; 8]),
        ),
        ("constant with too many bytes", constant(FLOAT, &[1], &[0; 4096])),
        ("constant of 2^40 without bytes", constant(FLOAT, &[1 << 40], &[])),
        (
            "constant of 2^60 x 2^60",
            constant(FLOAT, &[1 << 60, 1 << 60], &[0; 4]),
        ),
        ("constant of an unknown type", constant(99, &[1], &[0; 4])),
        ("sparse constant of 2^40", sparse(&[1 << 40])),
        ("sparse constant of negative size", sparse(&[-5])),
        (
            "a circle",
            graph(
                vec![
                    node("Add", &["x", "b"], &["a"], Vec::new()),
                    node("Relu", &["a"], &["b"], Vec::new()),
                    node("Relu", &["b"], &["y"], Vec::new()),
                ],
                Vec::new(),
            )
            .file(17),
        ),
        (
            "names twice",
            graph(
                vec![
                    node("Relu", &["x"], &["y"], Vec::new()),
                    node("Neg", &["x"], &["y"], Vec::new()),
                ],
                Vec::new(),
            )
            .file(17),
        ),
        (
            "an input that is its own output",
            Graph {
                outputs: vec![port("x", FLOAT, &FRAME)],
                ..relu(vec![port("x", FLOAT, &FRAME)], Vec::new())
            }
            .file(17),
        ),
        (
            "an output that nobody makes",
            Graph {
                outputs: vec![port("z", FLOAT, &FRAME)],
                ..relu(vec![port("x", FLOAT, &FRAME)], Vec::new())
            }
            .file(17),
        ),
        (
            "strings as input",
            relu(vec![port("x", STRING, &FRAME)], vec![any()]).file(17),
        ),
        (
            "100000 inputs",
            relu([many("x", 1), many("i", 100_000)].concat(), vec![any()]).file(17),
        ),
        (
            "100000 outputs",
            Graph {
                nodes: (0..100_000)
                    .map(|it| node("Relu", &["x0"], &[&format!("y{it}")], Vec::new()))
                    .collect(),
                ..relu(many("x", 1), many("y", 100_000))
            }
            .file(17),
        ),
        ("a name of 100 MB", {
            let name = "n".repeat(100_000_000);
            relu(vec![port(&name, FLOAT, &FRAME)], vec![any()]).file(17)
        }),
        (
            "an operator with a name of 10 MB",
            one(&"O".repeat(10_000_000), &["x"], Vec::new(), Vec::new()),
        ),
        (
            "operator set 0",
            relu(vec![port("x", FLOAT, &FRAME)], vec![any()]).file(0),
        ),
        (
            "operator set 10^9",
            relu(vec![port("x", FLOAT, &FRAME)], vec![any()]).file(1_000_000_000),
        ),
        (
            "operator set -1",
            relu(vec![port("x", FLOAT, &FRAME)], vec![any()]).file(-1),
        ),
        (
            "functions that call each other",
            own(
                vec![node("F", &["x"], &["y"], Vec::new()).text(7, "own")],
                vec![function("F", "G"), function("G", "F")],
            ),
        ),
        (
            "a function that calls itself",
            own(
                vec![node("F", &["x"], &["y"], Vec::new()).text(7, "own")],
                vec![function("F", "F")],
            ),
        ),
        (
            "branches that make nothing",
            one(
                "If",
                &["c"],
                branches(Graph::default().message(), named("nothing").message()),
                vec![tensor("c", BOOL, &[], &[1])],
            ),
        ),
        (
            "branches that are missing",
            one("If", &["c"], Vec::new(), vec![tensor("c", BOOL, &[], &[1])]),
        ),
        ("20 choices within choices", nested(20)),
        ("200 choices within choices", nested(200)),
        (
            "reshaping to -1 -1",
            one("Reshape", &["x", "s"], Vec::new(), vec![ints("s", &[-1, -1])]),
        ),
        (
            "reshaping to 2^60",
            one(
                "Reshape",
                &["x", "s"],
                Vec::new(),
                vec![ints("s", &[1 << 60, -1])],
            ),
        ),
        (
            "infinity as answer",
            one("Div", &["x", "w"], Vec::new(), vec![floats("w", &[1], &[0.0])]),
        ),
        (
            "NaN as answer",
            one(
                "Mul",
                &["x", "w"],
                Vec::new(),
                vec![floats("w", &[1], &[f32::NAN])],
            ),
        ),
        (
            "division of integers by zero",
            added(
                "Div",
                &["a", "b"],
                Vec::new(),
                vec![ints("a", &[i64::MIN, 7]), ints("b", &[-1, 0])],
            ),
        ),
        (
            "an index beyond the end",
            one(
                "Gather",
                &["x", "i"],
                vec![attribute_int("axis", 3)],
                vec![ints("i", &[1 << 40])],
            ),
        ),
        (
            "a slice with a step of zero",
            one(
                "Slice",
                &["x", "a", "b", "c", "d"],
                Vec::new(),
                vec![
                    ints("a", &[0]),
                    ints("b", &[10]),
                    ints("c", &[2]),
                    ints("d", &[0]),
                ],
            ),
        ),
        (
            "strides of zero",
            one(
                "MaxPool",
                &["x"],
                vec![
                    attribute_ints("kernel_shape", &[2, 2]),
                    attribute_ints("strides", &[0, 0]),
                ],
                Vec::new(),
            ),
        ),
        (
            "a kernel of 2^40",
            one(
                "AveragePool",
                &["x"],
                vec![
                    attribute_ints("kernel_shape", &[1 << 40, 1 << 40]),
                    attribute_ints("pads", &[1 << 40, 1 << 40, 1 << 40, 1 << 40]),
                ],
                Vec::new(),
            ),
        ),
        (
            "a convolution in 0 groups",
            one(
                "Conv",
                &["x", "w"],
                vec![attribute_int("group", 0)],
                vec![floats("w", &[1, 3, 1, 1], &[1.0; 3])],
            ),
        ),
        (
            "an axis of 2^40",
            one(
                "Softmax",
                &["x"],
                vec![attribute_int("axis", 1 << 40)],
                Vec::new(),
            ),
        ),
        (
            "a normalization by nothing",
            one(
                "LRN",
                &["x"],
                vec![attribute_int("size", 0), attribute_float("alpha", f32::NAN)],
                Vec::new(),
            ),
        ),
        (
            "weights in /etc/passwd",
            weights_elsewhere(&[4], &[("location", "/etc/passwd")]),
        ),
        (
            "weights in a parent",
            weights_elsewhere(&[4], &[("location", "../../../../etc/passwd")]),
        ),
        (
            "weights beyond the end",
            weights_elsewhere(&[4], &[("location", "small.data"), ("offset", "1000000")]),
        ),
        (
            "weights at an offset that overflows",
            weights_elsewhere(
                &[4],
                &[
                    ("location", "small.data"),
                    ("offset", "18446744073709551600"),
                    ("length", "16"),
                ],
            ),
        ),
        (
            "weights at a negative offset",
            weights_elsewhere(&[4], &[("location", "small.data"), ("offset", "-8")]),
        ),
        (
            "weights that are short",
            weights_elsewhere(&[1 << 20], &[("location", "small.data")]),
        ),
        (
            "a constant inside that is absurd",
            graph(
                vec![
                    node(
                        "Constant",
                        &[],
                        &["c"],
                        vec![attribute_tensor("value", tensor("", FLOAT, &[1 << 50], &[0; 4]))],
                    ),
                    node("Add", &["x", "c"], &["y"], Vec::new()),
                ],
                Vec::new(),
            )
            .file(17),
        ),
        (
            "a million empty operators",
            file(
                Graph::default()
                    .message()
                    .bytes(12, &any().0)
                    .all(1, (0..1_000_000).map(|_| Message::default())),
                17,
                Vec::new(),
            ),
        ),
        ("chain of 3000", chain(3000)),
        ("chain of 20000", chain(20_000)),
        ("chain of 200000", chain(200_000)),
    ]
}

pub fn all() -> Vec<Case> {
    let case = |is_endless| {
        move |(name, bytes)| Case {
            name,
            bytes,
            is_endless,
        }
    };
    let ending = large().into_iter().chain(wrong()).map(case(false));
    ending.chain(endless().into_iter().map(case(true))).collect()
}
