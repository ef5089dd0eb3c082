//! Calls and events of the DevTools protocol over a web socket.

use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

#[derive(Debug)]
pub(super) struct Socket {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    calls: u64,
    /// The page that is spoken to; none: the browser.
    pub(super) session: Option<String>,
    /// What happened, and was not asked for.
    pub(super) events: Vec<Value>,
}

impl Socket {
    pub(super) fn open(address: &str, patience: Duration) -> Self {
        let (socket, _) = tungstenite::connect(address).expect("Chromium listens");
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream
                .set_read_timeout(Some(patience))
                .expect("a time limit");
        }
        Self {
            socket,
            calls: 0,
            session: None,
            events: Vec::new(),
        }
    }

    /// Calls a method; what comes of it stays unread. Whether it was sent.
    pub(super) fn tell(&mut self, method: &str, parameters: Value) -> bool {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(call.to_string())).is_ok()
    }

    /// Calls a method, and waits for what comes of it.
    pub(super) fn call(&mut self, method: &str, parameters: Value) -> Value {
        assert!(self.tell(method, parameters), "{method} is not heard");
        let id = self.calls;
        loop {
            let mut heard = self.hear(method);
            if heard["id"] == id {
                assert!(heard.get("error").is_none(), "{method}: {}", heard["error"]);
                return heard["result"].take();
            }
            self.events.push(heard);
        }
    }

    /// Waits for an event.
    pub(super) fn wait_for(&mut self, event: &str) {
        while !self.events.iter().any(|heard| heard["method"] == event) {
            let heard = self.hear(event);
            self.events.push(heard);
        }
    }

    fn hear(&mut self, waiting_for: &str) -> Value {
        loop {
            let message = self.socket.read();
            let message =
                message.unwrap_or_else(|error| panic!("waiting for {waiting_for}: {error}"));
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).expect("JSON");
            }
        }
    }
}
