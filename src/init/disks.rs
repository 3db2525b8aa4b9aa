//! Carries out what was decided for volumes: zeros, discards, deletions.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{StreamExt, TryStreamExt, stream};
use rustix::{fs::FallocateFlags, io::Errno};
use thiserror::Error;

use super::volumes::Job;

/// Bytes written at once.
const BLOCK: usize = 1 << 20;
/// Bytes of a device in which a server keeps its headers.
const HEADER: u64 = 8 << 20;

/// Why a volume could not be prepared.
#[derive(Debug, Error)]
pub enum DiskError {
    /// Reading or writing failed.
    #[error("failed to {what} {path}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The device cannot discard.
    #[error(
        "the device {path} cannot discard blocks: choose dd or headerCleanup as initMethod, dd as wipeMethod",
        path = path.display()
    )]
    NoDiscard {
        /// The device.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// Another volume failed.
    #[error("stopped on {path} because another volume failed", path = path.display())]
    Stopped {
        /// The volume that was left unfinished.
        path: PathBuf,
    },
    /// The thread died.
    #[error("the work on a volume ended early")]
    Died(#[source] tokio::task::JoinError),
}

/// What is done to a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Zeros over all of it.
    Zero,
    /// Zeros over the first 8 MiB.
    ZeroHeader,
    /// All blocks are discarded.
    Discard,
    /// All blocks are discarded, then zeros over the first 8 MiB.
    DiscardAndZeroHeader,
    /// All regular files are deleted; folders stay.
    DeleteFiles,
}

/// Carries out `jobs` on the volumes below `root`, at most `threads` at a time.
///
/// # Errors
///
/// The first failure; the work that is under way stops at its next block.
pub async fn carry_out(root: &Path, jobs: Vec<Job>, threads: usize) -> Result<(), DiskError> {
    let stop = Arc::new(AtomicBool::new(false));
    let work = jobs.into_iter().map(|job| {
        let stop = Arc::clone(&stop);
        let path = root.join(&job.path);
        async move {
            tracing::info!(
                "{:?} of volume {} at {}",
                job.operation,
                job.volume,
                path.display()
            );
            tokio::task::spawn_blocking(move || job.operation.on(&path, &stop))
                .await
                .map_err(DiskError::Died)?
        }
    });
    let done = stream::iter(work)
        .buffer_unordered(threads.max(1))
        .try_collect()
        .await;
    stop.store(true, Ordering::Relaxed);
    done
}

impl Operation {
    /// Does it to `path`, or stops early if told to.
    ///
    /// # Errors
    ///
    /// The volume is missing, refuses, or fails.
    pub fn on(self, path: &Path, stop: &AtomicBool) -> Result<(), DiskError> {
        match self {
            Self::Zero => zero(path, u64::MAX, stop),
            Self::ZeroHeader => zero(path, HEADER, stop),
            Self::Discard => discard(path),
            Self::DiscardAndZeroHeader => {
                discard(path)?;
                zero(path, HEADER, stop)
            }
            Self::DeleteFiles => delete_files(path, stop),
        }
    }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    let path = path.to_owned();
    move |source| DiskError::Io { what, path, source }
}

fn open(path: &Path) -> Result<File, DiskError> {
    OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(failed("open", path))
}

/// Zeros from the beginning, to `limit` or to the end. A device says by itself where it ends; a file would only grow.
fn zero(path: &Path, limit: u64, stop: &AtomicBool) -> Result<(), DiskError> {
    let mut file = open(path)?;
    let metadata = file.metadata().map_err(failed("look at", path))?;
    let mut left = if metadata.is_file() {
        limit.min(metadata.len())
    } else {
        limit
    };
    let zeros = vec![0; BLOCK];
    while left > 0 {
        if stop.load(Ordering::Relaxed) {
            return Err(DiskError::Stopped {
                path: path.to_owned(),
            });
        }
        let size = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
        match file.write_all(&zeros[..size]) {
            Ok(()) => left -= size as u64,
            Err(error) if error.kind() == ErrorKind::StorageFull => break,
            Err(error) => return Err(failed("write zeros to", path)(error)),
        }
    }
    file.sync_all().map_err(failed("flush", path))
}

fn discard(path: &Path) -> Result<(), DiskError> {
    let mut file = open(path)?;
    let length = file
        .seek(SeekFrom::End(0))
        .map_err(failed("measure", path))?;
    if length == 0 {
        return Ok(());
    }
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, flags, 0, length).map_err(|errno| refusal(path, errno))?;
    file.sync_all().map_err(failed("flush", path))
}

fn refusal(path: &Path, errno: Errno) -> DiskError {
    let source = io::Error::from(errno);
    match errno {
        Errno::OPNOTSUPP | Errno::NODEV => DiskError::NoDiscard {
            path: path.to_owned(),
            source,
        },
        _ => failed("discard", path)(source),
    }
}

/// Deletes regular files below `folder`. Links are not followed and stay, as folders do.
fn delete_files(folder: &Path, stop: &AtomicBool) -> Result<(), DiskError> {
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        if stop.load(Ordering::Relaxed) {
            return Err(DiskError::Stopped {
                path: folder.to_owned(),
            });
        }
        let entry = entry.map_err(failed("list", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(failed("look at", &path))?;
        if kind.is_dir() {
            delete_files(&path, stop)?;
        } else if kind.is_file() {
            fs::remove_file(&path).map_err(failed("delete", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
