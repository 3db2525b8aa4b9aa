//! Command line: starts, fills and ends the test cluster.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use cluster::{Cluster, demo, images, install, machine, volumes};

/// A real Kubernetes on this machine, without Docker, for this project's tests.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs the Debian packages that the cluster needs
    Setup,
    /// Starts the cluster, or what is missing of it
    Up,
    /// Ends the cluster and removes all that it made
    Down,
    /// Installs the operator into the cluster
    Install,
    /// Shows three clusters coming up, and a refusal
    Demo,
    /// Prints the path of the administrator's kubeconfig
    Kubeconfig,
    /// Runs kubectl against the cluster
    #[command(disable_help_flag = true)]
    Kubectl {
        /// What kubectl is to do
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Builds the images of operator and servers, and loads them into all nodes
    Images,
    /// Packs files into an image and loads it into all nodes
    Load {
        /// Its full name, with registry and tag
        name: String,
        /// A file of this machine and its path in the image, as FROM=TO
        #[arg(long = "file", value_name = "FROM=TO", value_parser = from_and_to, required = true)]
        files: Vec<(PathBuf, String)>,
        /// The program that its containers run, with arguments
        #[arg(long, num_args = 1.., allow_hyphen_values = true)]
        entrypoint: Vec<String>,
    },
}

fn main() -> ExitCode {
    if let Some(code) = volumes::serve_if_asked() {
        return code;
    }
    match perform(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cluster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Setup => machine::setup()?,
        Task::Up => {
            let cluster = Cluster::up()?;
            println!("export KUBECONFIG={}", cluster.kubeconfig().display());
        }
        Task::Down => Cluster::down()?,
        Task::Install => install::operator(&Cluster::find()?)?,
        Task::Demo => demo::run()?,
        Task::Kubeconfig => println!("{}", Cluster::find()?.kubeconfig().display()),
        Task::Kubectl { args } => return kubectl(&args),
        Task::Images => {
            Cluster::find()?;
            load(&images::build(images::Make::Quick)?)?;
        }
        Task::Load {
            name,
            files,
            entrypoint,
        } => {
            let entrypoint: Vec<_> = entrypoint.iter().map(String::as_str).collect();
            load(&[images::of_files(&name, &files, &entrypoint)?])?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn load(images: &[cluster::image::Image]) -> Result<()> {
    let loaded = Cluster::find()?.load(images)?;
    eprintln!(
        "cluster: loaded {loaded} of {} images, the nodes have the others",
        images.len()
    );
    Ok(())
}

/// Without a deadline: a person may want to follow logs.
fn kubectl(args: &[String]) -> Result<ExitCode> {
    let cluster = Cluster::find()?;
    let mut kubectl = Command::new(cluster.kubectl_program());
    kubectl
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig())
        .args(args);
    let status = kubectl.status().context("kubectl could not be started")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn from_and_to(text: &str) -> Result<(PathBuf, String), String> {
    let (from, to) = text.split_once('=').ok_or("it must be FROM=TO")?;
    Ok((from.into(), to.to_owned()))
}
