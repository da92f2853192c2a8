//! Why nothing ran, and what a person can do about it.

/// Why nothing ran. Wording as the person sees it; every one fails closed.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The kernel would not build the fence, or not to the level required.
    #[error("cannot build the fence: {what}: {cause}")]
    Fence {
        /// The step that failed.
        what: String,
        /// The system's message.
        cause: String,
        /// What a person can do about it.
        mend: String,
    },
    /// The program is not there (exit 127).
    #[error("no such program: `{0}`")]
    NoProgram(String),
    /// The program cannot be executed (exit 126).
    #[error("cannot execute `{program}`: {cause}")]
    NotExecutable {
        /// As asked.
        program: String,
        /// The system's message.
        cause: String,
    },
    /// Guard runs inside a fence of its own.
    #[error("already inside a guard fence: run it directly")]
    AlreadyFenced,
    /// Anything else the system refused.
    #[error("{what}: {cause}")]
    System {
        /// What was tried.
        what: String,
        /// The system's message.
        cause: String,
    },
}

impl ExecuteError {
    /// What to do about it.
    pub fn mend(&self) -> Option<String> {
        match self {
            Self::Fence { mend, .. } => Some(mend.clone()),
            Self::NoProgram(_) => Some("look at its spelling and at `PATH`; install it if it is missing".into()),
            Self::NotExecutable { .. } => Some("name an executable file, or run it by its interpreter".into()),
            Self::AlreadyFenced | Self::System { .. } => None,
        }
    }
}
