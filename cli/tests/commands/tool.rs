//! The tool, run in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with the documents of one test, in which the tool runs.
pub(crate) struct Folder(PathBuf);

/// The output and exit code of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Folder {
    /// A new folder of that name, empty.
    pub(crate) fn new(name: &str) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("commands").join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    /// The path of the folder, which is removed at the end.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a document.
    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).unwrap();
    }

    /// Runs the tool with the arguments that a line holds, parted by spaces.
    pub(crate) fn run(&self, line: &str) -> Ran {
        Ran::of(self.command(line).output().unwrap())
    }

    /// The same command, to be run.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steelyard"));
        command.args(line.split_whitespace()).current_dir(&self.0).stdin(Stdio::null());
        for rule in ["TIME_ZONE", "MONTH_CLOSE_DAY", "USAGE_RETENTION_DAYS"] {
            command.env_remove(rule);
        }
        for rule in [
            "DEBIT_TIME",
            "DEBIT_WINDOW_MINUTES",
            "DEBIT_MINIMUM_FEN",
            "ADJUSTMENTS_NEED_APPROVAL",
            "API_NAMES_MAX",
        ] {
            command.env_remove(rule);
        }
        for place in ["STEELYARD_ENDPOINT", "USAGE_TABLE", "BILLING_TABLE"] {
            command.env_remove(place);
        }
        command
    }
}

impl Ran {
    /// What came of a process.
    pub(crate) fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The standard output of a command that did everything, and had nothing to remark.
    pub(crate) fn done(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }
}
