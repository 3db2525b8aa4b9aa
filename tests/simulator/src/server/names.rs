//! Host names to addresses, without the C library: a static program has no other way.

use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;

/// A resolver that goes by `/etc/resolv.conf` and `/etc/hosts`.
#[derive(Clone)]
pub struct Names(Option<TokioResolver>);

impl Names {
    /// By the system's files; without them only addresses are understood.
    #[must_use]
    pub fn of_system() -> Self {
        let builder = TokioResolver::builder_tokio().ok().map(|mut builder| {
            let options = builder.options_mut();
            // pods appear at any time: yesterday's "no such name" is worth nothing
            options.cache_size = 0;
            options.timeout = Duration::from_secs(2);
            options.attempts = 1;
            builder
        });
        Self(builder.map(hickory_resolver::ResolverBuilder::build))
    }

    /// The addresses of `host`; none if it has none.
    pub async fn resolve(&self, host: &str) -> Vec<IpAddr> {
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return vec![address];
        }
        let Some(resolver) = &self.0 else {
            return Vec::new();
        };
        resolver
            .lookup_ip(host)
            .await
            .map(|found| found.iter().collect())
            .unwrap_or_default()
    }
}
