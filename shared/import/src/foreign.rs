//! Logs in formats that are not taken, told apart by how their lines look. Pure.

use thiserror::Error;

/// A log in another format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ForeignLog {
    /// Source: AWS, "Set up logging for REST APIs in API Gateway": JSON, CSV or XML of `$context`.
    #[error(
        "this is an API Gateway log; read JSON by rules/apigateway.json or by --fields, or log in its CLF format, which is taken"
    )]
    ApiGateway,
}

impl ForeignLog {
    /// The log that a line is of, if it is known.
    #[must_use]
    pub fn of(line: &str) -> Option<ForeignLog> {
        is_api_gateway(line).then_some(ForeignLog::ApiGateway)
    }
}

fn is_api_gateway(line: &str) -> bool {
    let is_json = line.starts_with('{')
        && line.contains("\"requestId\"")
        && ["\"requestTime\"", "\"httpMethod\"", "\"routeKey\""].iter().any(|f| line.contains(f));
    let is_xml = line.starts_with("<request id=");
    // ip, caller, user, time, method, path, protocol, status, length, request.
    let fields = line.split(',').collect::<Vec<_>>();
    let is_csv = fields.len() >= 9
        && super::access_log::read_time(fields[3]).is_some()
        && fields[6].starts_with("HTTP/");
    is_json || is_xml || is_csv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_that_are_not_taken_are_known_by_their_lines() {
        let gateway = ForeignLog::ApiGateway;
        for (line, log) in [
            (
                r#"{ "requestId":"c6af", "ip": "192.0.2.7", "requestTime":"10/May/2015:12:00:00 +0000", "httpMethod":"GET" }"#,
                Some(gateway),
            ),
            (r#"<request id="c6af"> <ip>192.0.2.7</ip>"#, Some(gateway)),
            (
                "192.0.2.7,-,-,10/May/2015:12:00:00 +0000,GET,/trades,HTTP/1.1,200,5,c6af",
                Some(gateway),
            ),
            ("http 2018 app/", None),
            ("#Software: Microsoft Internet Information Services 10.0", None),
            ("2019-12-04\t21:02:31\tshort", None),
            (r#"{"provider":"a"}"#, None),
            ("", None),
        ] {
            assert_eq!(ForeignLog::of(line), log, "{line}");
        }
    }
}
