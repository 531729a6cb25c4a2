//! A service for tests: it does what it is told, on loopback.

use std::sync::{Arc, Mutex};

use serde_json::Value as Json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the service does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers.
    Answer(u16, Json),
    /// Closes the connection when it has read the request.
    Cut,
    /// Answers, but cuts its own words short.
    Half(u16, String),
    /// Sends something that is not HTTP.
    Noise,
    /// Reads the request and never answers.
    Silence,
}

/// A service on loopback, one act per request, that keeps the requests.
pub(crate) struct Service {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

impl Service {
    pub(crate) async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        tokio::spawn(async move {
            let mut silent = Vec::new();
            for act in acts {
                let (mut socket, _) = listener.accept().await.unwrap();
                let request = read_request(&mut socket).await;
                kept.lock().unwrap().push(request);
                match act {
                    Act::Answer(status, body) => {
                        answer(&mut socket, status, &body.to_string()).await;
                    }
                    Act::Cut => {}
                    Act::Half(status, body) => half(&mut socket, status, &body).await,
                    Act::Noise => socket.write_all(b"\0\0\0\0\r\n\r\n").await.unwrap(),
                    Act::Silence => silent.push(socket),
                }
            }
            std::future::pending::<()>().await;
        });
        Self { url, requests }
    }

    /// The requests so far: the first line and the body of each.
    pub(crate) fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let line = |head: &str| head.lines().next().unwrap().replace(" HTTP/1.1", "");
        let brief = |(head, body): &(String, String)| format!("{} {body}", line(head));
        requests
            .iter()
            .map(|request| brief(request).trim().into())
            .collect()
    }

    /// The heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|(head, _)| head.clone()).collect()
    }
}

async fn read_request(socket: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return (head.to_owned(), body.to_owned());
            }
        }
        let mut chunk = [0; 4096];
        let read = socket.read(&mut chunk).await.unwrap();
        assert!(read > 0, "the request ends too early");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

async fn answer(socket: &mut TcpStream, status: u16, body: &str) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nContent-Type: application/json\r\n\
         X-Twice: a\r\nX-Twice: b\r\nLocation: /x\r\n\r\n"
    );
    // The client may have had enough already.
    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = socket.shutdown().await;
}

async fn half(socket: &mut TcpStream, status: u16, body: &str) {
    let length = body.len();
    let (half, _) = body.split_at(length / 2);
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{half}");
    socket.write_all(head.as_bytes()).await.unwrap();
}
