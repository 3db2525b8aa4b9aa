//! Simulated servers in the cluster's pods, which take orders of tests: what is to go wrong with one, and how it is.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::{Value, json};

use crate::images::CONTROL;

const WITHIN: Duration = Duration::from_secs(5);
const PROGRAM: &[u8] = b"/usr/bin/asd\0";

/// Lets something go wrong with the server of a pod until it is healed, as `fault` says.
///
/// # Errors
/// If there is no such server, or it knows no such fault.
pub fn inject(namespace: &str, pod: &str, fault: &Value) -> Result<()> {
    order(namespace, pod, &json!({"inject": fault})).map(drop)
}

/// Nothing goes wrong with the server of a pod any more.
///
/// # Errors
/// If there is no such server.
pub fn heal(namespace: &str, pod: &str) -> Result<()> {
    order(namespace, pod, &json!("heal")).map(drop)
}

/// How the server of a pod is.
///
/// # Errors
/// If there is no such server.
pub fn inspect(namespace: &str, pod: &str) -> Result<Value> {
    let mut reply = order(namespace, pod, &json!("inspect"))?;
    Ok(reply["inspection"].take())
}

/// Whether the server of a pod runs; it is a process of this machine.
#[must_use]
pub fn runs(namespace: &str, pod: &str) -> bool {
    process(namespace, pod).is_some()
}

/// It listens inside of its pod only, which even a pulled cable does not cut off from this machine.
fn order(namespace: &str, pod: &str, order: &Value) -> Result<Value> {
    let process = process(namespace, pod).with_context(|| format!("no server runs in {pod}"))?;
    let space = File::open(format!("/proc/{process}/ns/net"))?;
    let line = format!("{order}\n");
    let told = thread::spawn(move || tell(&space, &line)).join();
    let reply = told.map_err(|_| anyhow!("an order panicked"))?;
    let reply = reply.with_context(|| format!("the server in {pod} does not obey {order}"))?;
    ensure!(reply.get("refused").is_none(), "{pod}: {order}: {reply}");
    Ok(reply)
}

/// The thread stays in the pod's network, and must end.
fn tell(space: &File, line: &str) -> Result<Value> {
    move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network))?;
    let mut stream = TcpStream::connect_timeout(&CONTROL, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.write_all(line.as_bytes())?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    Ok(serde_json::from_str(&reply)?)
}

fn process(namespace: &str, pod: &str) -> Option<u32> {
    let wanted = [
        format!("MY_POD_NAMESPACE={namespace}"),
        format!("MY_POD_NAME={pod}"),
    ];
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.find(|id: &u32| {
        let read = |file| fs::read(Path::new("/proc").join(id.to_string()).join(file));
        let runs = read("cmdline").is_ok_and(|line| line.starts_with(PROGRAM));
        runs && read("environ").is_ok_and(|environment| has_all(&environment, &wanted))
    })
}

fn has_all(environment: &[u8], wanted: &[String]) -> bool {
    let variables: Vec<_> = environment.split(|byte| *byte == 0).collect();
    wanted
        .iter()
        .all(|variable| variables.contains(&variable.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_name_and_namespace_of_its_pod() {
        let environment = b"MY_POD_NAME=a-0-1\0X=1\0MY_POD_NAMESPACE=here\0";
        let wanted = |pod: &str| {
            [
                "MY_POD_NAMESPACE=here".to_owned(),
                format!("MY_POD_NAME={pod}"),
            ]
        };
        assert!(has_all(environment, &wanted("a-0-1")));
        assert!(!has_all(environment, &wanted("a-0")));
    }
}
