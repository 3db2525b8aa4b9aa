//! Devices and files of namespaces: copies of records outlive the process there, and a wiped device is empty.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::conf::Settings;
use crate::conf::settings::namespace_key;
use crate::node::Node;
use crate::records::{Digest, Record, Records};

const MAGIC: [u8; 8] = *b"asd sim1";

/// Why a device stops the server.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be opened: the server aborts.
    #[error("{{{namespace}}} unable to open {kind} {path}")]
    Closed {
        /// The namespace.
        namespace: String,
        /// Device or file.
        kind: &'static str,
        /// Its path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It holds something of another namespace.
    #[error("{{{namespace}}} {path} holds data of namespace {other}")]
    Foreign {
        /// The namespace.
        namespace: String,
        /// The device's path.
        path: String,
        /// Whose data it is.
        other: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    namespace: String,
}

/// The first device or file of a namespace; it takes the copies of all of them.
struct Device {
    namespace: String,
    path: String,
    file: File,
    end: u64,
}

/// The devices of a server.
pub struct Devices(Mutex<Vec<Device>>);

impl Devices {
    /// Opens them all.
    pub fn open(settings: &Settings) -> Result<Self, Unusable> {
        let mut devices = Vec::new();
        for namespace in settings.namespaces() {
            let mut files = files_of(settings, namespace)?.into_iter();
            let first = files
                .next()
                .filter(|_| !settings.is_true(&storage(namespace, "cold-start-empty")));
            devices.extend(first.map(|(path, file)| Device {
                namespace: namespace.clone(),
                path,
                file,
                end: 0,
            }));
        }
        Ok(Self(Mutex::new(devices)))
    }

    /// Gives the node what they hold.
    pub fn load(&self, records: &mut Records) -> Result<(), Unusable> {
        let mut devices = self.0.lock().expect("no holder panics");
        for device in devices.iter_mut() {
            device.load(records)?;
        }
        if !devices.is_empty() {
            // from here on changes are noted
            records.take_journal();
        }
        Ok(())
    }

    /// Writes what changed since the last time.
    pub fn flush(&self, node: &Mutex<Node>) -> io::Result<()> {
        let mut devices = self.0.lock().expect("no holder panics");
        if devices.is_empty() {
            return Ok(());
        }
        let mut node = node
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let journal = node.records.take_journal();
        for device in devices.iter_mut() {
            let rewritten = journal.rewritten.contains(&device.namespace);
            let entries: Vec<_> = if rewritten {
                let all = node.records.all(&device.namespace);
                all.map(|(digest, record)| (*digest, record.clone()))
                    .collect()
            } else {
                journal.changes_of(&device.namespace)
            };
            device.write(rewritten, &entries)?;
        }
        Ok(())
    }
}

fn storage(namespace: &str, name: &str) -> String {
    namespace_key(namespace, &format!("storage-engine.{name}"))
}

fn files_of(settings: &Settings, namespace: &str) -> Result<Vec<(String, File)>, Unusable> {
    let size = settings.number(&storage(namespace, "filesize"), 0);
    let mut files = Vec::new();
    for (kind, name) in [("device", "device"), ("file", "file")] {
        for path in settings
            .all(&storage(namespace, name))
            .iter()
            .flat_map(|entry| entry.split(' '))
        {
            let closed = |source| Unusable::Closed {
                namespace: namespace.to_owned(),
                kind,
                path: path.to_owned(),
                source,
            };
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(kind == "file");
            let file = options.open(path).map_err(closed)?;
            if kind == "file" {
                file.set_len(size).map_err(closed)?;
            }
            files.push((path.to_owned(), file));
        }
    }
    Ok(files)
}

impl Device {
    fn load(&mut self, records: &mut Records) -> Result<(), Unusable> {
        let mut start = [0; MAGIC.len()];
        let used = self.file.read_exact_at(&mut start, 0).is_ok() && start == MAGIC;
        self.end = MAGIC.len() as u64;
        let header = if used { self.next::<Header>() } else { None };
        let Some(header) = header else {
            self.format();
            return Ok(());
        };
        if header.namespace != self.namespace {
            let (namespace, path) = (self.namespace.clone(), self.path.clone());
            return Err(Unusable::Foreign {
                namespace,
                path,
                other: header.namespace,
            });
        }
        while let Some((digest, record)) = self.next::<(Digest, Record)>() {
            records.keep(&self.namespace, digest, record);
        }
        Ok(())
    }

    /// An empty device gets its header; a device that cannot be written shows with the first flush.
    fn format(&mut self) {
        let header = Header {
            namespace: self.namespace.clone(),
        };
        self.end = MAGIC.len() as u64;
        let _ = self
            .file
            .write_all_at(&MAGIC, 0)
            .and_then(|()| self.append(&[header]));
    }

    /// The entry at the end of what was read; none at the end of all.
    fn next<T: for<'a> Deserialize<'a>>(&mut self) -> Option<T> {
        let mut length = [0; 4];
        self.file.read_exact_at(&mut length, self.end).ok()?;
        let length = u32::from_be_bytes(length);
        let mut entry = vec![0; usize::try_from(length).ok().filter(|length| *length != 0)?];
        self.file.read_exact_at(&mut entry, self.end + 4).ok()?;
        let entry = serde_json::from_slice(&entry).ok()?;
        self.end += 4 + u64::from(length);
        Some(entry)
    }

    fn write(&mut self, anew: bool, entries: &[(Digest, Record)]) -> io::Result<()> {
        if anew {
            self.format();
        }
        if anew || !entries.is_empty() {
            self.append(entries)
        } else {
            Ok(())
        }
    }

    /// Each entry after its length; a length of zero ends it all.
    fn append<T: Serialize>(&mut self, entries: &[T]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for entry in entries {
            let entry = serde_json::to_vec(entry)?;
            bytes.extend(
                u32::try_from(entry.len())
                    .map_err(io::Error::other)?
                    .to_be_bytes(),
            );
            bytes.extend(entry);
        }
        let length = bytes.len() as u64;
        bytes.extend([0; 4]);
        self.file.write_all_at(&bytes, self.end)?;
        self.end += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf;
    use crate::version::{Edition, Release};

    fn settings(directory: &str, namespace: &str) -> Settings {
        let release = Release {
            version: "8.1.2.0".parse().unwrap(),
            edition: Edition::Community,
        };
        let text = format!(
            "namespace {namespace} {{\n storage-engine device {{\n file {directory}/a\n filesize 128M\n }}\n}}\n"
        );
        conf::parse(release, &text).unwrap()
    }

    fn loaded(settings: &Settings) -> Result<Records, Unusable> {
        let mut records = Records::default();
        Devices::open(settings)?.load(&mut records)?;
        Ok(records)
    }

    #[test]
    fn what_was_written_is_there_after_a_restart_and_gone_after_a_wipe() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().display().to_string();
        let settings = settings(&path, "test");
        let devices = Devices::open(&settings).unwrap();
        devices.load(&mut Records::default()).unwrap();
        let record = Record {
            generation: 3,
            changed: 7,
            ..Record::default()
        };
        devices.0.lock().unwrap()[0]
            .write(false, &[([9; 20], record.clone())])
            .unwrap();
        assert_eq!(
            loaded(&settings).unwrap().get("test", &[9; 20]),
            Some(&record)
        );
        File::create(format!("{path}/a")).unwrap();
        assert_eq!(loaded(&settings).unwrap().get("test", &[9; 20]), None);
    }

    #[test]
    fn a_device_of_another_namespace_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().display().to_string();
        loaded(&settings(&path, "test")).unwrap();
        assert!(matches!(
            loaded(&settings(&path, "other")),
            Err(Unusable::Foreign { .. })
        ));
        assert!(matches!(
            loaded(&settings("/nonexistent", "test")),
            Err(Unusable::Closed { .. })
        ));
    }
}
