//! The one place where CBOR is read and written (RFC 8949, core deterministic encoding).
