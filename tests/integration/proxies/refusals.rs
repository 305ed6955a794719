//! What is said of flags that cannot be meant.

use gateway_tests::server::run;

/// Holds that the flags are refused with these words.
fn check(flags: &[&str], words: &str) {
    let output = run(&[flags, &["x.so"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains(words), "{flags:?}: {said}");
}

#[test]
fn what_is_no_proxy_is_refused() {
    for (value, words) in [
        ("", "write an address, a network as 10.0.0.0/8 or fd00::/8, or unix"),
        ("*", "0.0.0.0/0 and ::/0 are everybody"),
        ("10.0.0.1,localhost", "write an address"),
        ("10.0.0.0/33", "write an address"),
        ("10.1.2.3/8", "a network of 8 bits here is 10.0.0.0/8"),
        ("::ffff:10.0.0.0/104", "write the network as one of IPv4"),
    ] {
        check(&["--trusted-proxies", value], words);
    }
    check(&["--forwarded", "always", "--trusted-proxies", "unix"], "possible values: x-forwarded, forwarded, off");
}

#[test]
fn nobody_is_believed_where_nobody_is_trusted() {
    check(&["--proxy-protocol"], "--proxy-protocol believes trusted proxies: say with --trusted-proxies which");
    check(&["--forwarded", "forwarded"], "--forwarded believes trusted proxies: say with --trusted-proxies which");
}

/// Lists stand in variables with commas, in the file as lists.
#[test]
fn a_variable_and_a_file_say_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    let text = "app = \"x.so\"\ntrusted-proxies = [\"10.0.0.0/8\", \"unix\"]\nproxy-protocol = true\n";
    std::fs::write(&file, text).unwrap();
    let print = |variable: &str| {
        let mut command = gateway_tests::server::command(&["--print-config", "--config", file.to_str().unwrap()]);
        let output = command.env("GATEWAY_TRUSTED_PROXIES", variable).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(print("").contains("trusted-proxies = [\"10.0.0.0/8\", \"unix\"]  # "));
    let page = print("::1, 192.0.2.1");
    assert!(page.contains("trusted-proxies = [\"::1\", \"192.0.2.1\"]  # GATEWAY_TRUSTED_PROXIES"), "{page}");
    assert!(page.contains("proxy-protocol = true  # "), "{page}");
}
