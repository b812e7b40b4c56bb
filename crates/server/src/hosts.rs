//! Which host names the server answers for: a guard against DNS rebinding. Resolves nothing.

use std::net::{IpAddr, SocketAddr};

use chancery_api::ErrorCode;
use http::{HeaderMap, Uri};

use crate::fault::Fault;

/// The host names the server answers for.
#[derive(Clone, Debug)]
pub(crate) enum Hosts {
    /// Any: the server is meant to be reached by others, or a proxy checks.
    Any,
    /// This machine's own names and these.
    Local(Vec<String>),
    /// Only these, with or without a port.
    Named(Vec<String>),
}

impl Hosts {
    /// The names for an address to listen on: a server on loopback answers for loopback names only.
    pub(crate) fn of(listen: SocketAddr, allowed: &[String]) -> Hosts {
        let allowed: Vec<String> = allowed.iter().map(|name| name.to_ascii_lowercase()).collect();
        match (listen.ip().is_loopback(), allowed.is_empty()) {
            (true, _) => Hosts::Local(allowed),
            (false, true) => Hosts::Any,
            (false, false) => Hosts::Named(allowed),
        }
    }

    /// Refuses a request for a host that is not ours.
    ///
    /// # Errors
    /// 421.
    pub(crate) fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Fault> {
        if matches!(self, Hosts::Any) {
            return Ok(());
        }
        let header = headers
            .get(http::header::HOST)
            .map(|value| value.to_str().unwrap_or("?"));
        let Some(host) = header.or_else(|| uri.authority().map(|authority| authority.as_str())) else {
            return Ok(());
        };
        if self.ours(host) {
            return Ok(());
        }
        let detail = "The Host header names a host this server does not answer for.";
        Err(Fault::new(ErrorCode::MisdirectedRequest, detail)
            .hint("Use the address the server printed, or start it with --allowed-host NAME."))
    }

    fn ours(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host.as_str(),
        };
        let listed = |allowed: &[String]| allowed.iter().any(|ours| *ours == host || ours == name);
        match self {
            Hosts::Any => true,
            Hosts::Named(allowed) => listed(allowed),
            Hosts::Local(allowed) => {
                let bare = name.trim_start_matches('[').trim_end_matches(']');
                let loopback = bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
                loopback || name == "localhost" || name.ends_with(".localhost") || listed(allowed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_server_answers_for_loopback_names_only() {
        let hosts = Hosts::of("127.0.0.1:7373".parse().unwrap(), &["db.example".into()]);
        for (host, ours) in [
            ("127.0.0.1:7373", true),
            ("localhost", true),
            ("[::1]:7373", true),
            ("app.localhost:80", true),
            ("DB.example:7373", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example:7373", false),
        ] {
            assert_eq!(hosts.ours(host), ours, "{host}");
        }
    }

    #[test]
    fn a_public_server_answers_for_its_list_or_for_all() {
        assert!(Hosts::of("0.0.0.0:80".parse().unwrap(), &[]).ours("anything"));
        assert!(!Hosts::of("0.0.0.0:80".parse().unwrap(), &["a.example".into()]).ours("b.example"));
    }
}
