use super::*;

/// Whoever is in 10.0.0.0/8 is trusted, and fd00::1.
fn is_trusted(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 10,
        IpAddr::V6(ip) => ip.segments() == [0xfd00, 0, 0, 0, 0, 0, 0, 1],
    }
}

fn told(style: Style, headers: &[(&str, &str)]) -> String {
    let headers: Vec<_> = headers.iter().map(|(name, value)| Header::new(name, value)).collect();
    match read(style, &headers, is_trusted) {
        Err(Malformed) => "malformed".to_owned(),
        Ok(Told { client, is_secure }) => {
            let client = match client {
                Client::Same => "same".to_owned(),
                Client::Unknown => "unknown".to_owned(),
                Client::At(ip, None) => ip.to_string(),
                Client::At(ip, Some(port)) => format!("{ip} {port}"),
            };
            client + is_secure.map_or("", |is_secure| if is_secure { " https" } else { " http" })
        }
    }
}

#[test]
fn x_forwarded_for() {
    for (value, expected) in [
        ("", "same"),
        (" , ,", "same"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1 4711"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1 4711"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        // The last that is not trusted.
        ("192.0.2.1, 192.0.2.2", "192.0.2.2"),
        ("192.0.2.1,192.0.2.2 ,\t10.0.0.1, ", "192.0.2.2"),
        ("192.0.2.2, 10.0.0.2, fd00::1, 10.0.0.1", "192.0.2.2"),
        ("192.0.2.2, ::ffff:10.0.0.2", "192.0.2.2"),
        // All are: the first.
        ("10.0.0.2, 10.0.0.1:80", "10.0.0.2"),
        // What a client claims is not looked at.
        ("rubbish, \"10.0.0.1, 192.0.2.2", "192.0.2.2"),
        ("unknown, 192.0.2.2, 10.0.0.1", "192.0.2.2"),
        ("192.0.2.1, unknown, 10.0.0.1", "unknown"),
        ("192.0.2.1, _hidden", "unknown"),
        // What somebody writes who is trusted is held to the grammar.
        ("192.0.2.1, rubbish", "malformed"),
        ("192.0.2.1, rubbish, 10.0.0.1", "malformed"),
        ("192.0.2.1:", "malformed"),
        ("192.0.2.1:65536", "malformed"),
        ("192.0.2.1:+1", "malformed"),
        ("192.0.2.01", "malformed"),
        ("192.0.2.1 192.0.2.2", "malformed"),
        ("[192.0.2.1]", "malformed"),
        ("[2001:db8::1", "malformed"),
        ("[2001:db8::1]80", "malformed"),
        ("fe80::1%eth0", "malformed"),
        ("_", "malformed"),
        ("_a b", "malformed"),
        ("\u{e9}", "malformed"),
    ] {
        assert_eq!(told(Style::XForwarded, &[("X-Forwarded-For", value)]), expected, "{value}");
    }
}

#[test]
fn several_lines_are_one_list() {
    let lines = [("x-forwarded-for", "192.0.2.1, 192.0.2.2"), ("Accept", "*/*"), ("X-FORWARDED-FOR", "10.0.0.1")];
    assert_eq!(told(Style::XForwarded, &lines), "192.0.2.2");
    let lines = [("forwarded", "for=192.0.2.1, for=192.0.2.2"), ("Forwarded", "for=10.0.0.1")];
    assert_eq!(told(Style::Forwarded, &lines), "192.0.2.2");
}

#[test]
fn x_forwarded_proto() {
    for (values, expected) in [
        (&["https"][..], "same https"),
        (&["HTTP"], "same http"),
        (&[" https "], "same https"),
        (&["wss"], "same"),
        (&[""], "same"),
        // By whom, it is not known.
        (&["https, http"], "same"),
        (&["https", "https"], "same"),
    ] {
        let headers: Vec<_> = values.iter().map(|value| ("X-Forwarded-Proto", *value)).collect();
        assert_eq!(told(Style::XForwarded, &headers), expected, "{values:?}");
    }
}

#[test]
fn only_the_style_that_is_wanted_is_read() {
    let both = [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=192.0.2.2")];
    assert_eq!(told(Style::XForwarded, &both), "192.0.2.1 https");
    assert_eq!(told(Style::Forwarded, &both), "192.0.2.2");
}

#[test]
fn forwarded() {
    for (value, expected) in [
        ("", "same"),
        (" , ", "same"),
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=192.0.2.1;Proto=HTTPS;by=10.0.0.1;host=a", "192.0.2.1 https"),
        ("for=192.0.2.1 ; proto=http ;", "192.0.2.1 http"),
        ("for=\"192.0.2.1\"", "192.0.2.1"),
        ("for=\"192.0.2.1:4711\"", "192.0.2.1 4711"),
        ("for=192.0.2.1:4711", "192.0.2.1 4711"),
        ("for=\"192.0.2.1:_port\"", "192.0.2.1"),
        ("for=\"[2001:db8::1]\"", "2001:db8::1"),
        ("for=\"[2001:db8::1]:4711\"", "2001:db8::1 4711"),
        ("for=unknown", "unknown"),
        ("for=\"Unknown:80\";proto=https", "unknown https"),
        ("for=_gazonk", "unknown"),
        ("for=\"_gazonk:_p\"", "unknown"),
        ("proto=https", "same https"),
        ("for=192.0.2.1;x=\"a, for=6.6.6.6;\\\"\"", "192.0.2.1"),
        // The scheme is that by which the client came.
        ("for=192.0.2.1;proto=https, for=192.0.2.2;proto=http", "192.0.2.2 http"),
        ("for=192.0.2.1;proto=https, for=10.0.0.1;proto=http", "192.0.2.1 https"),
        ("for=10.0.0.2;proto=https, for=10.0.0.1", "10.0.0.2 https"),
        ("for=192.0.2.1, proto=https, for=10.0.0.1", "same https"),
        ("for=192.0.2.1, for=unknown, for=10.0.0.1", "unknown"),
        // What a client claims is not looked at.
        ("rubbish, for=, for=192.0.2.2", "192.0.2.2"),
        ("for=\"\", for=192.0.2.2, for=10.0.0.1", "192.0.2.2"),
        // But a quote hides what is added behind it, and so nothing is believed.
        ("for=6.6.6.6;x=\", for=192.0.2.2", "malformed"),
        ("for=6.6.6.6;x=\", for=\"[2001:db8::1]\";proto=https", "malformed"),
        ("for=6.6.6.6;x=\"\\, for=192.0.2.2\"", "6.6.6.6"),
        ("for=6.6.6.6, \"x", "malformed"),
        // What somebody writes who is trusted is held to the grammar.
        ("for", "malformed"),
        ("for=", "malformed"),
        ("=192.0.2.1", "malformed"),
        ("for = 192.0.2.1", "malformed"),
        ("for=rubbish", "malformed"),
        ("for=192.0.2.1;for=192.0.2.1", "malformed"),
        ("for=192.0.2.1;proto=http;proto=https", "malformed"),
        ("for=192.0.2.1;b y=x", "malformed"),
        ("for=192.0.2.1;by=\"x", "malformed"),
        ("for=192.0.2.1;by=x\"", "malformed"),
        ("for=192.0.2.1;by=\"x\"y", "malformed"),
        ("for=192.0.2.1;by=\"x\\\"", "malformed"),
        ("for=192.0.2.1;by=\"", "malformed"),
        ("for=\"192.0.2.\\1\"", "malformed"),
        ("for=192.0.2.1, for=rubbish, for=10.0.0.1", "malformed"),
    ] {
        assert_eq!(told(Style::Forwarded, &[("Forwarded", value)]), expected, "{value}");
    }
}
