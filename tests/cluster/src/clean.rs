//! Taking the cluster away: everything that bears its name, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::mount::{UnmountFlags, unmount};

use crate::paths::{NAME, RUN};
use crate::process::{kill, matching};
use crate::programs::Programs;
use crate::run::{self, SHORT, wait_until};
use crate::{network, volumes};

/// Programs that the cluster runs; one of them with a path of ours in its arguments is ours.
const OURS: &[&str] = &[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
    "containerd",
    "containerd-shim-runc-v2",
    "kubectl",
];

const LEFTOVERS: Duration = Duration::from_secs(15);

/// Ends and removes all of it.
///
/// # Errors
/// If something could not be removed.
pub fn remove_all(state: &Path, programs: &Programs) -> Result<()> {
    end_processes(state)?;
    forget_services(state, programs);
    unmount_all(&[state, Path::new(RUN)])?;
    remove_shim_sockets();
    network::remove()?;
    remove_control_groups()?;
    remove_links("/var/log/containers", state);
    remove_notes_of_networks();
    volumes::release_all(state);
    for folder in [state, Path::new(RUN)] {
        remove_folder(folder)?;
    }
    Ok(())
}

/// Kubelets and runtimes first: they would start again what ends.
fn end_processes(state: &Path) -> Result<()> {
    let state = state.to_string_lossy().into_owned();
    wait_until("the cluster's processes to end", LEFTOVERS, || {
        let mut left = matching(|words| is_ours(words, &state));
        left.extend(in_control_groups());
        for pid in &left {
            let _ = kill(*pid);
        }
        left.is_empty()
    })
}

fn is_ours(words: &[&str], state: &str) -> bool {
    let program = words[0].rsplit('/').next().unwrap_or_default();
    let below = |word: &str, folder: &str| word.contains(&format!("{folder}/"));
    let known = OURS.contains(&program) || words.get(1) == Some(&volumes::ROLE);
    known
        && words
            .iter()
            .any(|word| below(word, state) || below(word, RUN))
}

/// The proxy of the root network namespace leaves its rules in the machine's packet filter.
fn forget_services(state: &Path, programs: &Programs) {
    let proxy = programs.path("kube-proxy");
    if network::made_rules(state) && Path::new(&proxy).exists() {
        let _ = run::output(run::command(&proxy).arg("--cleanup"), "", SHORT);
    }
}

/// Shims listen in a folder that all runtimes of a machine share; each leaves a note of where.
fn remove_shim_sockets() {
    for task in folders_below(Path::new(RUN))
        .iter()
        .map(|folder| folder.join("address"))
    {
        let address = fs::read_to_string(task).unwrap_or_default();
        if let Some(socket) = address.trim().strip_prefix("unix:///run/containerd/s/") {
            let _ = fs::remove_file(Path::new("/run/containerd/s").join(socket));
        }
    }
}

fn unmount_all(below: &[&Path]) -> Result<()> {
    let mounts = fs::read_to_string("/proc/mounts").context("/proc/mounts could not be read")?;
    let points = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(unescape);
    let ours = points.filter(|point| {
        below
            .iter()
            .any(|folder| Path::new(point).starts_with(folder))
    });
    for point in ours.collect::<Vec<_>>().into_iter().rev() {
        unmount(&point, UnmountFlags::DETACH)
            .with_context(|| format!("{point} could not be unmounted"))?;
    }
    Ok(())
}

/// Blanks and backslashes are written in octal in the table of mounts.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ").replace("\\134", "\\")
}

fn in_control_groups() -> Vec<i32> {
    let files = control_groups()
        .into_iter()
        .map(|group| group.join("cgroup.procs"));
    let texts = files.map(|file| fs::read_to_string(file).unwrap_or_default());
    let mut pids: Vec<_> = texts
        .flat_map(|text| {
            text.lines()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// A control group goes when its children and its last process are gone.
fn remove_control_groups() -> Result<()> {
    wait_until("the containers' control groups to go", LEFTOVERS, || {
        let groups = control_groups();
        for group in groups.iter().rev() {
            let _ = fs::remove_dir(group);
        }
        groups.is_empty()
    })
}

/// All groups of containers, in every hierarchy (version 1) or the only one (version 2), parents first.
fn control_groups() -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let tops = hierarchies
        .chain([root.to_owned()])
        .map(|hierarchy| hierarchy.join(NAME));
    tops.filter(|top| top.is_dir() && !top.parent().is_some_and(Path::is_symlink))
        .flat_map(|top| folders_below(&top).into_iter())
        .collect()
}

/// A folder and all that are below it, parents first.
fn folders_below(top: &Path) -> Vec<PathBuf> {
    let mut all = vec![top.to_owned()];
    let mut next = 0;
    while let Some(folder) = all.get(next).cloned() {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        all.extend(folders.map(|entry| entry.path()));
        next += 1;
    }
    all
}

/// The kubelet links every container's log from a folder that it cannot be told.
fn remove_links(folder: &str, into: &Path) {
    for link in fs::read_dir(folder).into_iter().flatten().flatten() {
        if fs::read_link(link.path()).is_ok_and(|target| target.starts_with(into)) {
            let _ = fs::remove_file(link.path());
        }
    }
}

/// The network plugins note what they did, for which namespace, in a folder that all networks share.
fn remove_notes_of_networks() {
    let notes = fs::read_dir("/var/lib/cni/results").into_iter().flatten();
    for note in notes.flatten().map(|note| note.path()) {
        let text = fs::read_to_string(&note).unwrap_or_default();
        if text.contains(&format!("\"{RUN}/")) {
            let _ = fs::remove_file(note);
        }
    }
}

fn remove_folder(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let mut last = String::new();
    wait_until(
        &format!("{} to be removable", folder.display()),
        LEFTOVERS,
        || {
            let removed = fs::remove_dir_all(folder);
            last = removed
                .as_ref()
                .err()
                .map(ToString::to_string)
                .unwrap_or_default();
            removed.is_ok() || !folder.exists()
        },
    )
    .with_context(|| format!("{} could not be removed: {last}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_the_cluster_are_known_by_their_arguments() {
        assert!(is_ours(
            &["/cache/etcd", "--data-dir=/state/etcd"],
            "/state"
        ));
        let volumes = ["/target/scenarios", "provision-volumes", "/state/volumes"];
        assert!(is_ours(&volumes, "/state"));
        let shim = [
            "/usr/bin/containerd-shim-runc-v2",
            "-address",
            "/run/aerospike-operator/node1.sock",
        ];
        assert!(is_ours(&shim, "/state"));
    }

    #[test]
    fn programs_of_others_are_not_ours() {
        assert!(!is_ours(
            &["/usr/bin/etcd", "--data-dir=/var/lib/etcd"],
            "/state"
        ));
        assert!(!is_ours(&["vim", "/state/etcd.log"], "/state"));
        assert!(!is_ours(
            &["containerd", "--config", "/state2/containerd.toml"],
            "/state"
        ));
    }

    #[test]
    fn folders_are_listed_parents_first() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("a/b")).unwrap();
        let expected = ["", "a", "a/b"]
            .map(|path| top.path().join(path))
            .map(|path| path.components().collect::<PathBuf>());
        assert_eq!(folders_below(top.path()), expected);
    }

    #[test]
    fn mount_points_with_blanks_are_read() {
        assert_eq!(unescape("/a\\040b\\134c"), "/a b\\c");
    }
}
