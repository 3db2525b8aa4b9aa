//! The address plan: which ranges the cluster uses, who has which address, and whether something else has them already.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use anyhow::{Context as _, Error, Result};

/// The control plane's address, on the bridge in the root network namespace.
pub const CONTROL_PLANE: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 1);

/// The port of the API server.
pub const API_PORT: u16 = 6443;

/// The cluster IP of `kubernetes.default`, the first of [`SERVICES`].
pub const API_SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);

/// The machines: control plane and nodes.
pub const MACHINES: Range = Range::new(Ipv4Addr::new(172, 30, 0, 0), 24);

/// All pods.
pub const PODS: Range = Range::new(Ipv4Addr::new(10, 244, 0, 0), 16);

/// All cluster IPs.
pub const SERVICES: Range = Range::new(Ipv4Addr::new(10, 96, 0, 0), 16);

/// The address of a node, counted from 1.
#[must_use]
pub const fn node(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 30, 0, 10 + number)
}

/// The addresses of a node's pods.
#[must_use]
pub const fn pods_of(number: u8) -> Range {
    Range::new(Ipv4Addr::new(10, 244, 10 + number, 0), 24)
}

/// Addresses that share their first `prefix` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    base: Ipv4Addr,
    prefix: u8,
}

impl Range {
    /// The range of `prefix` bits that `base` begins.
    #[must_use]
    pub const fn new(base: Ipv4Addr, prefix: u8) -> Self {
        Self { base, prefix }
    }

    /// Whether some address is in both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let shared = self.prefix.min(other.prefix);
        let differing = self.base.to_bits() ^ other.base.to_bits();
        differing.checked_shr(32 - u32::from(shared)).unwrap_or(0) == 0
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl FromStr for Range {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (base, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let prefix = prefix.parse().ok().filter(|bits| *bits <= 32);
        Ok(Self {
            base: base.parse()?,
            prefix: prefix.with_context(|| format!("{text} has no prefix length of 0 to 32"))?,
        })
    }
}

/// The first line of `routes` (as `ip -4 route show` prints them) that leads an address of ours to another device than `ours`.
///
/// Very wide routes are left aside: ours are more exact, and "everything through the VPN" is not a claim on our addresses.
#[must_use]
pub fn taken<'a>(routes: &'a str, ours: &str) -> Option<&'a str> {
    routes.lines().map(str::trim).find(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let is_ours = words.windows(2).any(|pair| pair == ["dev", ours]);
        !is_ours && words.iter().take(2).any(|word| claims(word))
    })
}

fn claims(word: &str) -> bool {
    word.parse::<Range>().is_ok_and(|range| {
        let ranges = [MACHINES, PODS, SERVICES];
        range.prefix >= 8
            && range.base != Ipv4Addr::UNSPECIFIED
            && ranges.iter().any(|ours| ours.overlaps(range))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Range {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_overlap_when_one_holds_the_other() {
        assert!(range("10.0.0.0/8").overlaps(PODS));
        assert!(PODS.overlaps(range("10.244.7.9")));
        assert!(range("0.0.0.0/0").overlaps(SERVICES));
        assert!(!range("10.245.0.0/16").overlaps(PODS));
        assert!(!range("172.30.1.0/24").overlaps(MACHINES));
    }

    #[test]
    fn text_that_is_no_range_is_refused() {
        for text in ["", "default", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/x"] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_prints_as_it_was_read() {
        assert_eq!(range("10.244.0.0/16").to_string(), "10.244.0.0/16");
    }

    #[test]
    fn the_nodes_and_their_pods_lie_in_the_plan() {
        for number in 1..=3 {
            assert!(Range::new(node(number), 32).overlaps(MACHINES));
            assert!(pods_of(number).overlaps(PODS));
        }
        assert!(Range::new(API_SERVICE, 32).overlaps(SERVICES));
    }

    #[test]
    fn another_network_in_our_ranges_is_noticed() {
        let routes = "default via 192.0.2.1 dev eth0\n10.244.0.0/16 via 10.0.0.1 dev flannel.1\n";
        let line = "10.244.0.0/16 via 10.0.0.1 dev flannel.1";
        assert_eq!(taken(routes, "br"), Some(line));
        assert_eq!(
            taken("blackhole 10.96.0.0/12", "br"),
            Some("blackhole 10.96.0.0/12")
        );
    }

    #[test]
    fn our_own_routes_and_default_routes_are_no_hindrance() {
        let routes = "default via 192.0.2.1 dev eth0\n0.0.0.0/1 via 10.8.0.1 dev tun0\n\
                      10.244.11.0/24 via 172.30.0.11 dev br\n192.0.2.0/24 dev eth0 scope link src 192.0.2.2\n";
        assert_eq!(taken(routes, "br"), None);
    }
}
