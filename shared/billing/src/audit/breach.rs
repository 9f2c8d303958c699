//! What an audit can find, each with what an operator needs to look it up.

/// A contradiction between a stored record and the others, the plans or the time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {stated}, but {actual}")]
pub struct Breach {
    /// The invariant that it breaks.
    pub kind: BreachKind,
    /// The record, or the part of one.
    pub place: String,
    /// The stored value, as text.
    pub stated: String,
    /// What follows from everything else.
    pub actual: String,
}

/// An invariant that stored data can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreachKind {
    /// A record is stored with the provider that it belongs to.
    Foreign,
    /// No more is charged than was counted.
    Overcharged,
    /// Of a month that is settled for good, all that was counted is charged.
    Uncharged,
    /// The usage reports that a statement charges are stored, until those of their month expire.
    ReportsGone,
    /// Usage is charged, and withdrawn usage credited, within 36 hours of the end of its day, or of
    /// the report or withdrawal if that is later.
    Overdue,
    /// A month is closed within three days of its close by the calendar.
    Unclosed,
    /// A month is settled for good only after its close was stored.
    OpenFrom,
    /// A statement's lines sum to its charge.
    Lines,
    /// A line's charge follows from its explanation.
    Explanation,
    /// A line's usage is that of its APIs.
    LineUsage,
    /// A line continues what was rated before it.
    RatedToDate,
    /// The changes that a statement lists by day are those of its late and void lines.
    ChangedDays,
    /// A statement continues the charges of the statements before it.
    ChargedBefore,
    /// A statement's price is that of its lines and of the lines before.
    LinesToDate,
    /// A statement's price is that of the usage so far.
    Rated,
    /// The statements of a month are rounded by one rule.
    Rounding,
    /// The tax of a month is what the terms add to what was charged without it.
    Tax,
    /// What the account notes as unpaid, by when it was charged, follows from the journal.
    Unpaid,
    /// What the account notes as given up by debits follows from the journal.
    GivenUp,
    /// What months used of a voucher follows from their statements, and a month has what earlier
    /// months left.
    Vouchers,
    /// A statement charges its rounded price, with tax, less what was charged before.
    Charge,
    /// The terms that a statement names can still be applied.
    TermsGone,
    /// A segment keeps its terms.
    TermsChanged,
    /// The account's note of a month is what the month's statements say.
    Progress,
    /// The account is settled through the day of the last statement.
    SettledThrough,
    /// Journal entries are numbered without a gap.
    JournalGap,
    /// The account counts as many entries as there are.
    JournalEnd,
    /// An entry keeps the account's rules.
    Rules,
    /// The account's figures follow from the journal.
    Figures,
    /// The journal charges what a statement charges.
    Unjournaled,
    /// A statement names the journal entry that charges it.
    ChargedBy,
    /// No debit before the last one that a statement names collects its day.
    LastDebit,
    /// A statement that the journal charges is stored.
    StatementGone,
    /// The journal takes from the prepaid balance what the statement says.
    FromPrepaid,
    /// An adjustment waits on the account, or stands on one statement, or was rejected.
    Adjustment,
    /// An adjustment that the account or a statement names is stored.
    AdjustmentGone,
    /// An adjustment is approved by another person than its author.
    Approval,
    /// An adjustment that may be booked is booked within 36 hours.
    Unbooked,
    /// An entry moves money only as its cause does.
    Postings,
    /// A payment from outside of Alipay is booked once.
    RechargeTwice,
    /// The journal says of a debit what the debit says.
    Debit,
    /// A debit takes what it asks for.
    Taken,
    /// A debit that the journal names is stored.
    DebitGone,
    /// A debit is stored once.
    DebitTwice,
    /// A debit has terms from when it is first sent, and not before.
    DebitTerms,
    /// No two attempts have one number.
    OutTradeNo,
    /// A number of ours names its provider and its record.
    OurNumber,
    /// The account's counts of debits, recharges and mandates are the numbers of the last ones.
    LastNumber,
    /// The open debit is the one that the account names.
    OpenDebits,
    /// What is reserved is what the open debit collects.
    Reserved,
    /// The account's sum of the last day's debits follows from the debits.
    Withheld,
    /// No more is withheld than was charged.
    Overdrawn,
    /// A debit is requested within 36 hours for what is owed, if one can be.
    Unrequested,
    /// A held debit is resolved within a day.
    Held,
    /// A debit is in doubt for a day at most.
    InDoubt,
    /// The mandate in use is the one that is active.
    Mandate,
    /// Money that moved through Alipay beside the debits is once in a record and once in the
    /// journal.
    Gateway,
    /// The deposit that is held is what was paid into it, less what was drawn and returned, and its
    /// payments are returned from it alone.
    Deposit,
    /// Money that moved through Alipay is on a bill within four days.
    Unmatched,
    /// Ingest counts the provider as the provider's record says.
    Registration,
    /// The provider's code names the provider.
    Code,
    /// An agreement belongs to the mandate that has its number.
    Owner,
    /// A record with work due is in the due index.
    Unfiled,
    /// A record without work is not in the due index.
    FiledInVain,
    /// The due index shows a record within a day of its due time, or of now if that is later.
    FiledLate,
    /// A task is worked on within a day of its due time.
    Unworked,
    /// A debit is due within four days, and a refund, a reversal or the end of a mandate within
    /// one.
    DueLate,
    /// A refund, a reversal and the end of a mandate are done within a day.
    Unfinished,
    /// A record is in its provider's shard of the due index.
    FiledElsewhere,
    /// Sums can be computed. Where one cannot, the rest of that part is not audited.
    Range,
}

impl Breach {
    pub(super) fn new(
        kind: BreachKind,
        place: impl Into<String>,
        stated: impl Into<String>,
        actual: impl Into<String>,
    ) -> Breach {
        Breach { kind, place: place.into(), stated: stated.into(), actual: actual.into() }
    }
}
