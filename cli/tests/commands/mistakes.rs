//! Wrong endpoints and damaged data folders, each reported by name.

use std::fs;

use steelyard_local_stack::{LocalClock, Reach, Stack, StackOptions};

use crate::platform::Platform;
use crate::tool::Folder;

#[test]
fn endpoint_that_is_no_http_address_is_reported() {
    let folder = Folder::new("endpoint");
    for endpoint in ["127.0.0.1:8700", "nonsense", "ftp://127.0.0.1:8700", "https://127.0.0.1", ""]
    {
        let mut command = folder.command("plan list");
        let output = command.args(["--endpoint", endpoint]).output().unwrap();
        let expected = format!(
            "error: the endpoint `{endpoint}` is not an http address such as `http://127.0.0.1:8700`\n"
        );
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
        assert_eq!(output.status.code(), Some(1));
    }
}

#[tokio::test]
async fn data_folder_that_is_not_whole_is_reported_and_left_as_it_is() {
    for (missing, found) in
        [("alipay.sqlite", "dynamodb.sqlite"), ("dynamodb.sqlite", "alipay.sqlite")]
    {
        let folder = Folder::new("half-a-folder");
        let clock = LocalClock::new("2015-04-30T16:00:00Z".parse().unwrap(), 0);
        let rules = Platform::open("half-a-folder-rules").await.stack.rules.clone();
        let data = folder.path().join("data");
        let options = StackOptions {
            data: Some(data.clone()),
            reach: Reach::any_port(),
            rules,
            actions_need_approval: false,
            clock,
            follows: true,
        };
        drop(Stack::start(options).await.unwrap());
        fs::remove_file(data.join(missing)).unwrap();
        let refused = folder.run("local --port 0 --data data --now 2015-05-01T00:00");
        let expected = format!(
            "error: data has {found} and no {missing}: bring that file back, or delete the folder to begin anew\n"
        );
        assert_eq!((refused.code, refused.err), (1, expected));
        assert!(!data.join(missing).exists());
    }
}

#[test]
fn data_that_is_no_folder_and_file_that_is_no_database_are_reported() {
    let folder = Folder::new("no-folder");
    folder.write("file", "a text");
    let refused = folder.run("local --port 0 --data file");
    assert_eq!(refused.code, 1);
    assert!(refused.err.starts_with("error: cannot keep data in file: "), "{}", refused.err);
    for file in ["dynamodb.sqlite", "alipay.sqlite"] {
        let data = folder.path().join(format!("data-{file}"));
        fs::create_dir(&data).unwrap();
        fs::write(data.join("dynamodb.sqlite"), "").unwrap();
        fs::write(data.join("alipay.sqlite"), "").unwrap();
        fs::write(data.join(file), "no database, whatever its name says".repeat(99)).unwrap();
        let refused = folder.run(&format!("local --port 0 --data data-{file}"));
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains(file), "{}", refused.err);
    }
}

#[test]
fn value_that_is_none_is_named_with_what_is_expected_and_an_example() {
    let folder = Folder::new("values");
    let adopt = "mandates adopt shop --agreement 20155 --single-limit";
    for (line, said) in [
        ("account recharge shop -5 --reference r", "`-5` is not an amount of more than 0 yuan"),
        ("account recharge shop much --reference r", "such as 100.00"),
        ("refund shop 0 --trade T --request R --reason x", "`0` is not an amount of more than 0"),
        (&format!("{adopt} -5"), "`-5` is not an amount of more than 0 yuan"),
        ("runs show abc", "`abc` is not a number such as 12"),
        ("debits show shop abc", "`abc` is not a number such as 12"),
        ("mandates resume shop abc", "`abc` is not a number such as 12"),
        ("reconcile --day yesterday", "`yesterday` is not a day such as 2015-05-17"),
        ("statement shop yesterday", "yesterday"),
    ] {
        let refused = folder.run(line);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{line}: {refused:?}");
        assert!(refused.err.contains(said), "{line}: {}", refused.err);
    }
}
