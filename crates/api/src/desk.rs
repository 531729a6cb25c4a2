//! The way from a request to the engine and back.

use std::time::Duration;

use stratus_engine::{Command, Reply};
use stratus_event::{Fault, Whose};
use tokio::sync::{mpsc, oneshot};

/// Where commands are handed in. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Desk {
    orders: mpsc::Sender<Order>,
}

/// A command and the way back to the one who gave it.
#[derive(Debug)]
pub struct Order {
    /// What is wanted.
    pub command: Command,
    /// Where the answer goes. Nobody may be waiting any more.
    pub reply: oneshot::Sender<Result<Reply, Fault>>,
}

impl Desk {
    /// A desk and the place where its orders come out. At most `orders_max` wait there; who comes
    /// when it is full waits in line.
    pub fn new(orders_max: usize) -> (Self, mpsc::Receiver<Order>) {
        let (sender, receiver) = mpsc::channel(orders_max);
        (Self { orders: sender }, receiver)
    }

    /// Hands in a command and waits for its answer, at most so long.
    ///
    /// `node-stopping` says that it was not done or that its answer is lost; `command-late` says
    /// that it may still be done.
    pub async fn ask(&self, command: Command, wait: Duration) -> Result<Reply, Fault> {
        match tokio::time::timeout(wait, self.order(command)).await {
            Ok(answer) => answer,
            Err(_) => Err(late(wait)),
        }
    }

    async fn order(&self, command: Command) -> Result<Reply, Fault> {
        let (reply, answer) = oneshot::channel();
        self.orders
            .send(Order { command, reply })
            .await
            .map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }
}

fn stopping() -> Fault {
    Fault::new(
        Whose::World,
        "node-stopping",
        "the node stopped before it could answer",
    )
    .hint("start it again with `stratus up`, then look at `stratus journal`")
}

fn late(wait: Duration) -> Fault {
    let message = format!("the node gave no answer within {} s", wait.as_secs());
    Fault::new(Whose::World, "command-late", message)
        .hint("it may still be done: look at `stratus journal` before you try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_late_or_never_are_told_apart() {
        let (desk, mut orders) = Desk::new(1);
        let late = desk
            .ask(Command::Status, Duration::from_millis(5))
            .await
            .unwrap_err();
        assert_eq!(late.code, "command-late");
        let order = orders.recv().await.unwrap();
        assert!(order.reply.is_closed());
        drop(orders);
        let stopping = desk
            .ask(Command::Status, Duration::from_millis(5))
            .await
            .unwrap_err();
        assert_eq!(stopping.code, "node-stopping");
    }

    #[tokio::test]
    async fn an_answer_finds_its_way_back() {
        let (desk, mut orders) = Desk::new(1);
        let clerk = async { orders.recv().await.unwrap().reply.send(Ok(Reply::Done)) };
        let (answer, sent) = tokio::join!(desk.ask(Command::Status, Duration::from_secs(5)), clerk);
        assert_eq!(answer, Ok(Reply::Done));
        assert_eq!(sent, Ok(()));
    }
}
