//! What the machine must have, and getting it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::fs::{Access, access};

use crate::{progress, run};

const INSTALL: Duration = Duration::from_mins(10);

/// The bits of `CAP_NET_ADMIN` and `CAP_SYS_ADMIN`.
const NEEDED_CAPABILITIES: u64 = 1 << 12 | 1 << 21;

/// Where containers' groups are made: with version 1 of control groups and with version 2.
const CGROUPS: [&str; 2] = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/cgroup.procs"];

/// Programs (or files) that must be there, and the Debian package of each.
const NEEDED: &[(&str, &str)] = &[
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("/usr/lib/cni/ptp", "containernetworking-plugins"),
    ("/usr/lib/cni/portmap", "containernetworking-plugins"),
    ("conntrack", "conntrack"),
    ("socat", "socat"),
    ("losetup", "mount"),
    ("nsenter", "util-linux"),
    ("setsid", "util-linux"),
    ("sysctl", "procps"),
];

/// Programs that build others, and where to get them.
const TOOLS: &[(&str, &str)] = &[
    ("go", "Go 1.26 or newer (https://go.dev/dl)"),
    ("cargo", "Rust (https://rustup.rs)"),
];

/// Why a cluster cannot run on this machine; nothing if it can.
#[must_use]
pub fn why_not_here() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capable = capabilities(&status) & NEEDED_CAPABILITIES == NEEDED_CAPABILITIES;
    let writable = |folder: &str| access(folder, Access::WRITE_OK).is_ok();
    let conditions = [
        (cfg!(target_os = "linux"), "Linux"),
        (rustix::process::geteuid().is_root(), "root"),
        (
            capable,
            "the capabilities NET_ADMIN and SYS_ADMIN, which root lacks here",
        ),
        (
            CGROUPS.into_iter().any(writable),
            "control groups, and /sys/fs/cgroup is read-only here",
        ),
    ];
    let unmet = conditions.iter().find(|(holds, _)| !holds);
    unmet
        .map(|(_, what)| (*what).to_owned())
        .or_else(missing_tool)
        .or_else(missing_without_apt)
        .map(|what| format!("a test cluster needs {what}"))
}

fn missing_tool() -> Option<String> {
    let (tool, from) = TOOLS.iter().find(|(tool, _)| !is_there(tool))?;
    Some(format!("{tool} to build its programs: install {from}"))
}

fn missing_without_apt() -> Option<String> {
    let missing = missing_packages();
    let out_of_reach = !missing.is_empty() && !is_there("apt-get");
    out_of_reach.then(|| {
        format!(
            "what the Debian packages {} hold; install that",
            missing.join(", ")
        )
    })
}

/// Installs the Debian packages that are missing.
///
/// # Errors
/// If this machine can run no cluster, or an installation failed.
pub fn setup() -> Result<()> {
    if let Some(reason) = why_not_here() {
        bail!("{reason}");
    }
    let missing = missing_packages();
    if missing.is_empty() {
        return Ok(());
    }
    progress(&format!("installing {} (about 20 s)", missing.join(", ")));
    apt(&["update"])?;
    let install = ["install", "--yes", "--no-install-recommends"];
    apt(&[&install[..], &missing].concat())
        .with_context(|| format!("install {} by hand, then try again", missing.join(", ")))
}

fn apt(args: &[&str]) -> Result<()> {
    let mut command: Command = run::command("apt-get");
    run::text(
        command
            .arg("--quiet")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive"),
        INSTALL,
    )
    .map(drop)
}

fn missing_packages() -> Vec<&'static str> {
    let mut packages: Vec<_> = NEEDED
        .iter()
        .filter(|(file, _)| !is_there(file))
        .map(|(_, package)| *package)
        .collect();
    packages.dedup();
    packages
}

fn is_there(program: &str) -> bool {
    run::search_path()
        .split(':')
        .any(|folder| Path::new(folder).join(program).is_file())
}

fn capabilities(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capabilities_of_a_process_are_read_from_its_status() {
        let status = "Name:\tcluster\nCapPrm:\t0000000000000000\nCapEff:\t0000000000201000\n";
        assert_eq!(capabilities(status), NEEDED_CAPABILITIES);
        assert_eq!(capabilities("nonsense"), 0);
    }

    #[test]
    fn programs_are_found_by_name_and_by_path() {
        assert!(is_there("sh") && is_there("/proc/self/status"));
        assert!(!is_there("no-such-program"));
    }
}
