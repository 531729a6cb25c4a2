//! What a hostile peer can send.
