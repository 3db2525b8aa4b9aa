//! The command line of the server, and what the environment adds.

use std::path::PathBuf;

use anyhow::Context;

use crate::server::Options;
use crate::version::{Edition, Release, Version};

const DEFAULT_FILE: &str = "/etc/aerospike/aerospike.conf";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// To run with this file.
    Run(PathBuf),
    /// To say how it is used, and exit with 0: so does the server for anything that it does not understand.
    Usage,
}

/// The text for [`Request::Usage`].
pub const USAGE: &str = "usage: asd [--help] [--version] [--config-file <file>] [--foreground] [--fgdaemon] [--cold-start] [--instance <n>]";

/// The request in the arguments.
pub fn read(arguments: impl IntoIterator<Item = String>) -> Request {
    let mut arguments = arguments.into_iter();
    let mut file = PathBuf::from(DEFAULT_FILE);
    while let Some(argument) = arguments.next() {
        let (name, value) = argument
            .split_once('=')
            .map_or((argument.as_str(), None), |(n, v)| (n, Some(v.to_owned())));
        match name {
            "--config-file" | "-f" | "--instance" | "-n" => {
                match value.or_else(|| arguments.next()) {
                    Some(path) if matches!(name, "--config-file" | "-f") => {
                        file = PathBuf::from(path);
                    }
                    Some(_) => {}
                    None => return Request::Usage,
                }
            }
            "--foreground" | "-d" | "--fgdaemon" | "-D" | "--cold-start" | "-c" => {}
            _ => return Request::Usage,
        }
    }
    Request::Run(file)
}

/// Which server to play, by the environment.
///
/// # Errors
///
/// If it does not say, or says what no server is.
pub fn options(
    config_file: PathBuf,
    variable: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Options> {
    let version = variable("AEROSPIKE_VERSION")
        .context("AEROSPIKE_VERSION is not set, expected a version like 8.1.2.0")?;
    let version: Version = version.parse().context("AEROSPIKE_VERSION")?;
    let edition = variable("AEROSPIKE_EDITION").unwrap_or_else(|| "enterprise".to_owned());
    let edition: Edition = edition.parse().context("AEROSPIKE_EDITION")?;
    let strict = variable("SIMULATOR_STRICT").is_some_and(|value| value != "0");
    let control = variable("SIMULATOR_CONTROL");
    let control = control.map(|it| it.parse().context("SIMULATOR_CONTROL"));
    Ok(Options {
        release: Release { version, edition },
        config_file,
        strict,
        control: control.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Request {
        read(line.split_whitespace().map(ToOwned::to_owned))
    }

    #[test]
    fn the_file_may_be_named_and_anything_unknown_gets_the_usage() {
        assert_eq!(
            request("--foreground"),
            Request::Run(PathBuf::from(DEFAULT_FILE))
        );
        assert_eq!(
            request("--foreground --config-file /a"),
            Request::Run(PathBuf::from("/a"))
        );
        assert_eq!(
            request("--config-file=/a --cold-start"),
            Request::Run(PathBuf::from("/a"))
        );
        assert_eq!(request("--nope"), Request::Usage);
        assert_eq!(request("--config-file"), Request::Usage);
    }

    #[test]
    fn the_environment_says_which_server_it_is() {
        let options = options(PathBuf::new(), |name| {
            (name == "AEROSPIKE_VERSION").then(|| "7.2.0.1".to_owned())
        });
        assert_eq!(options.unwrap().release.edition, Edition::Enterprise);
        assert!(super::options(PathBuf::new(), |_| None).is_err());
    }
}
