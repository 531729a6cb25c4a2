//! One request and its answer, as JSON.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value as Json;

/// Asks by GET.
pub(super) fn ask(address: SocketAddr, path: &str, token: Option<&str>) -> io::Result<Json> {
    send(address, path, token, None)
}

/// Sends by POST.
pub(super) fn post(
    address: SocketAddr,
    path: &str,
    token: Option<&str>,
    body: &Json,
) -> io::Result<Json> {
    send(address, path, token, Some(body.to_string()))
}

fn send(
    address: SocketAddr,
    path: &str,
    token: Option<&str>,
    body: Option<String>,
) -> io::Result<Json> {
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.unwrap_or_default();
    let token = token.map_or_else(String::new, |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{token}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if !head.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(format!("{method} {path}: {answer}")));
    }
    serde_json::from_str(body).map_err(io::Error::other)
}

const WAIT: Duration = Duration::from_mins(2);
