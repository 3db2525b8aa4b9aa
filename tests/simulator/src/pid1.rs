//! What the real image runs as process 1: it starts the server, passes signals on, and starts it anew on demand.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// What it was told on its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// The signal that asks for a restart, if any does.
    restart: Option<SignalName>,
    /// The signal that ends the child for it.
    terminate: SignalName,
    /// The program and its arguments.
    program: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignalName {
    Terminate,
    Interrupt,
    Hangup,
    User1,
    User2,
}

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadOrders {
    /// An option that is not known.
    #[error("unknown option '{0}', expected: [-r SIGNAL] [-t SIGNAL] -- PROGRAM [ARGUMENT…]")]
    Option(String),
    /// A signal that is not known.
    #[error("unknown signal '{0}', expected SIGTERM, SIGINT, SIGHUP, SIGUSR1 or SIGUSR2")]
    Signal(String),
    /// Nothing to start.
    #[error("no program to start, expected one after --")]
    Program,
}

impl SignalName {
    fn read(text: &str) -> Result<Self, BadOrders> {
        match text.trim_start_matches("SIG") {
            "TERM" | "15" => Ok(Self::Terminate),
            "INT" | "2" => Ok(Self::Interrupt),
            "HUP" | "1" => Ok(Self::Hangup),
            "USR1" | "10" => Ok(Self::User1),
            "USR2" | "12" => Ok(Self::User2),
            _ => Err(BadOrders::Signal(text.to_owned())),
        }
    }

    fn kind(self) -> SignalKind {
        match self {
            Self::Terminate => SignalKind::terminate(),
            Self::Interrupt => SignalKind::interrupt(),
            Self::Hangup => SignalKind::hangup(),
            Self::User1 => SignalKind::user_defined1(),
            Self::User2 => SignalKind::user_defined2(),
        }
    }

    fn number(self) -> Signal {
        match self {
            Self::Terminate => Signal::TERM,
            Self::Interrupt => Signal::INT,
            Self::Hangup => Signal::HUP,
            Self::User1 => Signal::USR1,
            Self::User2 => Signal::USR2,
        }
    }
}

impl Orders {
    /// The orders in the arguments.
    ///
    /// # Errors
    ///
    /// If they make no sense.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, BadOrders> {
        let mut arguments = arguments.into_iter().peekable();
        let (mut restart, mut terminate) = (None, SignalName::Terminate);
        while let Some(option) = arguments.next_if(|argument| argument.starts_with('-')) {
            let mut value = || SignalName::read(&arguments.next().unwrap_or_default());
            match option.as_str() {
                "-r" => restart = Some(value()?),
                "-t" => terminate = value()?,
                "-s" | "-g" | "-v" | "-w" => {}
                "--" => break,
                _ => return Err(BadOrders::Option(option)),
            }
        }
        let program: Vec<_> = arguments.collect();
        if program.is_empty() {
            Err(BadOrders::Program)
        } else {
            Ok(Self {
                restart,
                terminate,
                program,
            })
        }
    }
}

/// Why the child ended.
enum Ended {
    ByItself(ExitStatus),
    ForRestart,
}

/// The signals that it hears, from before the first child to after the last.
struct Signals {
    restart: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    child: tokio::signal::unix::Signal,
}

impl Signals {
    fn of(orders: &Orders) -> std::io::Result<Self> {
        Ok(Self {
            restart: signal(orders.restart.unwrap_or(SignalName::User2).kind())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            child: signal(SignalKind::child())?,
        })
    }
}

/// Runs the program until it ends for good; its exit code.
///
/// # Errors
///
/// If it cannot be started.
pub async fn run(orders: &Orders) -> std::io::Result<u8> {
    let mut signals = Signals::of(orders)?;
    loop {
        let child = Command::new(&orders.program[0]).args(&orders.program[1..]).spawn()?;
        if let Ended::ByItself(status) = watch(orders, &mut signals, child).await? {
            let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
            return Ok(u8::try_from(code).unwrap_or(1));
        }
    }
}

async fn watch(orders: &Orders, signals: &mut Signals, mut child: Child) -> std::io::Result<Ended> {
    let pid = child.id();
    let mut restarting = false;
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status?;
                return Ok(if restarting { Ended::ForRestart } else { Ended::ByItself(status) });
            }
            _ = signals.restart.recv() => {
                restarting = orders.restart.is_some();
                send(pid, orders.terminate);
            }
            _ = signals.terminate.recv() => {
                restarting = false;
                send(pid, SignalName::Terminate);
            }
            _ = signals.interrupt.recv() => send(pid, SignalName::Interrupt),
            _ = signals.hangup.recv() => send(pid, SignalName::Hangup),
            _ = signals.child.recv() => reap_strangers(pid),
        }
    }
}

fn send(pid: Option<u32>, signal: SignalName) {
    let pid = pid
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // it may have ended just now
        let _ = kill_process(pid, signal.number());
    }
}

/// Processes whose parents ended become children of process 1.
fn reap_strangers(own: Option<u32>) {
    let own = own.and_then(|pid| i32::try_from(pid).ok());
    for pid in children().into_iter().filter(|pid| Some(*pid) != own) {
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
    if own.is_none() {
        let _ = wait(WaitOptions::NOHANG);
    }
}

fn children() -> Vec<i32> {
    let path = format!("/proc/self/task/{}/children", std::process::id());
    let list = std::fs::read_to_string(path).unwrap_or_default();
    list.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Orders, BadOrders> {
        Orders::read(line.split_whitespace().map(ToOwned::to_owned))
    }

    #[test]
    fn the_images_command_line_is_understood() {
        let orders = read("-r SIGUSR1 -t SIGTERM -- asd --foreground").unwrap();
        assert_eq!(
            (orders.restart, orders.terminate),
            (Some(SignalName::User1), SignalName::Terminate)
        );
        assert_eq!(orders.program, ["asd", "--foreground"]);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(
            read("-r SIGNOPE -- asd"),
            Err(BadOrders::Signal("SIGNOPE".to_owned()))
        );
        assert_eq!(read("-x -- asd"), Err(BadOrders::Option("-x".to_owned())));
        assert_eq!(read("-r SIGUSR1 --"), Err(BadOrders::Program));
    }
}
