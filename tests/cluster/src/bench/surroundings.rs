//! Where, when and of what the figures are.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::paths;
use crate::run::{self, SHORT};

/// Where, when and of what the figures are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    processor: String,
    cores: usize,
    memory: String,
    kernel: String,
    commit: String,
    date: String,
}

impl Surroundings {
    /// Looks around.
    ///
    /// # Errors
    /// If this is no checkout, or `/proc` cannot be read.
    pub fn look() -> Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        Ok(Self {
            processor: processor(&processors),
            cores: std::thread::available_parallelism()?.get(),
            memory: memory(&fs::read_to_string("/proc/meminfo")?),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .into(),
            commit: commit()?,
            date: run::run("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?
                .trim()
                .into(),
        })
    }

    /// As rows of a table.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, String); 6] {
        [
            ("processor", self.processor.clone()),
            ("cores", self.cores.to_string()),
            ("memory", self.memory.clone()),
            ("kernel", self.kernel.clone()),
            ("commit", self.commit.clone()),
            ("date", self.date.clone()),
        ]
    }
}

fn commit() -> Result<String> {
    let git = |args: &[&str]| {
        let mut git: Command = run::command("git");
        run::text(git.current_dir(paths::checkout()).args(args), SHORT)
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--", ".", ":!BENCHMARKS.md"])?;
    let dirty = if changes.is_empty() { "" } else { " (dirty)" };
    Ok(format!("{}{dirty}", commit.trim()))
}

fn processor(cpuinfo: &str) -> String {
    let fields = ["model name", "Model", "Hardware"];
    let after = |field: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(field))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let found = fields.into_iter().find_map(after);
    found.unwrap_or_else(|| format!("unknown {}", std::env::consts::ARCH))
}

fn memory(meminfo: &str) -> String {
    match kib(meminfo, "MemTotal:") {
        #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
        Some(kib) => format!("{:.1} GiB", kib as f64 / f64::from(1 << 20)),
        None => "unknown".into(),
    }
}

/// A size from a file of `/proc`, in KiB.
#[must_use]
pub fn kib(text: &str, field: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(field))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named() {
        let cpuinfo = "processor\t: 0\nvendor_id\t: X\nmodel name\t: Some CPU @ 2.0GHz\n";
        assert_eq!(processor(cpuinfo), "Some CPU @ 2.0GHz");
        assert!(processor("processor\t: 0\n").starts_with("unknown "));
    }

    #[test]
    fn sizes_are_read_in_kib() {
        let status = "Name:\tx\nVmRSS:\t   12345 kB\nThreads:\t2\n";
        assert_eq!(kib(status, "VmRSS:"), Some(12345));
        assert_eq!(kib(status, "Threads:"), None);
        assert_eq!(kib(status, "VmHWM:"), None);
    }

    #[test]
    fn memory_is_shown_in_gib() {
        assert_eq!(memory("MemTotal:       25165824 kB\n"), "24.0 GiB");
    }
}
