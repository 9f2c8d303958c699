//! What an audit can find, each with what an operator needs to look it up.

use steelyard_pricing::{ApiName, BillingDay, BillingMonth, Fen, Metered, Rounding, Yuan};

use super::text::{shown, sums};
use crate::account::Figures;
use crate::journal::Ledger;
use crate::{DebitId, OutTradeNo, ProviderId, StatementId};

/// An invariant that stored data breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// A record belongs to another provider.
    #[error("{record} stands in the books of {provider}, but belongs to {owner}")]
    Foreign {
        /// The record.
        record: String,
        /// Whose books they are.
        provider: ProviderId,
        /// Whose record it is.
        owner: ProviderId,
    },
    /// The counters and the reports behind them differ.
    #[error("{day}: {api} has {counted} in the counters and {reported} in the reports")]
    Counted {
        /// The day.
        day: BillingDay,
        /// The API.
        api: ApiName,
        /// What the counters say.
        counted: Metered,
        /// What the reports sum to.
        reported: Metered,
    },
    /// More was charged than was counted.
    #[error("{month}: {charged} of {api} were charged, but {counted} were counted")]
    Overcharged {
        /// The month.
        month: BillingMonth,
        /// The API.
        api: ApiName,
        /// What the statements list.
        charged: Metered,
        /// What was counted.
        counted: Metered,
    },
    /// Usage of a month that is settled for good was never charged.
    #[error(
        "{month} is settled for good, and {counted} of {api} were counted, but only {charged} were \
         charged"
    )]
    Uncharged {
        /// The month.
        month: BillingMonth,
        /// The API.
        api: ApiName,
        /// What was counted.
        counted: Metered,
        /// What the statements list.
        charged: Metered,
    },
    /// A statement's lines do not sum to its charge.
    #[error("statement {statement}: lines of {lines} yuan for a charge of {charge}")]
    Lines {
        /// The statement.
        statement: StatementId,
        /// What the lines sum to.
        lines: Fen,
        /// What is charged.
        charge: Fen,
    },
    /// A line does not follow from what it says.
    #[error("statement {statement}: the line of {line} does not follow from its explanation")]
    Explanation {
        /// The statement.
        statement: StatementId,
        /// The line.
        line: String,
    },
    /// A line's usage is not that of its APIs.
    #[error(
        "statement {statement}: the line of {line} goes from {before} to {after}, but its APIs \
         have {gained} more"
    )]
    LineUsage {
        /// The statement.
        statement: StatementId,
        /// The line.
        line: String,
        /// Its usage before.
        before: Metered,
        /// Its usage after.
        after: Metered,
        /// The new usage of its APIs.
        gained: Metered,
    },
    /// A line does not go on from what was charged before.
    #[error("statement {statement}: the line of {line} does not go on from the lines before it")]
    RatedToDate {
        /// The statement.
        statement: StatementId,
        /// The line.
        line: String,
    },
    /// A statement does not continue the counts of the ones before it.
    #[error("statement {statement}: {api} goes from {before} to {after}, but stood at {actual}")]
    Counts {
        /// The statement.
        statement: StatementId,
        /// The API.
        api: ApiName,
        /// What the statement says it was before.
        before: Metered,
        /// What the statement says it was after.
        after: Metered,
        /// What it was after the statements before.
        actual: Metered,
    },
    /// A statement does not continue the charges of the ones before it.
    #[error("statement {statement} says {stated} yuan were charged before, but {actual} were")]
    ChargedBefore {
        /// The statement.
        statement: StatementId,
        /// What it says.
        stated: Fen,
        /// What the statements before it charged.
        actual: Fen,
    },
    /// A statement's price is not that of its lines and of those before.
    #[error("statement {statement} rates the month at {stated} yuan, but the lines at {rated}")]
    LinesToDate {
        /// The statement.
        statement: StatementId,
        /// The price that it states.
        stated: Yuan,
        /// What the lines so far come to.
        rated: Yuan,
    },
    /// A statement's price is not that of the usage so far.
    #[error("statement {statement} rates the month at {stated} yuan, but its usage at {rated}")]
    Rated {
        /// The statement.
        statement: StatementId,
        /// The price that it states.
        stated: Yuan,
        /// The price of the usage so far under its terms.
        rated: Yuan,
    },
    /// A statement is rounded by another rule than its month.
    #[error("statement {statement} is rounded {rounding}, but its month {rule}")]
    Rounding {
        /// The statement.
        statement: StatementId,
        /// Its rule.
        rounding: Rounding,
        /// The rule of the month.
        rule: Rounding,
    },
    /// A statement's charge is not what its rounded price leaves to charge.
    #[error("statement {statement} charges {charge} yuan, but {due} were due")]
    Charge {
        /// The statement.
        statement: StatementId,
        /// What it charges.
        charge: Fen,
        /// Its rounded price less what was charged before.
        due: Fen,
    },
    /// The terms that a statement names cannot be applied any more.
    #[error("statement {statement}: the terms of the segment from {segment}: {why}")]
    TermsGone {
        /// The statement.
        statement: StatementId,
        /// The first day of the segment.
        segment: BillingDay,
        /// Why not.
        why: String,
    },
    /// A segment was rated by other terms than before.
    #[error("statement {statement} rates the segment from {segment} by other terms than before")]
    TermsChanged {
        /// The statement.
        statement: StatementId,
        /// The first day of the segment.
        segment: BillingDay,
    },
    /// What the account notes of a month is not what the statements say.
    #[error("{what} in {month}: {noted} in the account, but {actual} by the statements")]
    Progress {
        /// The month.
        month: BillingMonth,
        /// What is noted.
        what: String,
        /// What the account says.
        noted: String,
        /// What the statements say.
        actual: String,
    },
    /// The account is not settled through the day of the last statement.
    #[error(
        "the account is settled through {}, but the last statement is of {}",
        shown(.noted), shown(.last)
    )]
    SettledThrough {
        /// What the account says.
        noted: Option<BillingDay>,
        /// The day of the last statement.
        last: Option<BillingDay>,
    },
    /// The journal has a gap, or an entry twice.
    #[error("journal entry {expected} is missing or doubled")]
    JournalGap {
        /// The number that should stand there.
        expected: u64,
    },
    /// The account counts more or fewer entries than there are.
    #[error("the account counts {noted} journal entries, but the last one is {last}")]
    JournalEnd {
        /// What the account says.
        noted: u64,
        /// The number of the last entry.
        last: u64,
    },
    /// An entry breaks the account's rules.
    #[error("journal entry {entry} breaks the account's rules: {why}")]
    Rules {
        /// The entry.
        entry: u64,
        /// How.
        why: String,
    },
    /// The account's figures do not follow from its journal.
    #[error("the journal comes to {}, but the account holds {}", sums(.rebuilt), sums(.stored))]
    Figures {
        /// What the journal comes to.
        rebuilt: Figures,
        /// What is stored.
        stored: Figures,
    },
    /// A statement and the journal do not agree on what was charged.
    #[error("statement {statement} charges {charge} yuan, but the journal says {journal}")]
    Unjournaled {
        /// The statement.
        statement: StatementId,
        /// What the statement charges.
        charge: Fen,
        /// What the journal says.
        journal: Fen,
    },
    /// A statement that the journal charges is not stored.
    #[error("the journal charges {charge} yuan for statement {statement}, which is not stored")]
    StatementGone {
        /// The statement.
        statement: StatementId,
        /// What the journal charges.
        charge: Fen,
    },
    /// A statement and the journal do not agree on what the prepaid balance paid.
    #[error("statement {statement}: {stated} yuan were prepaid, but the journal says {journal}")]
    FromPrepaid {
        /// The statement.
        statement: StatementId,
        /// What the statement says.
        stated: Fen,
        /// What the journal says.
        journal: Fen,
    },
    /// An entry moves money that its cause does not move.
    #[error("journal entry {entry} is {cause}, which does not explain {posted} yuan on {ledger:?}")]
    Postings {
        /// The entry.
        entry: u64,
        /// What it says it is.
        cause: &'static str,
        /// The ledger.
        ledger: Ledger,
        /// What is posted there.
        posted: Fen,
    },
    /// A recharge is booked twice.
    #[error("recharge `{reference}` is booked by journal entry {first} and again by {second}")]
    RechargeTwice {
        /// The reference of the recharge.
        reference: String,
        /// The entry that booked it.
        first: u64,
        /// The entry that booked it again.
        second: u64,
    },
    /// A debit and the journal do not agree on what it reserved, took or released.
    #[error("debit {debit} {due}, but the journal says that it {journal}")]
    Debit {
        /// The debit.
        debit: DebitId,
        /// What it did, as it says itself.
        due: String,
        /// What it did, as the journal says.
        journal: String,
    },
    /// A debit took another amount than it asked for.
    #[error("debit {debit} asked for {asked} yuan, but says that it took {taken}")]
    Taken {
        /// The debit.
        debit: DebitId,
        /// What it asked for.
        asked: Fen,
        /// What it says it took.
        taken: Fen,
    },
    /// A debit that the journal names is not stored.
    #[error("journal entry {entry} names debit {debit}, which is not stored")]
    DebitGone {
        /// The debit.
        debit: DebitId,
        /// The first entry that names it.
        entry: u64,
    },
    /// A debit is stored twice.
    #[error("debit {debit} is stored twice")]
    DebitTwice {
        /// The debit.
        debit: DebitId,
    },
    /// Two debits ask under one number.
    #[error("debits {first} and {second} both ask under the number {out_trade_no}")]
    OutTradeNo {
        /// The number.
        out_trade_no: OutTradeNo,
        /// One debit.
        first: DebitId,
        /// The other.
        second: DebitId,
    },
    /// The open debits are not the one that the account names.
    #[error("the account names {} as its open debit, but open are: {}", shown(.named), shown(.open))]
    OpenDebits {
        /// What the account says.
        named: Option<DebitId>,
        /// The debits that are open.
        open: Vec<DebitId>,
    },
    /// The mandate that is noted as in use is not the one that is active.
    #[error("the mandate in use is {noted}, but active is: {actual}")]
    Mandate {
        /// What is noted.
        noted: String,
        /// What the mandates say.
        actual: String,
    },
    /// More was withheld than was charged.
    #[error("{withheld} yuan were withheld, but only {charged} were charged")]
    Overdrawn {
        /// What was withheld.
        withheld: Fen,
        /// What was charged.
        charged: Fen,
    },
    /// What moved through Alipay beside the debits is not once in the journal and once in a record.
    #[error("{what}: {by_records} times by its record, {by_journal} times by the journal")]
    Gateway {
        /// What moved.
        what: String,
        /// How often a record tells it.
        by_records: usize,
        /// How often the journal tells it.
        by_journal: usize,
    },
    /// A sum cannot be computed, so that the rest of a part was not audited.
    #[error("an amount cannot be audited: {0}")]
    Range(String),
}
