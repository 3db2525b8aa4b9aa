//! Certificate and key from a mounted Secret, read again for as long as the process lives.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::sign::CertifiedKey;
use tokio::{fs, time};

use super::certificate::{self, CHAIN, Fault, KEY, Served};

/// The link that the kubelet swaps when the Secret changed.
const SNAPSHOT: &str = "..data";

/// Why a certificate could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The files cannot be used.
    #[error("failed to use the certificate in {}", folder.display())]
    Unusable {
        /// Where they are.
        folder: PathBuf,
        /// Why.
        source: Fault,
    },
}

/// A folder whose newest certificate that loads is in use.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    served: Arc<Served>,
}

impl Files {
    /// Loads `tls.crt` and `tls.key` from `folder` for the first time, so that a bad pair stops the process at start.
    ///
    /// # Errors
    ///
    /// If a file is missing or unusable.
    pub async fn load(folder: impl Into<PathBuf>, served: Arc<Served>) -> Result<Self, Error> {
        let folder = folder.into();
        served.put(read_pair(&folder).await?);
        Ok(Self { folder, served })
    }

    /// Reloads every `period`, for as long as it is polled.
    pub async fn follow(&self, period: Duration) {
        let mut ticks = time::interval(period);
        ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.reload().await;
        }
    }

    /// Takes the pair on disk if it is a good one; a bad one leaves the old in use.
    pub async fn reload(&self) {
        match read_pair(&self.folder).await {
            Ok(new) => {
                if self.served.put(new) {
                    tracing::info!(folder = %self.folder.display(), "Reloaded certificate");
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "Keeping the old certificate");
            }
        }
    }
}

async fn read_pair(folder: &Path) -> Result<CertifiedKey, Error> {
    let folder = snapshot(folder).await;
    let (chain, key) = (
        read(&folder.join(CHAIN)).await?,
        read(&folder.join(KEY)).await?,
    );
    certificate::parse(&chain, &key).map_err(|source| Error::Unusable { folder, source })
}

/// The folder behind the kubelet's link: two reads from it are of one version, whenever the link is swapped.
async fn snapshot(folder: &Path) -> PathBuf {
    let linked = fs::canonicalize(folder.join(SNAPSHOT)).await;
    linked.unwrap_or_else(|_| folder.to_owned())
}

async fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).await.map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}
