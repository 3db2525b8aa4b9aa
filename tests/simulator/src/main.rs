//! One program for two names: `tini`, which is process 1, and `asd`, which is the server.

use std::path::Path;
use std::process::ExitCode;

use simulator::cli::{self, Request};
use simulator::pid1::{self, Orders};
use simulator::server::{self, Failure, Running};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let name = arguments.next().unwrap_or_default();
    let name = Path::new(&name)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let rest: Vec<_> = arguments.collect();
    let outcome = match (name.contains("tini"), rest.first().map(String::as_str)) {
        (true, _) => watch(rest).await,
        (false, Some("tini")) => watch(rest[1..].to_vec()).await,
        (false, Some("asd")) => serve(rest[1..].to_vec()).await,
        _ => serve(rest).await,
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

async fn watch(arguments: Vec<String>) -> anyhow::Result<ExitCode> {
    let orders = Orders::read(arguments)?;
    Ok(ExitCode::from(pid1::run(&orders).await?))
}

async fn serve(arguments: Vec<String>) -> anyhow::Result<ExitCode> {
    let Request::Run(file) = cli::read(arguments) else {
        println!("{}", cli::USAGE);
        return Ok(ExitCode::SUCCESS);
    };
    let options = cli::options(file, |name| std::env::var(name).ok())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let started = tokio::select! {
        started = server::start(&options) => started,
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => return Ok(ExitCode::FAILURE),
    };
    match started {
        Ok(running) => {
            tokio::select! {
                _ = terminate.recv() => stop(running, "SIGTERM").await,
                _ = interrupt.recv() => stop(running, "SIGINT").await,
                error = roll(&running) => return Err(error.into()),
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(Failure::Bind { .. }) => std::process::abort(),
        Err(Failure::Refused(_)) => Ok(ExitCode::FAILURE),
        Err(error) => Err(error.into()),
    }
}

async fn stop(running: Running, name: &str) {
    running
        .shared
        .say(1, "as", format!("{name} received, shutting down"));
    let shared = running.shared.clone();
    running.stop().await;
    shared.say(2, "as", "finished clean shutdown - exiting");
}

/// Rolls the log whenever it is asked to; returns only if it can never be asked.
async fn roll(running: &Running) -> std::io::Error {
    match signal(SignalKind::hangup()) {
        Ok(mut hangup) => loop {
            hangup.recv().await;
            running.shared.roll_log();
        },
        Err(error) => error,
    }
}
