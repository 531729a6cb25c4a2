//! Somebody who calls again and again by the same connection.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use super::filling;

/// An open connection.
pub(crate) struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, WAIT)?;
        stream.set_read_timeout(Some(WAIT))?;
        stream.set_nodelay(true)?;
        let stream = BufReader::new(stream);
        Ok(Self { address, stream })
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<String> {
        self.ask("GET", path)
    }

    /// Raises an event in the PEN of that number, and waits for what comes of it.
    pub(crate) fn raise(&mut self, number: u64, kind: &str) -> io::Result<String> {
        let path = format!("/c/{}/event-wait/bench/{kind}", filling::eci(number));
        self.ask("POST", &path)
    }

    /// The body of the answer, which has to be a good one.
    fn ask(&mut self, method: &str, path: &str) -> io::Result<String> {
        let address = self.address;
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
        self.stream.get_mut().write_all(head.as_bytes())?;
        let (status, length) = self.head()?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let body = String::from_utf8(body).map_err(io::Error::other)?;
        if status.contains(" 200") {
            Ok(body)
        } else {
            Err(io::Error::other(format!("{path}: {status}{body}")))
        }
    }

    /// The line that tells how it went, and the length of the body.
    fn head(&mut self) -> io::Result<(String, usize)> {
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status, length));
            }
            if let Some(told) = line.strip_prefix("content-length:") {
                length = told.trim().parse().map_err(io::Error::other)?;
            }
        }
    }
}

const WAIT: Duration = Duration::from_mins(1);
