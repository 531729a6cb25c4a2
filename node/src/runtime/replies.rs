//! The owner's orders, and the way back of their answers.

use std::collections::BTreeMap;

use stratus_api::Order;
use stratus_engine::{CommandId, Input, Reply};
use stratus_event::Fault;
use tokio::sync::{mpsc, oneshot};

/// Orders that were taken and are not answered yet.
pub(super) struct Replies {
    orders: mpsc::Receiver<Order>,
    waiting: BTreeMap<CommandId, oneshot::Sender<Result<Reply, Fault>>>,
    next: u64,
    closed: bool,
}

impl Replies {
    pub(super) fn new(orders: mpsc::Receiver<Order>) -> Self {
        Self {
            orders,
            waiting: BTreeMap::new(),
            next: 0,
            closed: false,
        }
    }

    /// The next order, for the engine; none when nobody can give any more. While
    /// [`ORDERS_MAX`] wait for their answers, further ones wait where they are.
    pub(super) async fn next(&mut self) -> Option<Input> {
        if self.closed || self.waiting.len() >= ORDERS_MAX {
            return std::future::pending().await;
        }
        let Order { command, reply } = self.orders.recv().await?;
        let id = CommandId(self.next);
        self.next = self.next.wrapping_add(1);
        self.waiting.insert(id, reply);
        Some(Input::Command { id, command })
    }

    pub(super) fn give(&mut self, id: CommandId, reply: Result<Reply, Fault>) {
        if let Some(waiting) = self.waiting.remove(&id) {
            // Who asked may have gone.
            let _ = waiting.send(reply);
        }
    }

    /// No order comes any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Those who wait learn that there is no answer.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// No order comes any more, and all are answered.
    pub(super) fn is_done(&self) -> bool {
        self.closed && self.is_empty()
    }
}

/// Orders that wait for their answers.
const ORDERS_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use stratus_api::Desk;
    use stratus_engine::Command;

    use super::*;

    #[tokio::test]
    async fn orders_are_answered_and_then_it_is_done() {
        let (desk, orders) = Desk::new(1);
        let mut replies = Replies::new(orders);
        let wait = std::time::Duration::from_secs(5);
        let asked = tokio::spawn(async move { desk.ask(Command::Status, wait).await });
        let Some(Input::Command { id, .. }) = replies.next().await else {
            panic!("no order")
        };
        assert!(!replies.is_empty());
        replies.give(id, Ok(Reply::Done));
        assert_eq!(asked.await.unwrap(), Ok(Reply::Done));
        assert!(!replies.is_done());
        assert!(replies.next().await.is_none());
        replies.close();
        assert!(replies.is_done());
    }
}
