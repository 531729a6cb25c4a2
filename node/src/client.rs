//! Talks to the running node over its API.

use std::{borrow::Cow, fmt::Write as _, io::Write, time::Duration};

use reqwest::{Method, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use stratus_api::{OwnerToken, shape};
use stratus_event::{Fault, Whose};

use crate::{data::DataDirectory, exit::Failure};

/// A client of the node whose data directory it was opened with.
pub(crate) struct Client {
    data: DataDirectory,
    base: String,
    token: OwnerToken,
    http: reqwest::Client,
}

impl Client {
    /// Finds the node by its data directory. Whether it runs shows with the first request.
    pub(crate) fn open(data: &DataDirectory) -> Result<Self, Failure> {
        let (base, token) = (data.api_url()?, data.owner_token()?);
        // The address is on this machine: no proxy between, and no redirect elsewhere.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_millis(stratus_api::REQUEST_MS_MAX + 5_000))
            .build()
            .map_err(|e| Failure::from(std::io::Error::other(e)))?;
        Ok(Self {
            data: data.clone(),
            base,
            token,
            http,
        })
    }

    /// Reads what is at a path under `/api/v1`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.read(self.request(Method::GET, path, None::<&()>).await?)
            .await
    }

    /// Sends a body to a path under `/api/v1`, and reads the answer.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.read(self.request(Method::POST, path, Some(body)).await?)
            .await
    }

    /// Changes what is at a path under `/api/v1`, and reads what it is then.
    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.read(self.request(Method::PATCH, path, Some(body)).await?)
            .await
    }

    /// Replaces what is at a path under `/api/v1`.
    pub(crate) async fn put(&self, path: &str, body: &impl Serialize) -> Result<(), Failure> {
        self.request(Method::PUT, path, Some(body)).await.map(drop)
    }

    /// Removes what is at a path under `/api/v1`.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.request(Method::DELETE, path, None::<&()>)
            .await
            .map(drop)
    }

    /// Writes what is at a path under `/api/v1`, however long that takes.
    pub(crate) async fn download(&self, path: &str, out: &mut impl Write) -> Result<(), Failure> {
        let request = self.prepared(Method::GET, path).timeout(DOWNLOAD_MAX);
        let mut response = self.sent(request).await?;
        while let Some(piece) = response.chunk().await.map_err(|e| self.unreached(&e))? {
            out.write_all(&piece)?;
        }
        Ok(())
    }

    /// All there is in the owner's PEN.
    pub(crate) async fn pen(&self) -> Result<shape::Pen, Failure> {
        self.get("/pen").await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Response, Failure> {
        let mut request = self.prepared(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.sent(request).await
    }

    fn prepared(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1{path}", self.base);
        let request = self.http.request(method, url);
        request.bearer_auth(self.token.expose())
    }

    async fn sent(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|e| self.unreached(&e))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(refused(response).await)
        }
    }

    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        response.json().await.map_err(|e| {
            let message = "the node's answer cannot be read";
            let fault = Fault::new(Whose::Bug, "answer-unreadable", message);
            Failure::caused(
                fault.hint("is the node of the same version as this command?"),
                &e,
            )
        })
    }

    fn unreached(&self, error: &reqwest::Error) -> Failure {
        if error.is_connect() {
            return self.data.not_running();
        }
        let fault = Fault::new(Whose::World, "node-stopping", "the node gave no answer")
            .hint("look at what it says in its terminal, then at `stratus journal`");
        Failure::caused(fault, error)
    }
}

/// A text as a part of an address (RFC 3986, section 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let mut encoded = String::new();
    for byte in text.bytes() {
        if plain(&byte) {
            encoded.push(char::from(byte));
        } else {
            // A text takes all that is written.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The fault that the node tells of, as it was there.
async fn refused(response: Response) -> Failure {
    let status = response.status();
    match response.json::<shape::Problem>().await {
        Ok(problem) => fault(problem).into(),
        Err(e) => {
            let message = format!("the node answered {status} and did not say why");
            Failure::caused(Fault::new(Whose::Bug, "answer-unreadable", message), &e)
        }
    }
}

fn fault(problem: shape::Problem) -> Fault {
    let whose = match problem.whose.as_str() {
        "caller" => Whose::Caller,
        "peer" => Whose::Peer,
        "ruleset" => Whose::Ruleset,
        "world" => Whose::World,
        _ => Whose::Bug,
    };
    let (code, message, hint) = (Cow::Owned(problem.code), problem.detail, problem.hint);
    Fault {
        code,
        whose,
        message,
        hint,
        retry_after_ms: None,
    }
}

/// How long it may take to fetch all of a node.
const DOWNLOAD_MAX: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// What a client makes of a server that answers like this.
    async fn check(answer: &'static str, expected: &str, expected_whose: Whose) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::locate(Some(folder.path().into())).unwrap();
        data.make_owner_token().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        data.write_api_url(&format!("http://{}", listener.local_addr().unwrap()))
            .unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let failure = Client::open(&data).unwrap().pen().await.unwrap_err();
        let Failure::Fault(fault, _) = failure else {
            panic!("no fault")
        };
        assert_eq!(
            (&*fault.code, fault.whose),
            (expected, expected_whose),
            "{answer}"
        );
    }

    #[test]
    fn what_is_not_plain_is_encoded() {
        assert_eq!(encoded("a.b-c_~9"), "a.b-c_~9");
        assert_eq!(encoded("r/é &"), "r%2F%C3%A9%20%26");
    }

    #[tokio::test]
    async fn a_node_s_fault_is_told_as_it_was_there() {
        let problem = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n{\"type\":\"urn:x\",\
            \"title\":\"t\",\"status\":404,\"detail\":\"d\",\"code\":\"channel-unknown\",\
            \"whose\":\"caller\"}";
        check(problem, "channel-unknown", Whose::Caller).await;
    }

    #[tokio::test]
    async fn answers_that_make_no_sense_are_bugs() {
        let head = "HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\nno";
        check(head, "answer-unreadable", Whose::Bug).await;
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}";
        check(head, "answer-unreadable", Whose::Bug).await;
    }

    #[tokio::test]
    async fn a_node_that_hangs_up_is_stopping() {
        check("", "node-stopping", Whose::World).await;
    }
}
