//! The key that unlocks the Enterprise Edition.

use crate::conf::Settings;

const DEFAULT: &str = "/etc/aerospike/features.conf";
const OLD_DEFAULT: &str = "/opt/aerospike/data/features.conf";

/// Checks the key files of an Enterprise server.
///
/// # Errors
///
/// The server's complaint about the first that is missing or no key.
pub fn check(settings: &Settings) -> Result<(), String> {
    if settings.release().is_community() {
        return Ok(());
    }
    let set = settings.all("service.feature-key-file");
    let default = if settings.release().version.at_least(7, 0) {
        DEFAULT
    } else {
        OLD_DEFAULT
    };
    let default = [default.to_owned()];
    let files = if set.is_empty() {
        default.as_slice()
    } else {
        set
    };
    files.iter().try_for_each(|file| check_file(file))
}

fn check_file(file: &str) -> Result<(), String> {
    // keys from the environment or a secret manager are taken on trust
    if ["env-b64:", "env:", "secrets:", "vault:"]
        .iter()
        .any(|source| file.starts_with(source))
    {
        return Ok(());
    }
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("failed to read feature key file {file}: {error}"))?;
    if is_key(&text) {
        Ok(())
    } else {
        Err(format!("invalid feature key file {file}"))
    }
}

/// Whether a text has the form of a key: lines of a name and a value, more than comments.
fn is_key(text: &str) -> bool {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.count() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_key_is_no_key() {
        assert!(!is_key("\n# nothing\n"));
        assert!(is_key(
            "feature-key-version              2\nserial-number  1\n"
        ));
    }
}
