//! The nodes of the demonstration: separate processes with data directories of their own.

use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Serialize, de::DeserializeOwned};
use stratus_api::shape;
use stratus_event::{Fault, Whose};
use tokio::{
    process::{Child, Command},
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::phones;

/// A node that does not answer within this time has failed to start.
const START_WAIT: Duration = Duration::from_secs(20);
/// A node that has to stop and does not is killed after this time.
const STOP_WAIT: Duration = Duration::from_secs(10);
/// A request to a node that is being killed is tried again for this long.
const REQUEST_WAIT: Duration = Duration::from_secs(20);
/// The pause between two tries.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The first of the ports that nodes of the demonstration get.
const PORT_MIN: u16 = 12_000;
/// How many there are; outgoing connections get higher ones.
const PORTS: u16 = 18_000;
/// How many of them this process has looked at.
static PORTS_DRAWN: AtomicU16 = AtomicU16::new(0);

/// One node, played by a process that is started again whenever it dies.
pub(crate) struct Player {
    /// What the story calls it.
    pub(crate) name: String,
    /// The number of its PEN, to which people send texts.
    pub(crate) number: String,
    data: PathBuf,
    api: SocketAddr,
    http: Client,
    orders: mpsc::Sender<Order>,
    deaths: Arc<Mutex<Vec<String>>>,
    keeper: JoinHandle<()>,
}

/// Where a node is to die, in the form of `STRATUS_CRASH_AT`: `boundary:n`.
pub(crate) type CrashPoint = String;

impl Player {
    /// Starts a node in a folder below `stage`, and waits until it answers.
    pub(crate) async fn start(
        stage: &Path,
        name: &str,
        number: &str,
        texts_url: &str,
    ) -> Result<Self, Fault> {
        let data = stage.join(name);
        std::fs::create_dir_all(&data).map_err(|error| failed(name, &error))?;
        write_settings(&data, number, texts_url).map_err(|error| failed(name, &error))?;
        let api = free_address().map_err(|error| failed(name, &error))?;
        let listen = free_address().map_err(|error| failed(name, &error))?;
        let program = std::env::current_exe().map_err(|error| failed(name, &error))?;
        let (orders, inbox) = mpsc::channel(4);
        let deaths = Arc::new(Mutex::new(Vec::new()));
        let keeper = Keeper {
            program,
            data: data.clone(),
            name: name.to_owned(),
            api,
            listen,
            points: VecDeque::new(),
            deaths: Arc::clone(&deaths),
        };
        let http = Client::builder().timeout(Duration::from_mins(1)).build();
        let player = Self {
            name: name.to_owned(),
            number: number.to_owned(),
            data,
            api,
            http: http.map_err(|error| failed(name, &error))?,
            orders,
            deaths,
            keeper: tokio::spawn(keeper.keep(inbox)),
        };
        player.wait_until_up().await?;
        Ok(player)
    }

    /// Starts the node again so that it dies at these points, one after the other.
    pub(crate) async fn arm(&self, points: Vec<CrashPoint>) -> Result<(), Fault> {
        // A keeper that is gone is found out by the wait below.
        let _ = self.orders.send(Order::Arm(points)).await;
        sleep(RETRY_PAUSE).await;
        self.wait_until_up().await
    }

    /// The points at which the node has died so far.
    pub(crate) fn deaths(&self) -> Vec<CrashPoint> {
        self.deaths
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Stops the node and waits until it is gone.
    pub(crate) async fn stop(self) {
        let _ = self.orders.send(Order::Stop).await;
        let _ = self.keeper.await;
    }

    /// Asks the owner's API, again and again while the node is down.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Fault> {
        let body = serde_json::to_value(body).map_err(|error| failed(&self.name, &error))?;
        self.request(Method::POST, path, Some(&body)).await
    }

    /// Reads from the owner's API.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Fault> {
        self.request(Method::GET, path, None).await
    }

    /// Removes something by the owner's API.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Fault> {
        self.request::<serde_json::Value>(Method::DELETE, path, None)
            .await
            .map(|_| ())
    }

    /// Raises an event of the owner's and waits for its outcome.
    pub(crate) async fn raise(
        &self,
        domain: &str,
        kind: &str,
        attributes: shape::Object,
    ) -> Result<(), Fault> {
        let raise = shape::Raise {
            eci: None,
            domain: domain.to_owned(),
            r#type: kind.to_owned(),
            attributes,
            wait: shape::Wait::Outcome,
        };
        self.post::<shape::Raised>("events", &raise)
            .await
            .map(|_| ())
    }

    /// Delivers a text to the node's PEN as Twilio does: signed, and again until it is taken.
    pub(crate) async fn receive_text(
        &self,
        hook: &str,
        from: &str,
        body: &str,
        sid: &str,
    ) -> Result<(), Fault> {
        let url = format!("http://{}/hook/twilio/{hook}", self.api);
        let form = [
            ("From", from),
            ("To", &self.number),
            ("Body", body),
            ("MessageSid", sid),
        ];
        let fields: Vec<(String, String)> = form
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let signature = stratus_connector::webhook_signature(phones::TOKEN, &url, &fields);
        let end = Instant::now() + REQUEST_WAIT;
        loop {
            let request = self
                .http
                .post(&url)
                .header("X-Twilio-Signature", &signature);
            match request.form(&form).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) if !answer.status().is_server_error() => {
                    return Err(refused(&self.name, answer.status(), &answer.text().await));
                }
                Ok(_) | Err(_) if Instant::now() < end => sleep(RETRY_PAUSE).await,
                Ok(_) | Err(_) => return Err(gone(&self.name)),
            }
        }
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<T, Fault> {
        let end = Instant::now() + REQUEST_WAIT;
        loop {
            match self.request_once(method.clone(), path, body).await {
                Ok(answer) => return answer,
                Err(()) if Instant::now() < end => sleep(RETRY_PAUSE).await,
                Err(()) => return Err(gone(&self.name)),
            }
        }
    }

    /// One try. The outer error says that there was no answer.
    async fn request_once<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Result<T, Fault>, ()> {
        let token = std::fs::read_to_string(self.data.join("owner.token")).map_err(|_| ())?;
        let url = format!("http://{}/api/v1/{path}", self.api);
        let mut request = self.http.request(method, url).bearer_auth(token.trim());
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|_| ())?;
        let status = answer.status();
        if !status.is_success() {
            return Ok(Err(refused(&self.name, status, &answer.text().await)));
        }
        let text = answer.text().await.map_err(|_| ())?;
        let text = if text.is_empty() { "null" } else { &text };
        Ok(serde_json::from_str(text).map_err(|error| failed(&self.name, &error)))
    }

    async fn wait_until_up(&self) -> Result<(), Fault> {
        let end = Instant::now() + START_WAIT;
        let url = format!("http://{}/health", self.api);
        while Instant::now() < end {
            let answer = self.http.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        let log = self.data.join("log");
        Err(gone(&self.name).hint(format!("its log is {}", log.display())))
    }
}

/// What a keeper is told.
enum Order {
    Arm(Vec<CrashPoint>),
    Stop,
}

/// Starts a process, and again whenever it dies.
struct Keeper {
    program: PathBuf,
    data: PathBuf,
    name: String,
    api: SocketAddr,
    listen: SocketAddr,
    points: VecDeque<CrashPoint>,
    deaths: Arc<Mutex<Vec<CrashPoint>>>,
}

impl Keeper {
    async fn keep(mut self, mut inbox: mpsc::Receiver<Order>) {
        loop {
            let Ok(mut child) = self.spawn() else { return };
            tokio::select! {
                status = child.wait() => self.died(status.ok()),
                order = inbox.recv() => {
                    end(&mut child).await;
                    match order {
                        Some(Order::Arm(points)) => self.points = points.into(),
                        Some(Order::Stop) | None => return,
                    }
                }
            }
        }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.data.join("log"))?;
        let mut command = Command::new(&self.program);
        command
            .arg("up")
            .arg("--data")
            .arg(&self.data)
            .args(["--name", &self.name])
            .args(["--api", &self.api.to_string()])
            .args([
                "--listen",
                &format!("/ip4/127.0.0.1/tcp/{}", self.listen.port()),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .env_remove("STRATUS_CRASH_AT")
            .kill_on_drop(true);
        if let Some(point) = self.points.front() {
            command.env("STRATUS_CRASH_AT", point);
        }
        command.spawn()
    }

    fn died(&mut self, status: Option<ExitStatus>) {
        let point = self.points.pop_front();
        let cause = point.unwrap_or_else(|| format!("unexpected: {status:?}"));
        self.deaths
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(cause);
    }
}

/// Asks a process to end, and kills it if it does not.
async fn end(child: &mut Child) {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // A process that is gone already needs no signal.
        let _ = kill_process(pid, Signal::TERM);
    }
    if tokio::time::timeout(STOP_WAIT, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

/// The settings of a node whose texts go through the demonstration's own service.
fn write_settings(data: &Path, number: &str, texts_url: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let settings = format!(
        "[twilio]\naccount_sid = \"{}\"\nauth_token = \"{}\"\nfrom = \"{number}\"\n\
         base_url = \"{texts_url}\"\n",
        phones::ACCOUNT,
        phones::TOKEN
    );
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(data.join("stratus.toml"))?
        .write_all(settings.as_bytes())
}

/// An address of the loopback interface that is free now. It stays the node's over restarts,
/// because partners know it; so it is none of those that the system gives to outgoing connections,
/// which could take it while the node is down.
fn free_address() -> std::io::Result<SocketAddr> {
    let offset = std::process::id() % u32::from(PORTS);
    for _ in 0..PORTS {
        let drawn = u32::from(PORTS_DRAWN.fetch_add(1, Ordering::Relaxed));
        let port = PORT_MIN + u16::try_from((offset * 7 + drawn) % u32::from(PORTS)).unwrap_or(0);
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr();
        }
    }
    Err(std::io::Error::other("no port is free"))
}

fn failed(name: &str, error: &dyn std::fmt::Display) -> Fault {
    Fault::new(
        Whose::World,
        "demo-failed",
        format!("the node {name} cannot be played: {error}"),
    )
}

fn gone(name: &str) -> Fault {
    Fault::new(
        Whose::Bug,
        "demo-node-silent",
        format!("the node {name} does not answer"),
    )
}

fn refused(name: &str, status: StatusCode, body: &reqwest::Result<String>) -> Fault {
    let body = body.as_deref().unwrap_or("no reason given");
    let message = format!("the node {name} refused a step of the story ({status}): {body}");
    Fault::new(Whose::Bug, "demo-refused", message)
}
