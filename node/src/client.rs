//! Talks to the running node over its API.

use std::{borrow::Cow, time::Duration};

use reqwest::{Method, Response};
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

    /// Removes what is at a path under `/api/v1`.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.request(Method::DELETE, path, None::<&()>)
            .await
            .map(drop)
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
        let url = format!("{}/api/v1{path}", self.base);
        let mut request = self
            .http
            .request(method, url)
            .bearer_auth(self.token.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
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
    }
}
