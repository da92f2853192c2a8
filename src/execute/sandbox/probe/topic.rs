//! What a probe is about.
//! Knows no probes.

/// A part of what a fence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What a command changes in its project.
    Changes,
    /// What it writes elsewhere.
    Files,
    /// What it reads.
    Reads,
    /// What it reaches.
    Network,
    /// What it does to processes and the kernel.
    Processes,
    /// What it does to the terminal.
    Terminal,
    /// What it uses.
    Limits,
}

impl Topic {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 7] =
        [Self::Changes, Self::Files, Self::Reads, Self::Network, Self::Processes, Self::Terminal, Self::Limits];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Files => "files",
            Self::Reads => "reads",
            Self::Network => "network",
            Self::Processes => "processes",
            Self::Terminal => "terminal",
            Self::Limits => "limits",
        }
    }
}
