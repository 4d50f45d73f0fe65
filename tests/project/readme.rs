// SPDX-License-Identifier: MPL-2.0

//! The README and what it leads to say what is so: launch lines run as they stand (but with the demo's clip, a test
//! picture for the camera and no window, and only until some frames have come out), links lead somewhere, and the
//! options and messages are those that there are.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use gst::glib;
use gst::prelude::*;

use crate::support::init;
use crate::support::server::Server;

/// The elements and tracers, and where they are documented in the code.
const PARTS: &[(&str, &str)] = &[
    ("avrec-infer", "src/elements/infer/mod.rs"),
    ("avrec-probe", "src/elements/probe/mod.rs"),
    ("avrec-switch", "src/elements/switch/mod.rs"),
    ("avrec-fuse", "src/elements/fuse/mod.rs"),
    ("avrec-metrics", "src/metrics/mod.rs"),
    ("avrec-spans", "src/spans/mod.rs"),
];

const TRACERS: [&str; 2] = ["avrec-metrics", "avrec-spans"];

/// Tracers that a build need not have, and whether this one has them.
const OPTIONAL: [(&str, bool); 2] = [
    ("avrec-metrics", cfg!(feature = "metrics")),
    ("avrec-spans", cfg!(feature = "opentelemetry")),
];

/// Frames after which a line has shown that it runs.
const FRAMES: u32 = 12;

#[test]
fn each_launch_line_of_the_readme_and_docs_runs() {
    init();
    assert!(
        3 <= launch_lines(&read("README.md")).len(),
        "launch lines of the README"
    );
    let mut lines: Vec<Line> = pages().iter().flat_map(|it| launch_lines(&read(it))).collect();
    lines.extend(PARTS.iter().flat_map(|it| launch_lines(&documentation(it.1))));
    assert!(25 <= lines.len(), "only {} launch lines", lines.len());
    lines.retain(|line| {
        !OPTIONAL
            .iter()
            .any(|(name, is_there)| !is_there && line.names(name))
    });
    let failed: Vec<String> = lines.iter().filter_map(|line| run(line).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn each_element_has_two_launch_lines_on_its_page_and_at_its_code_and_each_tracer_one() {
    let page = read("docs/elements.md");
    for (name, file) in PARTS {
        let (told, wanted) = match page.split(&format!("\n## {name}\n")).nth(1) {
            Some(section) => (section.split("\n## ").next().unwrap().to_owned(), 2),
            None => (read("docs/monitoring/README.md"), 1),
        };
        for text in [told, documentation(file)] {
            let lines = launch_lines(&text);
            let with_it = lines.iter().filter(|it| it.names(name)).count();
            assert!(wanted <= with_it, "{name} in {file} or on its page: {lines:?}");
        }
    }
}

#[test]
fn a_line_that_fails_is_told() {
    init();
    let lines = launch_lines(
        "```sh\ngst-launch-1.0 -m filesrc location=/no/such/file \\\n ! fakesink\n```\n```text\ngst-launch-1.0 x\n```",
    );
    assert_eq!(lines.len(), 1);
    let failure = run(&lines[0]).unwrap_err();
    assert!(failure.contains("/no/such/file"), "{failure}");
    let lines = launch_lines("```sh\ngst-launch-1.0 no-such-element\n```");
    let failure = run(&lines[0]).unwrap_err();
    assert!(failure.contains("no-such-element"), "{failure}");
    // A program without the tracer never says that it is there.
    let lines = launch_lines(
        "```sh\nGST_TRACERS=no-such-tracer gst-launch-1.0 fakesrc num-buffers=1 ! fakesink\n```",
    );
    let failure = run(&lines[0]).unwrap_err();
    assert!(failure.contains("no-such-tracer"), "{failure}");
}

#[test]
fn what_the_pages_link_to_exists() {
    let broken: Vec<String> = pages()
        .iter()
        .flat_map(|page| {
            let links = links(&read(page));
            let broken = links.into_iter().filter(|it| !leads_somewhere(page, it));
            broken.map(|it| format!("{page}: {it}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));

    assert!(leads_somewhere("docs/command.md", "figures.md#the-choice"));
    assert!(!leads_somewhere("docs/command.md", "figures.md#no-such-heading"));
    assert!(
        !leads_somewhere("docs/command.md", "README.md"),
        "from its own folder"
    );
}

#[test]
fn the_options_of_the_command_are_those_of_its_page() {
    let page = read("docs/command.md");
    for command in ["run", "replay"] {
        let section = page.split(&format!("\n## avrec {command}\n")).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let told = section.lines().filter_map(|it| it.strip_prefix("| `--"));
        let told: BTreeSet<&str> = told.filter_map(|it| it.split([' ', '`']).next()).collect();

        let help = Command::new(env!("CARGO_BIN_EXE_avrec"))
            .args([command, "--help"])
            .output()
            .unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        // An option stands at the start of its line; what follows the list mentions some of them again.
        let lines = help.lines().map(str::trim_start);
        let options = lines.map(|it| it.strip_prefix("-q, ").unwrap_or(it));
        let options: BTreeSet<&str> = options
            .filter_map(|it| it.strip_prefix("--"))
            .filter_map(|it| it.split([' ', '=']).next())
            .filter(|it| *it != "help")
            .collect();
        assert_eq!(told, options, "avrec {command}");
    }
}

#[test]
fn the_messages_are_those_of_their_page() {
    let page = read("docs/messages.md");
    let told: BTreeSet<String> = names_between(&page, "### `avrec/", '`').collect();
    let heard: BTreeSet<String> = names_between(&read("docs/application.md"), "`avrec/", '`').collect();
    assert!(heard.is_subset(&told), "{heard:?}");
    let known: BTreeSet<String> = rust_files(&root().join("src"))
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            // Tests inside a file, which stand at its end, make up names.
            let code = text.split("mod tests {").next().unwrap();
            names_between(code, "\"avrec/", '"').collect::<Vec<_>>()
        })
        .collect();
    assert!(known.contains("switch") && known.contains("tensors"), "{known:?}");
    assert_eq!(told, known);
}

#[test]
fn what_the_architecture_names_exists() {
    let named = paths_named(&read("ARCHITECTURE.md"));
    assert!(30 <= named.len(), "only {} paths", named.len());
    let missing: Vec<&String> = named.iter().filter(|it| !root().join(it).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");

    let text = "### `src/x`\n| `a.rs`, `b/` | `c.rs` |\nas `src/d.rs` or `e.rs`";
    assert_eq!(
        paths_named(text).into_iter().collect::<Vec<_>>(),
        ["src/d.rs", "src/x", "src/x/a.rs", "src/x/b/"]
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
fn read(page: &str) -> String {
    let path = root().join(page);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages that are for readers, by their places in the repository.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|it| format!("docs/{}", it.unwrap().file_name().into_string().unwrap()))
        .filter(|it| it.ends_with(".md"))
        .collect();
    assert!(5 <= pages.len(), "{pages:?}");
    pages.extend(
        [
            "README.md",
            "ARCHITECTURE.md",
            "CHANGELOG.md",
            "docs/monitoring/README.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
            "models/README.md",
            "examples/media/README.md",
        ]
        .map(str::to_owned),
    );
    pages
}

/// Where the links and pictures of a Markdown text lead.
fn links(markdown: &str) -> Vec<String> {
    let rests = markdown.split("](").skip(1);
    rests
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

/// Whether a link of a page leads to a file, and to a heading in it where it names one. The web is not asked.
fn leads_somewhere(page: &str, link: &str) -> bool {
    if link.starts_with("http") {
        return true;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => root().join(page),
        file => root().join(page).with_file_name("").join(file),
    };
    let Ok(text) = std::fs::read(&target) else {
        return target.is_dir() && heading.is_empty();
    };
    heading.is_empty()
        || String::from_utf8_lossy(&text)
            .lines()
            .any(|it| anchor(it) == heading)
}

/// What a heading is called in a link: small letters, hyphens for blanks, nothing else.
fn anchor(line: &str) -> String {
    if !line.starts_with('#') {
        return String::new();
    }
    let title = line.trim_start_matches('#').trim().to_lowercase();
    title
        .chars()
        .filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-'))
        .map(|it| if it == ' ' { '-' } else { it })
        .collect()
}

/// The paths in backticks of a Markdown text. What stands first in a row of a table lies below the folder that the
/// heading names.
fn paths_named(markdown: &str) -> BTreeSet<String> {
    let roots = ["src", "tests", "benches", "docs", "models", "examples", "scripts"];
    let mut folder = "";
    let mut paths = BTreeSet::new();
    for line in markdown.lines() {
        if line.starts_with('#') {
            folder = line.split('`').nth(1).unwrap_or_default();
        }
        let row = line.strip_prefix('|').and_then(|it| it.split('|').next());
        let words = row.unwrap_or(line).split('`').skip(1).step_by(2);
        for word in words.filter(|it| !it.contains(' ')) {
            if row.is_some() {
                paths.insert(format!("{folder}/{word}"));
            } else if roots.contains(&word.split('/').next().unwrap_or_default()) {
                paths.insert(word.to_owned());
            }
        }
    }
    paths
}

/// What stands in a text between a start and the next end.
fn names_between<'a>(text: &'a str, start: &'a str, end: char) -> impl Iterator<Item = String> + 'a {
    let rests = text.split(start).skip(1);
    rests
        .filter_map(move |rest| rest.split(end).next())
        .filter(|it| !it.is_empty() && it.chars().all(|it| it.is_ascii_lowercase() || it == '-'))
        .map(str::to_owned)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    entries
        .flat_map(|it| match it.is_dir() {
            true => rust_files(&it),
            false => vec![it],
        })
        .filter(|it| it.extension().is_some_and(|it| it == "rs"))
        .collect()
}

/// A launch line as words.
#[derive(Debug)]
struct Line {
    /// What is set for the program, as `NAME=value`.
    environment: Vec<String>,
    /// The description, without `gst-launch-1.0` and its options.
    description: Vec<String>,
}

impl Line {
    /// Whether it has this element, or this tracer.
    fn names(&self, name: &str) -> bool {
        let is_it = |word: &String| word == name || word.strip_prefix(name) == Some(".(");
        let starts_it = |it: &String| it.split('=').nth(1).is_some_and(|it| it.starts_with(name));
        self.description.iter().any(is_it) || self.environment.iter().any(starts_it)
    }
}

/// What stands at the head of a source file, as Markdown.
fn documentation(file: &str) -> String {
    let text = read(file);
    let lines = text.lines().filter_map(|it| it.strip_prefix("//!"));
    lines
        .map(|it| format!("{}\n", it.strip_prefix(' ').unwrap_or(it)))
        .collect()
}

/// The launch lines in the shell blocks of a Markdown text.
fn launch_lines(markdown: &str) -> Vec<Line> {
    let blocks = markdown
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let commands = blocks.flat_map(|block| {
        let joined = block.replace("\\\n", " ");
        joined.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    commands
        .filter(|it| it.contains("gst-launch-1.0"))
        .map(|it| {
            let words = glib::shell_parse_argv(&it).unwrap();
            let mut words = words.into_iter().map(|it| it.into_string().unwrap());
            Line {
                environment: words.by_ref().take_while(|it| it != "gst-launch-1.0").collect(),
                description: words.skip_while(|it| it.starts_with('-')).collect(),
            }
        })
        .collect()
}

/// Runs a line until some frames have reached a sink, or the stream ends; an error names the line.
fn run(line: &Line) -> Result<(), String> {
    let adapted: Vec<String> = line.description.iter().map(|it| adapt(it)).collect();
    if !line.environment.is_empty() {
        return run_with_tracer(&line.environment, &adapted);
    }
    let line = adapted.join(" ");
    let words: Vec<&str> = adapted.iter().map(String::as_str).collect();
    let parsed = gst::parse::launchv(&words).map_err(|error| format!("{line}\n{error}"))?;
    let pipeline = parsed
        .downcast::<gst::Pipeline>()
        .map_err(|_| format!("{line}\nis no pipeline"))?;
    let sinks = pipeline.iterate_sinks().into_iter().filter_map(Result::ok);
    for pad in sinks.flat_map(|it| it.sink_pads()) {
        count(&pad, &pipeline);
    }
    let started = pipeline.set_state(gst::State::Playing);
    let ended = wait(&pipeline.bus().unwrap());
    // Stopping cannot fail.
    let _ = pipeline.set_state(gst::State::Null);
    match started {
        Ok(_) => ended.map_err(|error| format!("{line}\n{error}")),
        Err(_) => Err(format!("{line}\n{}", ended.err().unwrap_or_default())),
    }
}

/// Runs a line with a tracer, which only a program of its own gets, until the tracer says that it is at work.
fn run_with_tracer(environment: &[String], description: &[String]) -> Result<(), String> {
    let line = format!("{} {}", environment.join(" "), description.join(" "));
    let variables = environment.iter().filter_map(|it| it.split_once('='));
    let mut program = Command::new("gst-launch-1.0")
        .args(description)
        // Any port that is free.
        .envs(variables.map(|(name, value)| (name, value.replace("port=9464", "port=0"))))
        .env("GST_DEBUG", TRACERS.map(|it| format!("{it}:4")).join(","))
        .env("GST_DEBUG_NO_COLOR", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(program.stderr.take().unwrap()).lines();
    let mut told = lines.map_while(Result::ok);
    let is_at_work = |it: String| it.contains("INFO") && it.contains("http://127.0.0.1:");
    let is_heard = told.any(is_at_work);
    // It may have ended by itself.
    let _ = program.kill();
    let _ = program.wait();
    is_heard
        .then_some(())
        .ok_or(format!("{line}\nends, and no tracer was at work"))
}

/// Replaces what a test machine does not have.
fn adapt(word: &str) -> String {
    match word {
        "autovideosink" => "fakesink".to_owned(),
        "v4l2src" => "videotestsrc".to_owned(),
        // What a test writes does not stay.
        "location=clean.wav" => "location=/dev/null".to_owned(),
        "location=in.mp4" => format!("location={}", clip().display()),
        _ if word.contains(SERVER) => word.replace(SERVER, &format!("127.0.0.1:{}", server().port())),
        // Where the package for Debian puts models and examples, as they are in the source.
        _ if word.contains(INSTALLED) => word.replace(INSTALLED, &root().display().to_string()),
        _ => match word.split_once("models/") {
            Some(_) => word.replace("models/", &format!("{}/models/", root().display())),
            None => word.to_owned(),
        },
    }
}

const INSTALLED: &str = "/usr/share/avrec";

/// The server of the examples.
const SERVER: &str = "127.0.0.1:8001";

/// One that inverts pictures, whatever they are called.
fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(|| {
        let server = Server::start();
        server.set(|it| (it.input.1, it.output.1) = (vec![1, 1, -1, -1], vec![1, 1, -1, -1]));
        server
    });
    &SERVER
}

fn clip() -> PathBuf {
    let clip =
        std::env::var_os("AVREC_CLIP").map_or_else(|| root().join(".cache/bigbuckbunny.mp4"), PathBuf::from);
    assert!(
        clip.is_file(),
        "{} is missing; `make setup` fetches it",
        clip.display()
    );
    clip
}

/// Posts an application message when enough frames have come.
fn count(pad: &gst::Pad, pipeline: &gst::Pipeline) {
    let seen = AtomicU32::new(0);
    let pipeline = pipeline.downgrade();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        if seen.fetch_add(1, Ordering::Relaxed) + 1 == FRAMES
            && let Some(pipeline) = pipeline.upgrade()
        {
            let structure = gst::Structure::new_empty("enough");
            // Refused only when the pipeline stops, and then nobody waits.
            let _ = pipeline.post_message(gst::message::Application::new(structure));
        }
        gst::PadProbeReturn::Ok
    });
}

/// Waits for enough frames, or for the end of a stream that has fewer.
fn wait(bus: &gst::Bus) -> Result<(), String> {
    while let Some(message) = bus.timed_pop(gst::ClockTime::from_seconds(60)) {
        match message.view() {
            gst::MessageView::Application(_) | gst::MessageView::Eos(_) => return Ok(()),
            gst::MessageView::Error(it) => {
                return Err(format!("{} {}", it.error(), it.debug().unwrap_or_default()));
            }
            gst::MessageView::Element(it) => match it.structure() {
                Some(structure) if structure.name() == "avrec/candidate-failed" => {
                    return Err(structure.to_string());
                }
                _ => {}
            },
            _ => {}
        }
    }
    Err("no frames within a minute".to_owned())
}
