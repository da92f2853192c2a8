//! How much of a fence stands.

/// What the kernel was found to enforce, from strongest to weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// User, mount, pid and IPC namespaces, everything read-only but the project, a fresh `/proc`, Landlock, seccomp.
    Full,
    /// A mount namespace and seccomp; the pid namespace with its own `/proc`, or Landlock, is missing.
    Partial,
    /// No namespaces: Landlock and seccomp, and the tree is found by walking `/proc`.
    Landlock,
    /// No fence, where a rule's runner says so; never a step down. Time and end are kept as ever.
    None,
}

impl Level {
    /// Its name in logs and policies: `full`, `partial`, `landlock`; in logs also `none`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Landlock => "landlock",
            Self::None => "none",
        }
    }
}
