//! Why no answer came, in words.

use std::iter;

/// The error and its causes, without the address, of which a part may be secret.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "the service did not answer in time"
    } else if error.is_connect() {
        "the service cannot be reached"
    } else if error.is_redirect() {
        "the service sends the request round and round"
    } else {
        "the connection to the service broke"
    };
    let causes = iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(what.to_owned(), |reason, cause| {
        format!("{reason}: {cause}")
    })
}
