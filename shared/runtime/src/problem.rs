//! The kinds of problems that an API answers with.

/// A kind of problem (RFC 9457). `docs/problems.md` describes each for callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// The request names nobody: it is not signed, and no session is open.
    NotSignedIn,
    /// The link was opened before, or too late.
    LinkUsed,
    /// The caller may not do what it asks for.
    Forbidden,
    /// No route has this path.
    NotFound,
    /// The route has another method; `Allow` names it.
    MethodNotAllowed,
    /// The body is not read: it has too many bytes.
    BodyTooLarge,
    /// The body is not read: it is encoded in another way than gzip.
    UnsupportedEncoding,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The request names another server in `Host`.
    ForeignHost,
    /// The body is not JSON, or not in the form of this request.
    MalformedRequest,
    /// The usage report has too many records.
    TooManyRecords,
    /// The report's id was used before, with other content.
    ReportConflict,
    /// Some records of the report are refused; the others count.
    RecordsRefused,
    /// The plan that the request brings breaks a rule.
    PlanRefused,
    /// The usage has no price under the plan.
    CannotPrice,
    /// No plan has this name.
    NoPlan,
    /// No provider has this id.
    NoProvider,
    /// There is no such usage report in a month that is open.
    NoReport,
    /// The month of the usage is closed.
    MonthClosed,
    /// The amount of the recharge is not possible.
    Amount,
    /// The mandate cannot be offered.
    Mandate,
    /// Alipay gives no QR code.
    NoCode,
    /// The `Idempotency-Key` was used before, for another request.
    IdempotencyKeyUsed,
    /// The provider has too many open recharges.
    TooManyOpen,
    /// The request may be sent again as it is.
    Unavailable,
}

impl Problem {
    /// All of them.
    pub const ALL: [Problem; 25] = [
        Problem::NotSignedIn,
        Problem::LinkUsed,
        Problem::Forbidden,
        Problem::NotFound,
        Problem::MethodNotAllowed,
        Problem::BodyTooLarge,
        Problem::UnsupportedEncoding,
        Problem::RequestTimeout,
        Problem::ForeignHost,
        Problem::MalformedRequest,
        Problem::TooManyRecords,
        Problem::ReportConflict,
        Problem::RecordsRefused,
        Problem::PlanRefused,
        Problem::CannotPrice,
        Problem::NoPlan,
        Problem::NoProvider,
        Problem::NoReport,
        Problem::MonthClosed,
        Problem::Amount,
        Problem::Mandate,
        Problem::NoCode,
        Problem::IdempotencyKeyUsed,
        Problem::TooManyOpen,
        Problem::Unavailable,
    ];

    /// The last part of its type, `tag:steelyard,2026:…`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Problem::NotSignedIn => "not-signed-in",
            Problem::LinkUsed => "link-used",
            Problem::Forbidden => "forbidden",
            Problem::NotFound => "not-found",
            Problem::MethodNotAllowed => "method-not-allowed",
            Problem::BodyTooLarge => "body-too-large",
            Problem::UnsupportedEncoding => "unsupported-encoding",
            Problem::RequestTimeout => "request-timeout",
            Problem::ForeignHost => "foreign-host",
            Problem::MalformedRequest => "malformed-request",
            Problem::TooManyRecords => "too-many-records",
            Problem::ReportConflict => "report-conflict",
            Problem::RecordsRefused => "records-refused",
            Problem::PlanRefused => "plan-refused",
            Problem::CannotPrice => "cannot-price",
            Problem::NoPlan => "no-plan",
            Problem::NoProvider => "no-provider",
            Problem::NoReport => "no-report",
            Problem::MonthClosed => "month-closed",
            Problem::Amount => "amount",
            Problem::Mandate => "mandate",
            Problem::NoCode => "no-code",
            Problem::IdempotencyKeyUsed => "idempotency-key-used",
            Problem::TooManyOpen => "too-many-open",
            Problem::Unavailable => "unavailable",
        }
    }

    /// The HTTP status of an answer with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Problem::MalformedRequest => 400,
            Problem::NotSignedIn => 401,
            Problem::Forbidden => 403,
            Problem::NotFound | Problem::NoPlan | Problem::NoProvider | Problem::NoReport => 404,
            Problem::MethodNotAllowed => 405,
            Problem::RequestTimeout => 408,
            Problem::ReportConflict | Problem::MonthClosed => 409,
            Problem::LinkUsed => 410,
            Problem::BodyTooLarge | Problem::TooManyRecords => 413,
            Problem::UnsupportedEncoding => 415,
            Problem::ForeignHost => 421,
            Problem::RecordsRefused
            | Problem::PlanRefused
            | Problem::CannotPrice
            | Problem::Amount
            | Problem::Mandate
            | Problem::IdempotencyKeyUsed => 422,
            Problem::TooManyOpen => 429,
            Problem::NoCode => 502,
            Problem::Unavailable => 503,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_a_row_on_its_page_and_no_other_has() {
        let page = include_str!("../../../docs/problems.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| {
            let (kind, rest) = row.split_once("` | ").expect("a row names a kind");
            (kind, rest.split_once(" |").expect("a row names a status").0)
        });
        let statuses = Problem::ALL.map(|problem| problem.status().to_string());
        let kinds = Problem::ALL.map(Problem::kind);
        let known = kinds.into_iter().zip(statuses.iter().map(String::as_str));
        assert_eq!(rows.collect::<Vec<_>>(), known.collect::<Vec<_>>());
    }
}
