//! Logs in formats that are not taken, told apart by how their lines look. Pure.

use thiserror::Error;

/// A log in another format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ForeignLog {
    /// Source: AWS, "Access logs for your Application Load Balancer": type, time, `app/…`.
    #[error("this is an ALB log; export provider, api and day as JSON lines, and see --fields")]
    Alb,
    /// Source: AWS, "Standard logging reference" of CloudFront: two lines that begin with `#`, then
    /// date, time and edge location between tabs.
    #[error(
        "this is a CloudFront log; export provider, api and day as JSON lines, and see --fields"
    )]
    CloudFront,
    /// Source: AWS, "Set up logging for REST APIs in API Gateway": JSON, CSV or XML of `$context`.
    #[error(
        "this is an API Gateway log; name its fields by --fields, or log in its CLF format, which is taken"
    )]
    ApiGateway,
}

impl ForeignLog {
    /// The log that a line is of, if it is known.
    #[must_use]
    pub fn of(line: &str) -> Option<ForeignLog> {
        if is_alb(line) {
            return Some(ForeignLog::Alb);
        }
        if is_cloudfront(line) {
            return Some(ForeignLog::CloudFront);
        }
        is_api_gateway(line).then_some(ForeignLog::ApiGateway)
    }
}

fn is_alb(line: &str) -> bool {
    let mut words = line.split(' ');
    let kinds = ["http", "https", "h2", "grpcs", "ws", "wss"];
    words.next().is_some_and(|kind| kinds.contains(&kind))
        && words.next().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok())
        && words.next().is_some_and(|balancer| balancer.starts_with("app/"))
}

fn is_cloudfront(line: &str) -> bool {
    if line.starts_with("#Version:") || line.starts_with("#Fields:") {
        return line.starts_with("#Version: 1.0") || line.contains("x-edge-location");
    }
    let mut fields = line.split('\t');
    fields.next().is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok())
        && fields.next().is_some_and(|time| time.parse::<jiff::civil::Time>().is_ok())
        && fields.count() > 10
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
    fn logs_of_aws_are_known_by_their_lines() {
        let cloudfront = "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.7\tGET\td111.cloudfront.example\t/index.html\t200\t-\tMozilla\t-\t-\tHit";
        let (alb, cdn, gateway) = (ForeignLog::Alb, ForeignLog::CloudFront, ForeignLog::ApiGateway);
        for (line, log) in [
            (
                r#"h2 2018-07-02T22:23:00.186641Z app/my-balancer/50dc 10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 0.000 200 200 5 257 "GET https://10.0.2.105:773/ HTTP/2.0" "curl""#,
                Some(alb),
            ),
            ("#Version: 1.0", Some(cdn)),
            ("#Fields: date time x-edge-location sc-bytes c-ip cs-method", Some(cdn)),
            (cloudfront, Some(cdn)),
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
