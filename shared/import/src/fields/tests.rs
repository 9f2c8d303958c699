use super::*;

type Answer = (Option<String>, Option<u16>);

fn read(map: &str, line: &str) -> Result<(Exported, Answer), FieldError> {
    let map = FieldMap::try_from(&map.parse::<FieldNames>().unwrap()).unwrap();
    let line = steelyard_json::parse(line.as_bytes()).unwrap();
    let answer = map.answer(&line)?;
    map.read(&line).map(|read| (read, answer))
}

/// What a line says, in short.
fn check(map: &str, line: &str, said: &str) {
    let found = match read(map, line) {
        Ok((Exported { caller, api, when, count, amount, .. }, (method, status))) => {
            let api = match api {
                ExportedApi::Name(name) => name,
                ExportedApi::Path(path) => format!("path {path}"),
            };
            let when = match when {
                When::At(at) => at.to_string(),
                When::Day(day) => day.to_string(),
            };
            let status = status.map(|status| format!(" {status}")).unwrap_or_default();
            let method = method.map(|method| format!(" {method}")).unwrap_or_default();
            format!("{caller} | {api} | {when} | {count} | {amount}{method}{status}")
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(found, said, "{map} {line}");
}

#[test]
fn fields_are_found_by_their_own_names() {
    for (map, line, said) in [
        (
            "provider=app,api=method,day=date,count=n,amount=sum",
            r#"{"date":"2015-05-17","n":12,"app":"shop","method":"trades.get","sum":"1.50","x":[1]}"#,
            "shop | trades.get | 2015-05-17 | 12 | 1.5",
        ),
        (
            "provider=a.key,path=request.url,at=time,method=request.verb,status=code",
            r#"{"a":{"key":1021},"request":{"url":"/x?y","verb":"GET"},"time":1431857103000,"code":"200"}"#,
            "1021 | path /x?y | 2015-05-17T10:05:03Z | 1 | 0 GET 200",
        ),
        (
            "provider=a.key,api=a.b.c,at=t",
            r#"{"a.key":"dotted","a":{"key":"inner","b":{"c":"x"}},"t":1431857103}"#,
            "dotted | x | 2015-05-17T10:05:03Z | 1 | 0",
        ),
        (
            "provider=p,api=a,at=t,count=n",
            r#"{"p":"p","a":"a","t":"17/May/2015:18:05:03 +0800","n":null}"#,
            "p | a | 2015-05-17T10:05:03Z | 1 | 0",
        ),
        // Unix time as a text, and the path of CloudFront, which encodes it once more.
        (
            "provider=p,path=cs-uri-stem,at=t",
            r#"{"p":"p","cs-uri-stem":"/vas%252esms%2523","t":"1431857103000"}"#,
            "p | path /vas%2esms%23 | 2015-05-17T10:05:03Z | 1 | 0",
        ),
    ] {
        check(map, line, said);
    }
}

#[test]
fn fields_that_are_wrong_are_named() {
    let map = "provider=p,api=a,at=t,count=n,amount=y";
    for (line, why) in [
        (r#"{"a":"a","t":1}"#, "field `p`: is absent"),
        (r#"{"p":"-","a":"a","t":1}"#, "field `p`: is absent"),
        (r#"{"p":"p","a":null,"t":1}"#, "field `a`: is absent"),
        (r#"{"p":["p"],"a":"a","t":1}"#, "field `p`: is neither a text nor a number"),
        (r#"{"p":"p","p":"q","a":"a","t":1}"#, "field `p`: is given twice"),
        // Digits that a number cannot hold were rounded: two names could become one.
        (
            r#"{"p":10000000000000000000001,"a":"a","t":1}"#,
            "field `p`: is a number that cannot be read exactly: write it as a text",
        ),
        (
            r#"{"p":"p","a":1.00000000000000001,"t":1}"#,
            "field `a`: is a number that cannot be read exactly: write it as a text",
        ),
        (
            r#"{"p":"p","a":"a","t":"noon"}"#,
            "field `t`: is not an instant such as 2015-05-17T10:05:03Z, or Unix time",
        ),
        (r#"{"p":"p","a":"a","t":1,"n":-1}"#, "field `n`: is not a whole number from 0"),
        (r#"{"p":"p","a":"a","t":1,"n":1.5}"#, "field `n`: is not a whole number from 0"),
        (
            r#"{"p":"p","a":"a","t":1,"y":1.5}"#,
            "field `y`: is not an amount in yuan as a text such as \"120.50\"",
        ),
        (r#"[]"#, "field `p`: is absent"),
    ] {
        check(map, line, why);
    }
    let map = "provider=p,api=a,at=t,method=m,status=s";
    for (line, why) in [
        (r#"{"p":"p","a":"a","t":1,"m":"GET"}"#, "field `s`: is absent"),
        (r#"{"p":"p","a":"a","t":1,"m":"GET","s":null}"#, "field `s`: is absent"),
        (r#"{"p":"p","a":"a","t":1,"m":"GET","s":"OK"}"#, "field `s`: is not an HTTP status"),
        (r#"{"p":"p","a":"a","t":1,"m":"-","s":200}"#, "field `m`: is absent"),
    ] {
        check(map, line, why);
    }
}

#[test]
fn maps_that_make_no_sense_are_refused() {
    const PAIRS: &str = "is not such as provider=NAME; there are id, provider, api, path, at, day, count, amount, method and status";
    for (map, why) in [
        ("", format!("`` {PAIRS}")),
        ("provider", format!("`provider` {PAIRS}")),
        ("provider=", format!("`provider=` {PAIRS}")),
        ("provider=a,api=b,day=c,host=d", format!("`host=d` {PAIRS}")),
        ("provider=a,provider=b", "provider is given twice".to_owned()),
        ("api=b,day=c", "give provider".to_owned()),
        ("provider=a,day=c", "give either api or path".to_owned()),
        ("provider=a,api=b,path=c,day=c", "give either api or path".to_owned()),
        ("provider=a,api=b", "give either at or day".to_owned()),
        ("provider=a,api=b,at=c,day=c", "give either at or day".to_owned()),
    ] {
        assert_eq!(map.parse::<FieldNames>().unwrap_err().to_string(), why, "{map}");
    }
}
