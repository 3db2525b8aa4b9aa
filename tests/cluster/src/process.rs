//! Programs that go on running after the command that started them, and that are found again by pid and start time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::digest;
use crate::run::{command, wait_until};

/// How much of a line of a log fits into a message.
const LAST_WORDS: usize = 400;

const GONE: Duration = Duration::from_secs(10);

/// A program that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Its name: the log is `<name>.log` in the state folder.
    pub name: String,
    /// The network namespace that it runs in, if it has one of its own.
    pub space: Option<String>,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Files that it reads only at its start: when they change, it is started anew.
    pub reads: Vec<PathBuf>,
}

/// What is known about a started program.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    pid: i32,
    started: u64,
    boot: String,
    fingerprint: String,
}

impl Daemon {
    /// Starts it unless it runs with the same arguments and files. Says whether it was started.
    ///
    /// # Errors
    /// If it could not be started, or its predecessor not be ended.
    pub fn ensure(&self, state: &Path) -> Result<bool> {
        if self.runs(state) {
            return Ok(false);
        }
        self.stop(state)?;
        self.start(state)
            .with_context(|| format!("{} could not be started", self.name))?;
        Ok(true)
    }

    /// Whether it runs with the same arguments and files.
    #[must_use]
    pub fn runs(&self, state: &Path) -> bool {
        self.record(state)
            .is_some_and(|record| record.is_alive() && record.fingerprint == self.fingerprint())
    }

    /// Kills it, if it runs, and waits until it is gone. A command that was interrupted may have left one that nobody noted.
    ///
    /// # Errors
    /// If it could not be killed.
    pub fn stop(&self, state: &Path) -> Result<()> {
        wait_until(&format!("{} to end", self.name), GONE, || {
            let left = self.found(state);
            for pid in &left {
                let _ = kill(*pid);
            }
            left.is_empty()
        })
    }

    /// The end of its log, for a message about its failure.
    #[must_use]
    pub fn last_words(&self, state: &Path) -> String {
        let path = self.log(state);
        let log = fs::read(&path).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let last = log.lines().last().unwrap_or_default();
        let last: String = last.chars().take(LAST_WORDS).collect();
        format!("its log {} ends with `{last}`", path.display())
    }

    /// A process that is just being started has the same arguments behind the names of what starts it.
    fn found(&self, state: &Path) -> Vec<i32> {
        let noted = self.record(state).filter(Record::is_alive);
        let mut pids = matching(|words| {
            let others = words.len().saturating_sub(self.command.len());
            self.command == words[others..]
        });
        pids.extend(noted.map(|record| record.pid));
        pids
    }

    fn start(&self, state: &Path) -> Result<()> {
        let path = self.log(state);
        fs::create_dir_all(path.parent().unwrap_or(state))?;
        let log = File::options().create(true).append(true).open(path)?;
        let child = command("setsid")
            .args(self.entrance())
            .args(&self.command)
            .current_dir(state)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let pid = i32::try_from(child.id())?;
        let record = Record {
            pid,
            started: started(pid).context("it ended at once")?,
            boot: boot(),
            fingerprint: self.fingerprint(),
        };
        Ok(fs::write(
            self.record_path(state),
            serde_json::to_vec(&record)?,
        )?)
    }

    /// `nsenter` and not `ip netns exec`: that would mount `/sys` anew, without the control groups.
    fn entrance(&self) -> Vec<String> {
        let net = |space| vec!["nsenter".to_owned(), format!("--net=/run/netns/{space}")];
        self.space.as_ref().map(net).unwrap_or_default()
    }

    fn fingerprint(&self) -> String {
        let mut text = self.command.join("\n");
        for path in &self.reads {
            text.push_str(&digest::hex(&fs::read(path).unwrap_or_default()));
        }
        digest::hex(text.as_bytes())
    }

    fn record(&self, state: &Path) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.record_path(state)).ok()?).ok()
    }

    fn record_path(&self, state: &Path) -> PathBuf {
        state.join(format!("{}.process", self.name))
    }

    fn log(&self, state: &Path) -> PathBuf {
        state.join(format!("{}.log", self.name))
    }
}

impl Record {
    /// A pid alone may belong to a stranger by now.
    fn is_alive(&self) -> bool {
        self.boot == boot() && started(self.pid) == Some(self.started)
    }
}

/// Kills a process at once; one that has ended already is no error.
///
/// # Errors
/// If the kernel forbids it.
pub fn kill(pid: i32) -> Result<()> {
    let process = Pid::from_raw(pid).context("a process has a pid above 0")?;
    match kill_process(process, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("process {pid} could not be killed")),
    }
}

/// The processes whose arguments satisfy `wanted`.
#[must_use]
pub fn matching(wanted: impl Fn(&[&str]) -> bool) -> Vec<i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            let words: Vec<_> = line.split_terminator('\0').collect();
            !words.is_empty() && wanted(&words)
        })
        .collect()
}

fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// When a process that has not ended was started, in clock ticks since boot.
fn started(pid: i32) -> Option<u64> {
    start_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// A program's name, in parentheses, may hold anything; what follows is fixed.
fn start_time(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    let has_ended = matches!(*fields.first()?, "Z" | "X");
    if has_ended {
        None
    } else {
        fields.get(19)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(seconds: &str) -> Daemon {
        Daemon {
            name: "sleeper".into(),
            space: None,
            command: vec!["sleep".into(), seconds.into()],
            reads: Vec::new(),
        }
    }

    #[test]
    fn the_start_time_is_found_behind_any_program_name() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(start_time(&format!("12 (a) b) {fields}")), Some(4711));
    }

    #[test]
    fn a_zombie_does_not_run() {
        let fields = "Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(start_time(&format!("12 (sleep) {fields}")), None);
        assert_eq!(start_time("nonsense"), None);
    }

    #[test]
    fn a_daemon_is_started_once_and_stopped() {
        let state = tempfile::tempdir().unwrap();
        let daemon = sleeper("1000");
        assert!(daemon.ensure(state.path()).unwrap());
        assert!(!daemon.ensure(state.path()).unwrap());
        daemon.stop(state.path()).unwrap();
        assert!(!daemon.runs(state.path()));
    }

    #[test]
    fn a_daemon_with_other_arguments_is_started_anew() {
        let state = tempfile::tempdir().unwrap();
        assert!(sleeper("1002").ensure(state.path()).unwrap());
        let other = sleeper("1003");
        assert!(other.ensure(state.path()).unwrap());
        other.stop(state.path()).unwrap();
    }

    #[test]
    fn a_daemon_that_nobody_noted_is_stopped_too() {
        let state = tempfile::tempdir().unwrap();
        let daemon = sleeper("1004");
        daemon.ensure(state.path()).unwrap();
        fs::remove_file(daemon.record_path(state.path())).unwrap();
        daemon.stop(state.path()).unwrap();
        assert_eq!(daemon.found(state.path()), Vec::<i32>::new());
    }

    #[test]
    fn a_pid_that_somebody_else_has_by_now_is_left_alone() {
        let state = tempfile::tempdir().unwrap();
        let daemon = sleeper("1005");
        let me = i32::try_from(std::process::id()).unwrap();
        let record = Record {
            pid: me,
            started: started(me).unwrap() + 1,
            boot: boot(),
            fingerprint: daemon.fingerprint(),
        };
        fs::write(
            daemon.record_path(state.path()),
            serde_json::to_vec(&record).unwrap(),
        )
        .unwrap();
        assert!(!daemon.runs(state.path()));
        daemon.stop(state.path()).unwrap();
    }
}
