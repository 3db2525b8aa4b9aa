//! Command line: what was asked for, and the exit code.

use std::process::ExitCode;

use aerospike_operator::{
    api::crd,
    check,
    cli::{Cli, Command},
    docs, explain, init, preview, process, stdout, telemetry, validate,
};
use clap::Parser;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("aerospike-operator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Crds => {
            stdout::print(&crd::yaml());
            Ok(ExitCode::SUCCESS)
        }
        Command::Validate(args) => Ok(validate::run(&args)),
        Command::Rules(args) => Ok(explain::run(&args)),
        Command::Schema(args) => Ok(docs::print_schema(&args)),
        Command::Docs(args) => {
            docs::write(&args)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(args) => connected(async {
            telemetry::start_logging();
            process::run(*args).await?;
            Ok(ExitCode::SUCCESS)
        }),
        Command::Init(arguments) => connected(async {
            init::run(arguments).await?;
            Ok(ExitCode::SUCCESS)
        }),
        Command::Plan(args) => connected(async move { preview::run(&args).await }),
        Command::Check(args) => connected(async move { Ok(check::run(&args).await) }),
    }
}

/// Runs a command that talks to others.
fn connected(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a crypto provider is already installed"))?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(command)
}
