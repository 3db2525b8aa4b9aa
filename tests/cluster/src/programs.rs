//! The programs of Kubernetes, built once from Go modules into the cache, and the `pause` of every pod.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::{digest, paths, progress, run};

const VERSION: &str = "v1.35.4";
const BUILD: Duration = Duration::from_mins(45);

/// The Go modules, and the source of `pause`: path below the sources, text.
const SOURCES: &[(&str, &str)] = &[
    ("kubernetes/go.mod", include_str!("../kubernetes/go.mod")),
    ("kubernetes/go.sum", include_str!("../kubernetes/go.sum")),
    ("etcd/go.mod", include_str!("../kubernetes/etcd/go.mod")),
    ("etcd/go.sum", include_str!("../kubernetes/etcd/go.sum")),
    ("dns/go.mod", include_str!("../kubernetes/dns/go.mod")),
    ("dns/go.sum", include_str!("../kubernetes/dns/go.sum")),
    ("dns/main.go", include_str!("../kubernetes/dns/main.go")),
    ("pause.rs", include_str!("bin/pause.rs")),
];

/// What Go builds: program, module, package.
const GO: &[(&str, &str, &str)] = &[
    ("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
    (
        "kube-apiserver",
        "kubernetes",
        "k8s.io/kubernetes/cmd/kube-apiserver",
    ),
    (
        "kube-controller-manager",
        "kubernetes",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
    ),
    (
        "kube-scheduler",
        "kubernetes",
        "k8s.io/kubernetes/cmd/kube-scheduler",
    ),
    ("kubelet", "kubernetes", "k8s.io/kubernetes/cmd/kubelet"),
    (
        "kube-proxy",
        "kubernetes",
        "k8s.io/kubernetes/cmd/kube-proxy",
    ),
    ("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl"),
    ("coredns", "dns", "."),
];

/// The folder of programs that were all built.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Finds the programs in the cache, and builds those that are missing.
    ///
    /// # Errors
    /// If one could not be built.
    pub fn ensure() -> Result<Self> {
        let programs = Self::in_cache(&paths::cache()?);
        let missing = programs.missing();
        if !missing.is_empty() {
            programs.build(&missing)?;
        }
        Ok(programs)
    }

    /// The place of the programs in a cache folder; they need not be there.
    #[must_use]
    pub fn in_cache(cache: &Path) -> Self {
        Self {
            folder: cache.join(format!("kubernetes-{}", fingerprint())),
        }
    }

    /// Where a program lies.
    #[must_use]
    pub fn path(&self, program: &str) -> String {
        self.folder.join(program).to_string_lossy().into_owned()
    }

    fn missing(&self) -> Vec<&'static str> {
        let all = GO.iter().map(|(program, ..)| *program).chain(["pause"]);
        all.filter(|program| !self.folder.join(program).exists())
            .collect()
    }

    fn build(&self, missing: &[&str]) -> Result<()> {
        progress(&format!(
            "building {} of {} programs of Kubernetes {VERSION} into {} (from nothing about 10 minutes on 2 cores; once)",
            missing.len(),
            GO.len() + 1,
            self.folder.display()
        ));
        let sources = self.folder.join("sources");
        write_sources(&sources)?;
        for program in missing {
            let since = Instant::now();
            self.build_one(program, &sources).with_context(|| {
                format!("{program} could not be built; what is built is kept, so try again")
            })?;
            progress(&format!(
                "built {program} in {} s",
                since.elapsed().as_secs()
            ));
        }
        Ok(())
    }

    /// A program appears under its name when it is whole.
    fn build_one(&self, program: &str, sources: &Path) -> Result<()> {
        let partial = self.folder.join(format!("{program}.partial"));
        let go = GO.iter().find(|(name, ..)| *name == program);
        let mut command = match go {
            Some((_, module, package)) => go_build(&sources.join(module), package, &partial),
            None => static_rust(&sources.join("pause.rs"), &partial),
        };
        run::text(&mut command, BUILD)?;
        Ok(fs::rename(partial, self.folder.join(program))?)
    }
}

/// What the programs are made from, in eight characters.
fn fingerprint() -> String {
    let texts: Vec<_> = SOURCES.iter().map(|(_, text)| *text).collect();
    digest::hex(format!("{VERSION}\n{}", texts.join("\n")).as_bytes())[..8].to_owned()
}

fn write_sources(folder: &Path) -> Result<()> {
    for (path, text) in SOURCES {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)?;
    }
    Ok(())
}

fn go_build(module: &Path, package: &str, into: &Path) -> Command {
    let stamp = "k8s.io/component-base/version.git";
    let flags = format!("-s -w -X {stamp}Version={VERSION} -X {stamp}Major=1 -X {stamp}Minor=35");
    let mut command = run::command("go");
    command.args(["build", "-trimpath", &format!("-ldflags={flags}"), "-o"]);
    command
        .arg(into)
        .arg(package)
        .current_dir(module)
        .env("CGO_ENABLED", "0");
    command
}

fn static_rust(source: &Path, into: &Path) -> Command {
    let mut command = run::command("rustc");
    command.args(["--edition=2024", "-O", "-Ctarget-feature=+crt-static", "-o"]);
    command.arg(into).arg(source);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_ask_for_the_version_that_is_stamped() {
        let (_, module) = SOURCES[0];
        assert!(module.contains(&format!("k8s.io/kubernetes {VERSION}\n")));
    }

    #[test]
    fn every_module_that_is_built_has_its_sources() {
        for (_, module, _) in GO {
            let file = format!("{module}/go.mod");
            assert!(SOURCES.iter().any(|(path, _)| *path == file), "{file}");
        }
    }

    #[test]
    fn in_an_empty_cache_everything_is_missing_and_what_is_there_is_not() {
        let cache = tempfile::tempdir().unwrap();
        let programs = Programs::in_cache(cache.path());
        assert_eq!(programs.missing().len(), GO.len() + 1);
        fs::create_dir_all(&programs.folder).unwrap();
        fs::write(programs.path("etcd"), "").unwrap();
        fs::write(programs.path("kubelet.partial"), "").unwrap();
        assert_eq!(programs.missing().len(), GO.len());
    }
}
