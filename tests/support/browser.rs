//! A browser that is told what to do: headless Chromium, by its debugging protocol over
//! a pair of pipes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    session: String,
    last: u64,
    /// Pages that have come to be since somebody waited for one.
    loads: usize,
    _profile: tempfile::TempDir,
}

/// It reads orders from descriptor 3 and answers on 4. One that hangs ends, and the test
/// with it.
const START: &str = r#"exec timeout 120 chromium --headless --no-sandbox --disable-gpu --no-first-run \
    --hide-scrollbars --disable-background-networking --disable-component-update --disable-sync \
    --remote-debugging-pipe --user-data-dir="$1" 3<&0 4>&1 0</dev/null 1>&2"#;

impl Browser {
    /// Starts it, with an empty page.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new("sh");
        command.args(["-c", START, "sh"]).arg(profile.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("chromium can be run");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut browser = Self { child, orders, answers, session: String::new(), last: 0, loads: 0, _profile: profile };
        let target = browser.order("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].take();
        let session = browser.order("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        browser.session = session["sessionId"].as_str().expect("a session has an id").to_owned();
        browser.order("Page.enable", json!({}));
        browser
    }

    /// Goes to an address.
    pub fn go(&mut self, url: &str) {
        self.loads = 0;
        self.order("Page.navigate", json!({ "url": url }));
        self.wait();
    }

    /// Loads the page anew, as by its button.
    pub fn reload(&mut self) {
        self.loads = 0;
        self.order("Page.reload", json!({}));
        self.wait();
    }

    /// Types into a field.
    pub fn fill(&mut self, field: &str, text: &str) {
        let (field, text) = (json!(format!("[name={field}]")), json!(text));
        self.ask(&format!("document.querySelector({field}).value = {text}"));
    }

    /// Clicks on something that leads to another page.
    pub fn click(&mut self, what: &str) {
        self.loads = 0;
        self.ask(&format!("document.querySelector({}).click()", json!(what)));
        self.wait();
    }

    /// What the page says to an expression.
    ///
    /// # Panics
    /// When it throws.
    pub fn ask(&mut self, expression: &str) -> Value {
        let mut answer = self.order("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// A picture of the page (PNG), as wide and high as is told, in a light or a dark room.
    ///
    /// # Panics
    /// When there is none.
    pub fn picture(&mut self, width: u32, height: u32, scheme: &str) -> Vec<u8> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.order("Emulation.setDeviceMetricsOverride", size);
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.order("Emulation.setEmulatedMedia", features);
        let picture = self.order("Page.captureScreenshot", json!({ "format": "png" }));
        base64(picture["data"].as_str().expect("a picture"))
    }

    /// Waits for the page that a navigation leads to.
    fn wait(&mut self) {
        while self.loads == 0 {
            self.message();
        }
    }

    fn order(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut order = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_empty() {
            order["sessionId"] = self.session.as_str().into();
        }
        let orders = self.orders.as_mut().expect("it is there until the end");
        orders.write_all(format!("{order}\0").as_bytes()).expect("the browser takes orders");
        loop {
            let mut message = self.message();
            if message["id"] == self.last {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].take();
            }
        }
    }

    fn message(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.answers.read_until(0, &mut bytes).expect("the browser can be read from");
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        let message: Value = serde_json::from_slice(&bytes).expect("the browser speaks JSON");
        self.loads += usize::from(message["method"] == "Page.loadEventFired");
        message
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends when nobody gives orders any more.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

/// Decodes what the protocol wraps pictures in.
fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(value).collect();
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit)) << (6 * (4 - group.len()));
        bits.to_be_bytes()[1..group.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_decoded() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba")] {
            assert_eq!(super::base64(text), bytes.as_bytes());
        }
    }
}
