//! The kinds of what goes wrong.

/// One way in which something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mishap {
    /// A request to AWS never arrives.
    RequestLost,
    /// A request to AWS has its effect, and its answer is lost.
    AnswerLost,
    /// A request to AWS times out, and has its effect up to half a minute later.
    RequestLate,
    /// AWS is too busy for up to fourteen requests of a machine, the parts of transactions among
    /// them.
    Throttled,
    /// Another transaction holds an item.
    Conflict,
    /// The process ends before a request is sent.
    CrashBefore,
    /// The process ends after a request had its effect, before the answer.
    CrashAfter,
    /// The process stands still before a request, while time goes on.
    Stalled,
    /// A transfer of its provider is booked just before an account is written.
    Overtaken,
    /// A batch was handled, and its messages are not deleted.
    DeletesLost,
    /// A message is delivered once more, seconds to days later.
    MessageTwice,
    /// A message that is no message of ours is on a queue.
    Poison,
    /// A schedule does not fire.
    ScheduleSkipped,
    /// A schedule fires on two machines at once.
    ScheduleTwice,
    /// A schedule fires up to an hour late.
    ScheduleLate,
    /// A request to Alipay never arrives.
    AlipayRequestLost,
    /// A request to Alipay has its effect, and its answer is lost.
    AlipayAnswerLost,
    /// A request to Alipay times out, and arrives up to a quarter of an hour later.
    AlipayRequestLate,
    /// Alipay answers nothing until the client gives up.
    AlipaySilent,
    /// Alipay answers that its system failed, and did nothing.
    AlipayFailedBefore,
    /// Alipay answers that its system failed, and did everything.
    AlipayFailedAfter,
    /// An answer is HTTP 502.
    AlipayBadGateway,
    /// An answer has no signature.
    AlipayUnsigned,
    /// An answer is signed by another key.
    AlipayWrongKey,
    /// An answer is a page of HTML.
    AlipayGarbage,
    /// An answer has a Chinese message in GBK.
    AlipayGbk,
    /// An answer in UTF-8 says that it is in GBK.
    AlipayMislabelled,
    /// A payment is in process, and is made when it is asked about.
    AlipayInProcess,
    /// A payment is answered by a system error and is made when its trade is closed, or after an
    /// hour.
    AlipayLateSuccess,
    /// A payer has too little money, whatever there is.
    AlipayShortOfFunds,
    /// A payment is declined because of its amount.
    AlipayOverCap,
    /// A payment is declined because of its day.
    AlipayOutsideWindow,
    /// A payment is declined because its agreement is dead, which it is not.
    AlipayMandateDead,
    /// A payment is declined because of the account of its payer.
    AlipayPayerBlocked,
    /// A payment is declined because of our own account.
    AlipayOwnAccount,
    /// An answer has a code that nobody knows.
    AlipayUnknownCode,
    /// The application is called too often.
    AlipayLimited,
    /// An answer has another amount.
    AlipayOtherAmount,
    /// There is no bill of a day on which something happened.
    BillMissing,
    /// A bill lacks a row.
    BillRowMissing,
    /// A bill has a row of another application.
    BillForeignRow,
    /// A bill has a row that cannot be read.
    BillUnreadableRow,
    /// The file of a bill is cut off.
    BillBroken,
    /// A notification is sent twice.
    NotificationTwice,
    /// A notification is lost for good.
    NotificationLost,
    /// A notification comes after the next one.
    NotificationReordered,
    /// A notification has another amount.
    NotificationAltered,
    /// A notification is signed by another key.
    NotificationForged,
    /// A notification is for another application.
    NotificationForeign,
    /// A source sends a report once more that was answered.
    ReportTwice,
    /// A source sends a report again whose records moved to another day.
    ReportAltered,
}

impl Mishap {
    /// Whether it happens to a request to AWS, of which there are many.
    #[must_use]
    pub fn is_of_aws(self) -> bool {
        self <= Mishap::Stalled
    }

    /// Whether it happens to payments, bills or writes of accounts: there are only few of them.
    #[must_use]
    pub fn has_few_chances(self) -> bool {
        let of_payments = Mishap::AlipayInProcess..=Mishap::AlipayOtherAmount;
        let of_bills = Mishap::BillMissing..=Mishap::BillBroken;
        of_payments.contains(&self)
            || of_bills.contains(&self)
            || [Mishap::Overtaken, Mishap::AlipayRequestLate].contains(&self)
    }

    /// Every mishap there is.
    pub const ALL: [Mishap; 51] = [
        Mishap::RequestLost,
        Mishap::AnswerLost,
        Mishap::RequestLate,
        Mishap::Throttled,
        Mishap::Conflict,
        Mishap::CrashBefore,
        Mishap::CrashAfter,
        Mishap::Stalled,
        Mishap::Overtaken,
        Mishap::DeletesLost,
        Mishap::MessageTwice,
        Mishap::Poison,
        Mishap::ScheduleSkipped,
        Mishap::ScheduleTwice,
        Mishap::ScheduleLate,
        Mishap::AlipayRequestLost,
        Mishap::AlipayAnswerLost,
        Mishap::AlipayRequestLate,
        Mishap::AlipaySilent,
        Mishap::AlipayFailedBefore,
        Mishap::AlipayFailedAfter,
        Mishap::AlipayBadGateway,
        Mishap::AlipayUnsigned,
        Mishap::AlipayWrongKey,
        Mishap::AlipayGarbage,
        Mishap::AlipayGbk,
        Mishap::AlipayMislabelled,
        Mishap::AlipayInProcess,
        Mishap::AlipayLateSuccess,
        Mishap::AlipayShortOfFunds,
        Mishap::AlipayOverCap,
        Mishap::AlipayOutsideWindow,
        Mishap::AlipayMandateDead,
        Mishap::AlipayPayerBlocked,
        Mishap::AlipayOwnAccount,
        Mishap::AlipayUnknownCode,
        Mishap::AlipayLimited,
        Mishap::AlipayOtherAmount,
        Mishap::BillMissing,
        Mishap::BillRowMissing,
        Mishap::BillForeignRow,
        Mishap::BillUnreadableRow,
        Mishap::BillBroken,
        Mishap::NotificationTwice,
        Mishap::NotificationLost,
        Mishap::NotificationReordered,
        Mishap::NotificationAltered,
        Mishap::NotificationForged,
        Mishap::NotificationForeign,
        Mishap::ReportTwice,
        Mishap::ReportAltered,
    ];
}
