//! What is still written when the disk is full, into the reserve: how what was begun has ended.
//! Knows no files.

use crate::event::Detail;

/// Whether a record tells how something ended that was allowed to begin: it may use up the reserve.
pub(super) fn ends(detail: &Detail) -> bool {
    match detail {
        Detail::ReturnCode { .. }
        | Detail::Output { .. }
        | Detail::ConnectionRefused { .. }
        | Detail::HostReached { .. }
        | Detail::CallRefused { .. }
        | Detail::AgentEnded(_)
        | Detail::ShellEnd { .. }
        | Detail::ShellError { .. }
        | Detail::Lost { .. }
        | Detail::Escalated(_)
        | Detail::Recovered { .. }
        | Detail::LogFull {}
        | Detail::PoisonCleared { .. }
        | Detail::ChangeWithheld(_)
        | Detail::ChangeFinished(_)
        | Detail::IterationClosed(_)
        | Detail::QueryResult { .. }
        | Detail::QueryError { .. }
        | Detail::QueryEnd(_)
        | Detail::MigrationEnd(_)
        | Detail::PhaseStep(_)
        | Detail::PhaseEnded(_)
        | Detail::Checkpoint { .. } => true,
        Detail::Created { .. }
        | Detail::PolicyTrusted { .. }
        | Detail::ShellStart { .. }
        | Detail::AgentStarted(_)
        | Detail::QueryStart(_)
        | Detail::QueryRefused(_)
        | Detail::ModeSet(_)
        | Detail::PhaseStarted(_)
        | Detail::MigrationProposed(_)
        | Detail::MigrationStart(_)
        | Detail::MigrationDone(_)
        | Detail::MigrationRefused(_)
        | Detail::Unfenced { .. }
        | Detail::ChangeCommitted(_)
        | Detail::IterationStarted(_)
        | Detail::FileChanged { .. }
        | Detail::FileRefused { .. }
        | Detail::FileRead(_)
        | Detail::ShellRefused { .. }
        | Detail::Requested(_)
        | Detail::Approved { .. }
        | Detail::Denied { .. }
        | Detail::Consumed { .. }
        | Detail::Closed { .. }
        | Detail::Analysed { .. }
        | Detail::RuleAdded { .. }
        | Detail::ApproverChanged { .. }
        | Detail::Resumed { .. }
        | Detail::NotifyFailed { .. } => false,
    }
}
