//! What pods may ask of their nodes.

use std::fmt;

/// The levels of the Pod Security standard; each forbids what the one before it does, and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum PodPolicy {
    /// Pods may ask for everything.
    #[default]
    Off,
    /// The known ways out of a container are closed.
    Baseline,
    /// Pods are hardened as well.
    Restricted,
}

impl fmt::Display for PodPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        })
    }
}
