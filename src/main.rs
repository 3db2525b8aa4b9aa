//! Command line: what was asked for, and the exit code.

use std::process::ExitCode;

use aerospike_operator::{
    api::crd,
    check,
    cli::{Cli, Command},
    init, process, telemetry,
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
    if matches!(command, Command::Crds) {
        print!("{}", crd::yaml());
        return Ok(ExitCode::SUCCESS);
    }
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a crypto provider is already installed"))?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(start(command))
}

async fn start(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => {
            telemetry::start_logging();
            process::run(*args).await?;
        }
        Command::Init(arguments) => init::run(arguments).await?,
        Command::Check(args) => return Ok(check::run(&args).await),
        Command::Crds => {}
    }
    Ok(ExitCode::SUCCESS)
}
