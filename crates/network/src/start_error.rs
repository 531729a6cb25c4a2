//! Why a network could not be started.

use std::io;

/// The network could not be started. `Display` says what happened, [`StartError::hint`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A configured address is not a multiaddress.
    #[error("{address} is not an address this node can use: {reason}")]
    Address {
        /// As configured.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The seed gives no key.
    #[error("the node's key cannot be used")]
    Key,
    /// The operating system does not let this node listen there.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// Where.
        address: String,
        /// What the operating system said.
        reason: String,
    },
    /// The operating system's name resolution cannot be read.
    #[error("the system's name resolution cannot be used: {0}")]
    Resolver(io::Error),
}

impl StartError {
    /// Stable, listed in `spec/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "address-malformed",
            Self::Key => "node-key-unusable",
            Self::Listen { .. } => "listen-failed",
            Self::Resolver(_) => "resolver-unusable",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => "write it like /ip4/0.0.0.0/tcp/7420",
            Self::Key => "restore the node's key file from a backup",
            Self::Listen { .. } => {
                "choose another port, or stop the program that listens there already"
            }
            Self::Resolver(_) => "look at /etc/resolv.conf",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &StartError, code: &str, hint: &str) {
        assert_eq!(error.code(), code);
        assert!(error.hint().contains(hint), "{}", error.hint());
    }

    #[test]
    fn every_error_has_a_code_and_says_what_to_do() {
        let (address, reason) = (String::from("nowhere"), String::from("no"));
        check(&StartError::Key, "node-key-unusable", "backup");
        let resolver = StartError::Resolver(io::ErrorKind::NotFound.into());
        check(&resolver, "resolver-unusable", "resolv.conf");
        let wrong = StartError::Address {
            address: address.clone(),
            reason: reason.clone(),
        };
        check(&wrong, "address-malformed", "/ip4/");
        let taken = StartError::Listen { address, reason };
        check(&taken, "listen-failed", "another port");
    }
}
