//! Agents: how each is started, told what to do, and understood.
//! Knows no processes.
