//! How a command ended, for programs.

use std::process::ExitCode;

/// The exit code of a command, which scripts read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all was done.
    Done,
    /// 1: it failed; standard error says why.
    Failed,
    /// 2: the command line is wrong.
    WrongCommandLine,
    /// 3: it was done, but a person must look: an audit found a breach, a line or a record was
    /// refused, a provider could not be settled, an item cannot be read.
    NotAllWell,
}

impl Exit {
    /// The end of a command that did its work.
    pub(crate) const fn done(is_well: bool) -> Exit {
        if is_well { Exit::Done } else { Exit::NotAllWell }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        match exit {
            Exit::Done => ExitCode::SUCCESS,
            Exit::Failed => ExitCode::FAILURE,
            Exit::WrongCommandLine => ExitCode::from(2),
            Exit::NotAllWell => ExitCode::from(3),
        }
    }
}
