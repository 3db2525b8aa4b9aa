//! Running other programs, always with a deadline.

use std::env;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How long a command may take that should answer at once.
pub const SHORT: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(5);

/// A command that also finds the programs of the system administrator, which a user's `PATH` may not name.
#[must_use]
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", search_path());
    command
}

/// Where programs are looked for.
#[must_use]
pub fn search_path() -> String {
    let path = env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/local/sbin:/usr/sbin:/sbin")
}

/// What a program answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Whether it ended well.
    pub success: bool,
    /// What it printed.
    pub stdout: String,
    /// What it complained about; also set when it could not be started or took too long.
    pub stderr: String,
}

impl Output {
    /// What was printed.
    ///
    /// # Errors
    /// The complaint, if the program failed.
    pub fn ok(self) -> Result<String> {
        if !self.success {
            bail!("{}", self.stderr.trim());
        }
        Ok(self.stdout)
    }

    fn failed(reason: String) -> Self {
        Self {
            success: false,
            stdout: String::new(),
            stderr: reason,
        }
    }
}

/// Runs a program to its end, with `input` on its standard input.
#[must_use]
pub fn output(command: &mut Command, input: &str, deadline: Duration) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    match try_output(command, input, deadline) {
        Ok(output) => output,
        Err(error) => Output::failed(format!("{name}: {error:#}")),
    }
}

/// What a program that must end well printed.
///
/// # Errors
/// If it failed or took too long; the message holds the whole command.
pub fn text(command: &mut Command, deadline: Duration) -> Result<String> {
    output(command, "", deadline)
        .ok()
        .with_context(|| shown(command))
}

/// Runs `program` with `args`, which must end well.
///
/// # Errors
/// If it failed or took too long.
pub fn run<S: AsRef<OsStr>>(program: &str, args: &[S]) -> Result<String> {
    text(command(program).args(args), SHORT)
}

/// Waits until `condition` holds, asking some times a second.
///
/// # Errors
/// If it did not hold before the deadline; `description` says what was waited for.
pub fn wait_until(
    description: &str,
    deadline: Duration,
    mut condition: impl FnMut() -> bool,
) -> Result<()> {
    let end = Instant::now() + deadline;
    while !condition() {
        if Instant::now() > end {
            bail!("waited {} s in vain: {description}", deadline.as_secs());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn try_output(command: &mut Command, input: &str, deadline: Duration) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("could not be started")?;
    let stdin = child.stdin.take().context("has no standard input")?;
    let stdout = read(child.stdout.take().context("has no standard output")?);
    let stderr = read(child.stderr.take().context("has no standard error")?);
    write(stdin, input.to_owned());
    let success = finish(&mut child, deadline)?;
    Ok(Output {
        success,
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
    })
}

fn finish(child: &mut Child, deadline: Duration) -> Result<bool> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(status) = child.try_wait().context("could not be waited for")? {
            return Ok(status.success());
        }
        if Instant::now() > end {
            child.kill().context("could not be killed")?;
            child.wait().context("could not be waited for")?;
            bail!("gave no answer in {} s", deadline.as_secs());
        }
        thread::sleep(POLL);
    }
}

fn read(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A program may end without reading its input, which is no failure of ours.
fn write(mut to: impl Write + Send + 'static, text: String) {
    thread::spawn(move || {
        let _ = to.write_all(text.as_bytes());
    });
}

fn shown(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    format!("`{}` failed", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_goes_in_and_output_comes_out() {
        assert_eq!(
            output(&mut Command::new("cat"), "words", SHORT)
                .ok()
                .unwrap(),
            "words"
        );
    }

    #[test]
    fn a_failure_holds_the_command_and_its_complaint() {
        let error = run("sh", &["-c", "echo broken >&2; exit 3"]).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "`sh -c echo broken >&2; exit 3` failed: broken"
        );
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_at_the_deadline() {
        let answer = output(
            Command::new("sleep").arg("100"),
            "",
            Duration::from_millis(30),
        );
        assert_eq!(
            answer,
            Output::failed("sleep: gave no answer in 0 s".into())
        );
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let answer = output(&mut Command::new("no-such-program"), "", SHORT);
        assert!(
            answer
                .stderr
                .starts_with("no-such-program: could not be started"),
            "{answer:?}"
        );
    }
}
