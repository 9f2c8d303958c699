//! How a command ended, for programs.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all was done.
    Done,
    /// 1: it failed; standard error says why.
    Failed,
    /// 3: it was done, but not all is well: an audit found a breach, a line or a record was refused,
    /// a provider could not be settled. (2 is a wrong command line.)
    NotAllWell,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        match exit {
            Exit::Done => ExitCode::SUCCESS,
            Exit::Failed => ExitCode::FAILURE,
            Exit::NotAllWell => ExitCode::from(3),
        }
    }
}
