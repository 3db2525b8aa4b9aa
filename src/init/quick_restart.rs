//! Has a server started anew in its container. The server's own image sees to that: its process 1 is `tini`, which was told
//! with `-r` at which signal it ends the server and starts another one.

use std::fs;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::{paths::Paths, update::update_config};

/// What `tini` may have been told, and the number of it.
const SIGNALS: [(&str, Signal); 3] = [
    ("HUP", Signal::HUP),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

/// Writes the configuration of the update in `sent`, which is JSON, signals that the server be restarted, and returns what
/// was written. It does not wait for the server.
///
/// # Errors
///
/// Process 1 starts no server anew, what was sent or noted cannot be read, or the file cannot be written.
pub fn quick_restart(sent: &str, paths: &Paths) -> anyhow::Result<String> {
    let command_line = fs::read(paths.proc.join("1/cmdline"));
    let command_line = command_line.context("process 1 of the container cannot be looked at")?;
    let signal = signal(&String::from_utf8_lossy(&command_line))?;
    let config = update_config(sent, paths)?;
    kill_process(Pid::INIT, signal).context("process 1 of the container cannot be signalled")?;
    Ok(config)
}

/// The signal at which process 1, of which this is the command line, starts its child anew.
fn signal(command_line: &str) -> anyhow::Result<Signal> {
    let mut words = command_line.split('\0');
    let program = words.next().unwrap_or_default();
    let restart = words.skip_while(|word| *word != "-r").nth(1);
    let Some(name) = restart.filter(|_| program.contains("tini")) else {
        bail!(
            "process 1 of the container starts no server anew: it is {program:?}, not tini with -r"
        );
    };
    let known = SIGNALS.iter().find(|(known, signal)| {
        name.trim_start_matches("SIG") == *known || name == signal.as_raw().to_string()
    });
    let (_, signal) =
        known.with_context(|| format!("tini was told signal {name:?}, which is unknown"))?;
    Ok(*signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &[&str]) -> Result<Signal, String> {
        signal(&words.join("\0")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_signal_is_the_one_that_tini_was_told() {
        let tini = "/usr/bin/as-tini-static";
        for name in ["SIGUSR1", "USR1", "10"] {
            let words = [tini, "-r", name, "-t", "SIGTERM", "--", "/entrypoint.sh"];
            assert_eq!(told(&words), Ok(Signal::USR1));
        }
    }

    #[test]
    fn whoever_starts_nothing_anew_is_not_signalled() {
        for words in [
            &["/usr/bin/asd"][..],
            &["tini", "--", "asd"],
            &["asd", "-r", "SIGUSR1"],
        ] {
            let why = told(words).unwrap_err();
            assert!(why.contains("starts no server anew"), "{why}");
        }
        let why = told(&["tini", "-r", "SIGKILL", "--", "asd"]).unwrap_err();
        assert_eq!(why, "tini was told signal \"SIGKILL\", which is unknown");
    }
}
