//! Makes volumes for claims of the storage class `ssd`: folders for file systems, loop devices for block volumes. All nodes
//! share this machine's disk, so a volume follows its pod to any node, as a network disk does; and it grows on request.
//! Those of the class `local-ssd` stay on the node of their first pod, as a disk in that node does.
//!
//! A program of its own that goes on running: whenever a claim or a volume changes, it looks at all of them and does what
//! is missing, so that nothing is lost when it is killed in between.

mod decide;
mod disks;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::process::Daemon;
use crate::programs::Programs;
use crate::run::{self, SHORT};
use decide::{Claim, Deed};
use disks::Disks;

pub use decide::LOCAL_CLASS;
pub use disks::release_all;

/// The word by which the program knows that it is to make volumes.
pub const ROLE: &str = "provision-volumes";
/// The name of the storage class's provisioner.
const PROVISIONER: &str = "aerospike-operator/test-volumes";
/// Without a change everything is looked at again after this time, in case that one was missed.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// A watch that ended is begun again after this time.
const WATCH_AGAIN: Duration = Duration::from_secs(1);

/// The storage classes that manifests name; none is the default.
#[must_use]
pub fn storage_classes() -> String {
    let class = |name: &str, binding: &str| {
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": PROVISIONER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": binding,
            "allowVolumeExpansion": true,
        })
    };
    let classes = [
        class(decide::CLASS, "Immediate"),
        class(LOCAL_CLASS, "WaitForFirstConsumer"),
    ];
    json!({"apiVersion": "v1", "kind": "List", "items": classes}).to_string()
}

/// The program that makes volumes in the folder `state`.
///
/// # Errors
/// If this program does not know its own path.
pub fn daemon(state: &Path, programs: &Programs, kubeconfig: &Path) -> Result<Daemon> {
    let own = env::current_exe().context("this program has no path")?;
    let folder = state.join("volumes");
    let words = [own.as_path(), Path::new(ROLE), &folder, kubeconfig]
        .map(|word| word.to_string_lossy().into_owned());
    Ok(Daemon {
        name: "volumes".into(),
        space: None,
        command: [&words[..], &[programs.path("kubectl")]].concat(),
        reads: vec![kubeconfig.to_owned()],
    })
}

/// Makes volumes until it is killed, if this program was started to do so; every program of this package asks first.
#[must_use]
pub fn serve_if_asked() -> Option<ExitCode> {
    let words: Vec<_> = env::args().skip(1).collect();
    let [role, folder, kubeconfig, kubectl] = words.as_slice() else {
        return None;
    };
    (role == ROLE).then(|| {
        Provisioner {
            disks: Disks::new(folder.into()),
            kubectl: kubectl.into(),
            kubeconfig: kubeconfig.into(),
        }
        .serve()
    })
}

struct Provisioner {
    disks: Disks,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
}

impl Provisioner {
    fn serve(&self) -> ExitCode {
        let (wake, changes) = mpsc::channel();
        for kind in ["persistentvolumeclaims", "persistentvolumes"] {
            self.watch(kind, wake.clone());
        }
        loop {
            if let Err(error) = self.look() {
                eprintln!("{error:#}");
            }
            match changes.recv_timeout(LOOK_AGAIN) {
                Ok(()) => while changes.try_recv().is_ok() {},
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return ExitCode::FAILURE,
            }
        }
    }

    fn kubectl(&self, args: &[&str]) -> Command {
        let mut kubectl = run::command(&self.kubectl.to_string_lossy());
        kubectl.arg("--kubeconfig").arg(&self.kubeconfig).args(args);
        kubectl
    }

    /// A line for every change; what changed is not read from it.
    fn watch(&self, kind: &'static str, changed: Sender<()>) {
        let args = ["get", kind, "-A", "--watch", "--no-headers"];
        let mut kubectl = self.kubectl(&args);
        kubectl.stdin(Stdio::null()).stdout(Stdio::piped());
        thread::spawn(move || {
            loop {
                if let Ok(mut child) = kubectl.spawn() {
                    let lines = child.stdout.take().map(BufReader::new);
                    for _ in lines.into_iter().flat_map(BufRead::lines) {
                        if changed.send(()).is_err() {
                            return;
                        }
                    }
                    let _ = child.wait();
                }
                thread::sleep(WATCH_AGAIN);
            }
        });
    }

    fn look(&self) -> Result<()> {
        let list = self.list("persistentvolumeclaims")?;
        let volumes = self.list("persistentvolumes")?;
        for deed in decide::missing(&list, &volumes) {
            if let Err(error) = self.perform(&deed) {
                eprintln!("{deed:?}: {error:#}");
            }
        }
        Ok(())
    }

    fn list(&self, kind: &str) -> Result<Vec<Value>> {
        let args = ["get", kind, "-A", "-o", "json", "--request-timeout=10s"];
        let text = run::text(&mut self.kubectl(&args), SHORT)?;
        let list: Value = serde_json::from_str(&text)?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    fn perform(&self, deed: &Deed) -> Result<()> {
        match deed {
            Deed::Make(claim) => {
                let source = if claim.block {
                    let device = self.disks.device(&claim.uid, claim.bytes)?;
                    json!({"local": {"path": device}})
                } else {
                    let folder = self.disks.folder(&claim.uid)?;
                    json!({"hostPath": {"path": folder, "type": "Directory"}})
                };
                self.feed(&["create", "-f", "-"], &claim.volume(&source))
            }
            Deed::Grow(claim) => {
                if claim.block {
                    self.disks.device(&claim.uid, claim.bytes)?;
                }
                self.tell_capacity(claim)
            }
            Deed::Remove { volume, uid } => {
                self.disks.remove(uid)?;
                self.run(&["delete", "persistentvolume", volume, "--wait=false"])
            }
        }
    }

    fn tell_capacity(&self, claim: &Claim) -> Result<()> {
        let capacity = json!({"capacity": {"storage": claim.size}});
        let spec = json!({"spec": capacity}).to_string();
        let volume = claim.volume_name();
        self.run(&[
            "patch",
            "persistentvolume",
            &volume,
            "--type=merge",
            "-p",
            &spec,
        ])?;
        let status = json!({"status": capacity}).to_string();
        let which = [
            "-n",
            &claim.namespace,
            "patch",
            "persistentvolumeclaim",
            &claim.name,
        ];
        let how = ["--subresource=status", "--type=merge", "-p", &status];
        self.run(&[&which[..], &how[..]].concat())
    }

    fn run(&self, args: &[&str]) -> Result<()> {
        run::text(&mut self.kubectl(args), SHORT).map(drop)
    }

    fn feed(&self, args: &[&str], object: &Value) -> Result<()> {
        let answer = run::output(&mut self.kubectl(args), &object.to_string(), SHORT);
        answer.ok().map(drop)
    }
}
