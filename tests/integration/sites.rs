//! The sites among the example apps, behind the real server.

mod browser;
mod folder;
mod guestbook;
mod mysite;
mod tutorial;

use gateway_tests::client::Client;

/// A request (method, target, form), the status of its answer, and what that ends with or,
/// if it is a page, has in it.
type Asked = (&'static str, u16, &'static str);

/// Asks for all of them on one connection.
fn answers(client: &mut Client, asked: &[Asked]) {
    for &(request, status, text) in asked {
        let mut words = request.splitn(3, ' ');
        let (method, target, form) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or_default());
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: a\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            form.len()
        );
        client.send(format!("{head}{form}").as_bytes()).unwrap();
        let response = client.response(method).unwrap();
        let is_page = response.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let fits = if is_page { response.text().contains(text) } else { response.text().ends_with(text) };
        assert!(response.status == status && fits, "{request}: {response:?}");
    }
}
