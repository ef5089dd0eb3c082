//! A headless Chromium, driven over its DevTools protocol: as much of it as the tests of the pages need.
//!
//! Where Chromium is not there, this fails, and says how to get it: a test that does not run holds nothing.

mod socket;

use serde_json::{Value, json};
use socket::Socket;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take. Far longer than it does; so that what hangs fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page open. It ends when this is dropped.
#[derive(Debug)]
pub struct Page {
    child: Child,
    socket: Socket,
    /// Where it keeps its things.
    _profile: TempDir,
}

impl Page {
    /// Starts a browser.
    ///
    /// # Panics
    /// Where there is none, or it does not start.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().expect("a directory for the browser");
        let mut child = Command::new(chromium())
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-dev-shm-usage",
            ])
            .args(["--remote-debugging-port=0", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Chromium starts");
        let address = address(&mut child, &profile.path().join("DevToolsActivePort"));
        let mut page = Self {
            child,
            socket: Socket::open(&address, PATIENCE),
            _profile: profile,
        };
        page.attach();
        page
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = self.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        self.socket.session = attached["sessionId"].as_str().map(String::from);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            self.call(domain, json!({}));
        }
        self.size(1300, 1000);
    }

    /// Calls a method of the protocol.
    ///
    /// # Panics
    /// Where the browser refuses, or does not answer.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.socket.call(method, parameters)
    }

    /// Opens a file, and waits until it is loaded.
    ///
    /// # Panics
    /// Where it is not loaded.
    pub fn open(&mut self, file: &Path, hash: &str) {
        // From another document, so that the same file with another hash is loaded anew.
        for url in [
            "about:blank".into(),
            format!("file://{}{hash}", file.display()),
        ] {
            self.socket.events.clear();
            let gone = self.call("Page.navigate", json!({"url": url}));
            assert!(gone.get("errorText").is_none(), "{url}: {gone}");
            self.socket.wait_for("Page.loadEventFired");
        }
    }

    /// The window's size.
    pub fn size(&mut self, width: usize, height: usize) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Looks as on `screen` or in `print`, `light` or `dark`.
    pub fn media(&mut self, media: &str, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({"media": media, "features": features}),
        );
    }

    /// What an expression is in the page.
    ///
    /// # Panics
    /// Where it throws.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", asked);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Presses a key: `ArrowLeft`, `j`.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            other => other.to_ascii_uppercase().bytes().next().unwrap_or(0),
        };
        let text = if key.len() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let event =
                json!({"type": kind, "key": key, "text": text, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Clicks into the middle of the first element that a selector selects.
    pub fn click(&mut self, selector: &str) {
        let at = self.evaluate(&format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{ block: 'center' }});
             const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// What went wrong in the page since it was opened: exceptions, and what the console says.
    pub fn errors(&mut self) -> Vec<Value> {
        // What was sent before this answer has arrived with it.
        self.evaluate("0");
        let wrong = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["level"] != "verbose",
            _ => false,
        };
        self.socket.events.iter().filter(wrong).cloned().collect()
    }

    /// Writes down what the window shows, or the whole page, and says how many colours it has, and which part of it
    /// is not of the most frequent one.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn screenshot(&mut self, file: &Path, whole: bool) -> (usize, f64) {
        let shot = self.call(
            "Page.captureScreenshot",
            json!({"format": "png", "captureBeyondViewport": whole}),
        );
        let png = shot["data"].as_str().expect("a picture");
        let bytes = data_encoding::BASE64
            .decode(png.as_bytes())
            .expect("base64");
        fs::create_dir_all(file.parent().expect("a directory"))
            .expect("a directory for screenshots");
        fs::write(file, bytes).expect("the screenshot is written");
        // An empty document reads the picture: the page's own policy lets it read none.
        let session = self.socket.session.take();
        self.attach();
        let seen = self.evaluate(&format!("({COLOURS})('data:image/png;base64,{png}')"));
        self.call("Page.close", json!({}));
        self.socket.session = session;
        let colours = seen[0].as_u64().and_then(|n| usize::try_from(n).ok());
        (colours.unwrap_or(0), seen[1].as_f64().unwrap_or(0.0))
    }
}

const COLOURS: &str = "async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  return [counts.size, 1 - Math.max(...counts.values()) / pixels.length];
}";

impl Drop for Page {
    fn drop(&mut self) {
        self.socket.session = None;
        self.socket.tell("Browser.close", json!({}));
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        // It was started here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The browser's program: `$CHROMIUM`, or what it is mostly called.
fn chromium() -> String {
    let named = std::env::var("CHROMIUM").ok();
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let mut names = named.into_iter().chain(names.map(String::from));
    let runs = |name: &String| {
        let mut version = Command::new(name);
        version
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    };
    names.find(runs).expect(
        "no Chromium found, and these tests need one: `apt-get install -y chromium`, or name one in CHROMIUM",
    )
}

/// Where the browser listens: it writes that into a file of its own.
fn address(child: &mut Child, file: &Path) -> String {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Ok(Some(status)) = child.try_wait() {
            panic!("Chromium ended at once: {status}");
        }
        let text = fs::read_to_string(file).unwrap_or_default();
        if let [port, path] = text.lines().collect::<Vec<_>>()[..] {
            return format!("ws://127.0.0.1:{port}{path}");
        }
        sleep(Duration::from_millis(20));
    }
    panic!("Chromium did not say where it listens");
}
