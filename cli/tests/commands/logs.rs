//! What `steelyard demo` logs.

use steelyard_local_alipay::LocalAlipay;

use crate::tool::Folder;

#[test]
fn demo_explains_the_warning_that_it_provokes() {
    let ran = Folder::new("logs-demo").run("demo");
    let lines = ran.err.lines().collect::<Vec<_>>();
    let [first, .., warning] = &lines[..] else { panic!("{}", ran.err) };
    assert!(first.contains("loses an answer of Alipay on purpose"), "{}", ran.err);
    assert!(warning.contains("WARN") && warning.contains("debit in doubt"), "{}", ran.err);
    assert_eq!(ran.err.matches("WARN").count(), 1, "{}", ran.err);
}

#[test]
fn demo_logs_no_secret_at_debug_level() {
    let ran = Folder::new("logs").run("demo --log debug");
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.err.contains("DEBUG") && ran.err.contains("debit stored"), "nothing is logged");
    let config = LocalAlipay::client_config("http://127.0.0.1:1/gateway.do");
    let key = config.app_private_key.lines().nth(1).unwrap_or(&config.app_private_key);
    for forbidden in [key, "biz_content", "sign=", "\"sign\"", "PRIVATE KEY"] {
        let line = ran.err.lines().find(|line| line.contains(forbidden));
        assert_eq!(line, None, "{forbidden} is logged");
    }
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let mut runs = ran.err.split(|c: char| !is_base64(c));
    assert_eq!(runs.find(|run| run.len() > 100), None, "a key or a signature is logged");
}
