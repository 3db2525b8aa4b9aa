//! The other pods of the cluster, as seeds of the heartbeat mesh.

/// The lines of `peers` but for the pod's own, found by its first DNS label.
#[must_use]
pub fn others<'a>(peers: &'a str, pod: &str) -> Vec<&'a str> {
    peers
        .lines()
        .map(str::trim)
        .filter(|peer| !peer.is_empty() && first_label(peer) != pod)
        .collect()
}

fn first_label(name: &str) -> &str {
    name.split_once('.').map_or(name, |(label, _)| label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_name_with_the_same_beginning_is_a_peer() {
        let peers = "c-1-0.c.ns\nc-1-1.c.ns\nc-1-10.c.ns\n\n";
        assert_eq!(others(peers, "c-1-1"), ["c-1-0.c.ns", "c-1-10.c.ns"]);
        assert_eq!(others(peers, "c-1-10"), ["c-1-0.c.ns", "c-1-1.c.ns"]);
    }

    #[test]
    fn without_peers_there_are_no_seeds() {
        assert!(others("", "c-1-0").is_empty());
        assert!(others("c-1-0.c.ns", "c-1-0").is_empty());
    }
}
