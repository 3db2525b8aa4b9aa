//! The program as an image runs it: `tini` as the first process, `asd` as its child.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_simulator");

struct Image {
    directory: TempDir,
    address: String,
}

impl Image {
    fn new(number: u8) -> Self {
        let directory = TempDir::new().unwrap();
        for name in ["tini", "asd"] {
            symlink(PROGRAM, directory.path().join(name)).unwrap();
        }
        fs::create_dir(directory.path().join("smd")).unwrap();
        let process = std::process::id() % 250 + 1;
        Self { directory, address: format!("127.{process}.200.{number}") }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write_config(&self, more: &str) {
        let (work, ip) = (self.path().display(), &self.address);
        let text = format!(
            "service {{\n cluster-name c\n node-id 1a0\n work-directory {work}\n proto-fd-max 1024\n {more}\n}}\n\
             logging {{\n console {{\n context any info\n }}\n}}\n\
             network {{\n service {{\n address {ip}\n port 3000\n }}\n\
             heartbeat {{\n mode mesh\n address {ip}\n port 3002\n }}\n fabric {{\n address {ip}\n port 3001\n }}\n}}\n\
             namespace test {{\n storage-engine memory {{\n data-size 1G\n }}\n}}\n"
        );
        fs::write(self.path().join("aerospike.conf"), text).unwrap();
    }

    fn command(&self, name: &str, edition: &str) -> Command {
        let mut command = Command::new(self.path().join(name));
        command.env("AEROSPIKE_VERSION", "8.1.2.0").env("AEROSPIKE_EDITION", edition).stderr(Stdio::piped());
        command
    }

    fn config_file(&self) -> String {
        format!("{}/aerospike.conf", self.path().display())
    }

    fn asd(&self, edition: &str) -> Child {
        self.command("asd", edition).args(["--foreground", "--config-file", &self.config_file()]).spawn().unwrap()
    }

    fn ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((self.address.as_str(), 3000))?;
        let length = u8::try_from(command.len() + 1).unwrap();
        stream.write_all(&[2, 1, 0, 0, 0, 0, 0, length])?;
        stream.write_all(format!("{command}\n").as_bytes())?;
        let mut header = [0; 8];
        stream.read_exact(&mut header)?;
        let mut body = vec![0; usize::from(header[7])];
        stream.read_exact(&mut body)?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    fn wait_for_answer(&self) -> Duration {
        let start = Instant::now();
        while self.ask("status").is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "no answer");
            sleep(Duration::from_millis(5));
        }
        start.elapsed()
    }
}

fn kill(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn finish(mut child: Child) -> (ExitStatus, String) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap(), said)
}

fn child_of(parent: &Child) -> u32 {
    let path = format!("/proc/{0}/task/{0}/children", parent.id());
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

#[test]
fn the_first_process_restarts_the_server_and_ends_with_it() {
    let image = Image::new(1);
    image.write_config("");
    let mut command = image.command("tini", "community");
    let asd = image.path().join("asd");
    command.args(["-r", "SIGUSR1", "-t", "SIGTERM", "--"]).arg(asd).args(["--config-file", &image.config_file()]);
    let tini = command.spawn().unwrap();
    image.wait_for_answer();
    let line = fs::read_to_string(format!("/proc/{}/cmdline", tini.id())).unwrap();
    assert!(line.contains("tini\0-r\0"), "{line}");
    let first = child_of(&tini);
    assert_eq!(fs::read_to_string(format!("/proc/{first}/comm")).unwrap(), "asd\n");
    kill(&tini, Signal::USR1);
    let start = Instant::now();
    while fs::exists(format!("/proc/{first}")).unwrap() {
        assert!(start.elapsed() < Duration::from_secs(5), "still there");
        sleep(Duration::from_millis(5));
    }
    image.wait_for_answer();
    assert_ne!(child_of(&tini), first);
    assert_eq!(image.ask("node").unwrap(), "node\t1A0\n");
    kill(&tini, Signal::TERM);
    let (status, said) = finish(tini);
    assert_eq!(status.code(), Some(0));
    assert_eq!(said.matches("finished clean shutdown").count(), 2, "{said}");
}

#[test]
fn it_answers_soon_after_start_and_stops_soon_after_sigterm() {
    let image = Image::new(2);
    image.write_config("");
    let asd = image.asd("community");
    let started = image.wait_for_answer();
    kill(&asd, Signal::HUP);
    sleep(Duration::from_millis(20));
    assert_eq!(image.ask("status").unwrap(), "status\tok\n");
    let start = Instant::now();
    kill(&asd, Signal::TERM);
    let (status, said) = finish(asd);
    assert_eq!(status.code(), Some(0));
    assert!(said.contains("SIGHUP received, rolling log") && said.contains("SIGTERM received, shutting down"), "{said}");
    assert!(started < Duration::from_secs(2) && start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_refused_file_is_exit_1_with_the_line() {
    let image = Image::new(3);
    image.write_config("nope 1");
    let (status, said) = finish(image.asd("community"));
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("CRITICAL (config): line 6 :: unknown config parameter name 'nope'"), "{said}");
}

#[test]
fn an_enterprise_server_wants_its_feature_key() {
    let image = Image::new(4);
    let key = image.path().join("features.conf");
    image.write_config(&format!("feature-key-file {}", key.display()));
    let (status, said) = finish(image.asd("enterprise"));
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("failed to read feature key file"), "{said}");
    fs::write(&key, "").unwrap();
    assert!(finish(image.asd("enterprise")).1.contains("invalid feature key file"));
    fs::write(&key, "feature-key-version 2\n").unwrap();
    let asd = image.asd("enterprise");
    image.wait_for_answer();
    kill(&asd, Signal::TERM);
    assert_eq!(finish(asd).0.code(), Some(0));
}

#[test]
fn a_directory_that_is_missing_and_an_address_of_another_host_stop_it() {
    let image = Image::new(5);
    image.write_config("work-directory /nonexistent/x");
    let (status, said) = finish(image.asd("community"));
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("work directory '/nonexistent/x' is not set up properly"), "{said}");
    let elsewhere = Image { address: "198.51.100.7".to_owned(), ..image };
    elsewhere.write_config("");
    let (status, said) = finish(elsewhere.asd("community"));
    assert_eq!(status.code(), None, "it aborts");
    assert!(said.contains("(Cannot assign requested address"), "{said}");
}

#[test]
fn an_option_that_nobody_knows_prints_the_usage_and_is_exit_0() {
    let image = Image::new(6);
    let output = image.command("asd", "community").arg("--nope").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("usage: asd"));
}
