//! The images of this project: what is in them, building it, and loading it into nodes.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::image::{Entry, Image, Layer, archive};
use crate::node::{Node, PAUSE};
use crate::programs::Programs;
use crate::{cache, digest, paths, progress, run};

const BUILD: Duration = Duration::from_hours(2);
const VERSION: Duration = Duration::from_secs(30);
const IMPORT: Duration = Duration::from_mins(2);

/// What an image is made of; the Dockerfile is held to it by a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Where each file comes from, and its path in the image.
    pub files: &'static [(Source, &'static str)],
    /// Symbolic links: path and target.
    pub links: &'static [(&'static str, &'static str)],
    /// Empty folders.
    pub folders: &'static [&'static str],
    /// The program that its containers run.
    pub entrypoint: &'static [&'static str],
}

/// Where a file of an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A static program of this workspace.
    Program(&'static str),
    /// A file of the checkout.
    File(&'static str),
}

/// The operator, which is also the init container of database pods.
pub const OPERATOR: Recipe = Recipe {
    files: &[
        (Source::Program("aerospike-operator"), "/manager"),
        (Source::File("LICENSE"), "/licenses/LICENSE"),
    ],
    links: &[],
    folders: &[],
    entrypoint: &["/manager"],
};

/// The simulated server, where a real image has the real one.
pub const SERVER: Recipe = Recipe {
    files: &[(Source::Program("simulator"), "/usr/bin/asd")],
    links: &[("/usr/bin/tini", "asd")],
    folders: &[
        "/tmp",
        "/etc/aerospike",
        "/opt/aerospike",
        "/opt/aerospike/smd",
        "/run/aerospike",
        "/var/log/aerospike",
    ],
    entrypoint: &[
        "/usr/bin/tini",
        "-r",
        "SIGUSR1",
        "-t",
        "SIGTERM",
        "--",
        "/usr/bin/asd",
        "--foreground",
        "--config-file",
        "/etc/aerospike/aerospike.conf",
    ],
};

/// The server versions that the cluster has images of, in both editions.
pub const SERVER_VERSIONS: &[&str] = &[
    "8.1.2.0", "8.1.1.0", "8.0.0.0", "7.2.0.0", "7.1.0.0", "7.0.0.0", "6.4.0.0", "6.0.0.0",
];

/// Where a simulated server takes orders of tests, inside of its pod.
pub const CONTROL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);

const EDITIONS: [(&str, &str); 2] = [
    ("enterprise", "aerospike-server-enterprise"),
    ("community", "aerospike-server"),
];

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The operator's image under the version of this workspace.
#[must_use]
pub fn operator_name() -> String {
    format!(
        "docker.io/aerospike/aerospike-operator:{}",
        env!("CARGO_PKG_VERSION")
    )
}

/// How the programs of the images are made.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    /// In less time: whoever tries them does not wait for the last optimisation.
    Quick,
    /// As they are shipped.
    Shipped,
}

impl Make {
    /// The profile of cargo.
    const fn profile(self) -> &'static str {
        match self {
            Self::Quick => "images",
            Self::Shipped => "release",
        }
    }
}

/// The operator's static program, as [`build`] leaves it.
///
/// # Errors
/// If the cache has no place for it.
pub fn operator_program(make: Make) -> Result<PathBuf> {
    let folder = target_folder(make)?.join(target()).join(make.profile());
    Ok(folder.join("aerospike-operator"))
}

/// Where cargo builds. What is built quickly lies in the cache, by what its dependencies are built from, so that another
/// checkout does not build them again.
fn target_folder(make: Make) -> Result<PathBuf> {
    if let Some(set) = std::env::var_os("CARGO_TARGET_DIR") {
        return Ok(set.into());
    }
    match make {
        Make::Quick => cache::folder(&paths::cache()?, &dependencies()?),
        Make::Shipped => Ok(paths::checkout().join("target")),
    }
}

/// The compiler, and what the lock file and the profiles say, in eight characters.
fn dependencies() -> Result<String> {
    let compiler = run::text(run::command("rustc").arg("-vV"), VERSION)?;
    let mut texts = vec![compiler.into_bytes()];
    for file in ["Cargo.lock", "Cargo.toml"] {
        texts.push(read(&paths::checkout().join(file))?);
    }
    Ok(digest::hex(&texts.concat())[..8].to_owned())
}

/// Builds the static programs, and all images from them.
///
/// # Errors
/// If something could not be built.
pub fn build(make: Make) -> Result<Vec<Image>> {
    let since = Instant::now();
    progress("building the static programs of the images (some minutes the first time)");
    let programs = build_programs(make)?;
    progress(&format!("built them in {} s", since.elapsed().as_secs()));
    let mut images = vec![Image::new(
        &operator_name(),
        layer(&OPERATOR, &programs)?,
        OPERATOR.entrypoint,
        &[PATH.into()],
    )];
    images.extend(servers(&layer(&SERVER, &programs)?));
    Ok(images)
}

/// The image of the container that holds a pod's namespaces.
///
/// # Errors
/// If its program is not there.
pub fn pause(programs: &Programs) -> Result<Image> {
    let program =
        fs::read(programs.path("pause")).context("the program pause could not be read")?;
    let layer = Layer::pack(&[("pause", Entry::File(program))])?;
    Ok(Image::new(PAUSE, layer, &["/pause"], &[]))
}

/// An image of files of this machine: path here, path there.
///
/// # Errors
/// If a file could not be read.
pub fn of_files(name: &str, files: &[(PathBuf, String)], entrypoint: &[&str]) -> Result<Image> {
    let mut entries = Vec::new();
    for (from, to) in files {
        entries.push((to.trim_start_matches('/'), Entry::File(read(from)?)));
    }
    Ok(Image::new(
        name,
        Layer::pack(&entries)?,
        entrypoint,
        &[PATH.into()],
    ))
}

/// Loads into a node the images that it does not have, and says how many these were.
///
/// # Errors
/// If the node does not take them.
pub fn load(node: &Node, images: &[Image], state: &Path) -> Result<usize> {
    let listed = run::text(&mut node.ctr(&["images", "list"]), IMPORT)?;
    let held = held(&listed);
    let missing: Vec<_> = images
        .iter()
        .filter(|image| held.get(image.name()) != Some(&image.digest().as_str()))
        .collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let path = state.join(format!("{}-images.tar", node.name()));
    fs::write(&path, archive(&missing)?).context("the images could not be written")?;
    let import = run::text(
        &mut node.ctr(&["images", "import", &path.to_string_lossy()]),
        IMPORT,
    );
    fs::remove_file(path)?;
    import.with_context(|| format!("{} did not take the images", node.name()))?;
    Ok(missing.len())
}

/// The names and digests of a runtime's images, from the table that `ctr` prints.
fn held(listed: &str) -> BTreeMap<&str, &str> {
    let rows = listed
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter_map(|row| Some((*row.first()?, *row.get(2)?)))
        .collect()
}

fn servers(layer: &Layer) -> Vec<Image> {
    let of_version = |version: &&'static str| {
        EDITIONS.map(|(edition, image)| {
            let name = format!("docker.io/aerospike/{image}:{version}");
            let environment = [
                PATH.into(),
                format!("AEROSPIKE_VERSION={version}"),
                format!("AEROSPIKE_EDITION={edition}"),
                format!("SIMULATOR_CONTROL={CONTROL}"),
            ];
            Image::new(&name, layer.clone(), SERVER.entrypoint, &environment)
        })
    };
    SERVER_VERSIONS.iter().flat_map(of_version).collect()
}

fn layer(recipe: &Recipe, programs: &BTreeMap<String, PathBuf>) -> Result<Layer> {
    let mut entries = Vec::new();
    for folder in recipe.folders {
        entries.push((folder.trim_start_matches('/'), Entry::Folder));
    }
    for (source, path) in recipe.files {
        let from = match source {
            Source::Program(name) => programs
                .get(*name)
                .cloned()
                .with_context(|| format!("cargo built no program {name}"))?,
            Source::File(name) => paths::checkout().join(name),
        };
        entries.push((path.trim_start_matches('/'), Entry::File(read(&from)?)));
    }
    for (path, target) in recipe.links {
        entries.push((path.trim_start_matches('/'), Entry::Link(target)));
    }
    Layer::pack(&entries)
}

/// Static, because an image holds no C library. The target is named so that macros, which run here, are not made static too.
fn build_programs(make: Make) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = run::command("cargo");
    cargo
        .current_dir(paths::checkout())
        .env("CARGO_TARGET_DIR", target_folder(make)?)
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    // The cargo that runs us describes this package to us. Build scripts elsewhere look at the same variables: passed on,
    // they would make everything anew whenever another cargo, or none, is around us.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo.args([
        "build",
        "--profile",
        make.profile(),
        "--locked",
        "--quiet",
        "--message-format=json-render-diagnostics",
        "--target",
        &target(),
    ]);
    for recipe in [OPERATOR, SERVER] {
        for (source, _) in recipe.files {
            if let Source::Program(name) = source {
                cargo.args(["--package", name, "--bin", name]);
            }
        }
    }
    Ok(executables(&run::text(&mut cargo, BUILD)?))
}

/// The programs among the messages of cargo, by name.
pub(crate) fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter_map(|message| {
            let program = message["executable"].as_str()?;
            Some((
                message["target"]["name"].as_str()?.to_owned(),
                program.into(),
            ))
        })
        .collect()
}

/// What Rust calls this machine's kind.
fn target() -> String {
    format!("{ARCH}-unknown-linux-gnu")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} could not be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_images_is_read() {
        let table = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n\
                     a/b:1 application/vnd.oci.image.manifest.v1+json sha256:12 1.0 MiB linux/amd64 x\n";
        assert_eq!(held(table), BTreeMap::from([("a/b:1", "sha256:12")]));
        assert_eq!(held(""), BTreeMap::new());
    }

    #[test]
    fn programs_are_found_in_what_cargo_prints() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"asd"},"executable":"/t/asd"}
{"reason":"compiler-artifact","target":{"name":"lib"},"executable":null}
not json"#;
        assert_eq!(
            executables(messages),
            BTreeMap::from([("asd".to_owned(), PathBuf::from("/t/asd"))])
        );
    }

    #[test]
    fn every_version_has_an_image_of_each_edition() {
        let layer = Layer::pack(&[]).unwrap();
        let names: Vec<_> = servers(&layer)
            .iter()
            .map(|image| image.name().to_owned())
            .collect();
        assert_eq!(names.len(), 2 * SERVER_VERSIONS.len());
        assert!(
            names.contains(&"docker.io/aerospike/aerospike-server-enterprise:8.1.2.0".to_owned())
        );
        assert!(names.contains(&"docker.io/aerospike/aerospike-server:8.1.2.0".to_owned()));
    }
}
