// SPDX-License-Identifier: MPL-2.0

//! What the answer of a model is taken for.

/// What the answer of a model is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// Objects and where they are.
    Detect,
    /// Classes of the whole frame, or of a stretch of sound.
    Classify,
    /// A class or an object for each place of the frame.
    Segment,
    /// How far each place of the frame belongs to its foreground.
    Matte,
    /// One output that is a picture, of the frame's size times [`Model::scale`](super::Model::scale).
    Image,
    /// One output that is sound, as many samples as went in.
    Audio,
    /// One number.
    Score,
    /// A line of writing.
    Text,
    /// Anything else.
    Tensor,
}

impl Task {
    /// All tasks, in the order in which they are listed to users.
    pub const ALL: [Task; 9] = [
        Task::Detect,
        Task::Classify,
        Task::Segment,
        Task::Matte,
        Task::Image,
        Task::Audio,
        Task::Score,
        Task::Text,
        Task::Tensor,
    ];

    /// Returns the nick, as the `task` property spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Task::Detect => "detect",
            Task::Classify => "classify",
            Task::Segment => "segment",
            Task::Matte => "matte",
            Task::Image => "image",
            Task::Audio => "audio",
            Task::Score => "score",
            Task::Text => "text",
            Task::Tensor => "tensor",
        }
    }

    /// Returns the task of this nick.
    pub fn named(name: &str) -> Option<Task> {
        Task::ALL.into_iter().find(|task| task.name() == name)
    }

    /// Whether the answer takes the place of what went in. Of all other tasks, what went in passes and
    /// the outputs stay tensors, which somebody else decodes.
    pub const fn replaces(self) -> bool {
        matches!(self, Task::Image | Task::Audio)
    }
}

/// What the user wants the answer to be taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TaskChoice {
    /// What the model says in its metadata; else image or audio where the single output is a picture or
    /// sound; else tensor.
    #[default]
    Auto,
    Task(Task),
}
