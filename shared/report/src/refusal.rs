//! Why a record is refused.

use steelyard_billing::{
    AMOUNT_MAX, APIS_PER_DAY_MAX, COUNT_MAX, IdError, ProviderId, SourceId, TooLarge, WallTime,
};
use steelyard_json::JsonError;
use steelyard_pricing::{
    Amount, ApiName, ApiNameError, BillingDay, BillingMonth, DayError, UsageError,
};
use thiserror::Error;

/// Why one record is refused. The others are counted all the same.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is not in the form of a record.
    #[error("not in the form of a record: {0}")]
    Malformed(JsonError),
    /// The provider's id is not one.
    #[error("provider: {0}")]
    Provider(IdError),
    /// The source may not report for the provider.
    #[error("source {source_id} may not report for provider `{provider}`")]
    NotGranted {
        /// The source that the report names.
        source_id: SourceId,
        /// The provider of the record.
        provider: ProviderId,
    },
    /// Nobody registered the provider.
    #[error("provider `{0}` is not registered")]
    UnknownProvider(ProviderId),
    /// The API's name is not one.
    #[error("api: {0}")]
    Api(ApiNameError),
    /// The count is negative, fractional or too large.
    #[error("count: is {0}; must be a whole number from 0 to {COUNT_MAX}")]
    Count(String),
    /// The amount is no text.
    #[error(
        "amount: write yuan as a text such as \"120.50\", since a number may have been rounded on its way"
    )]
    AmountNotText,
    /// The amount is negative, too large, finer than a millionth of a yuan, or no number at all.
    #[error("amount `{0}` is not one from 0 to {AMOUNT_MAX} yuan with at most six decimals")]
    Amount(String),
    /// There are no calls for the amount to go through.
    #[error("amount {0} without calls: the count is 0")]
    AmountWithoutCalls(Amount),
    /// What the report says of the provider is more than can be rated.
    #[error("too much with what was counted before: {0}")]
    TooMuch(UsageError),
    /// It says neither when the calls were made, nor on which day; or both.
    #[error("give either `at` or `day`")]
    When,
    /// The instant is not one.
    #[error("at: `{0}` is not an instant such as 2015-05-17T10:05:03Z")]
    At(String),
    /// The day is not one.
    #[error("day: {0}")]
    Day(DayError),
    /// The calls are not made yet.
    #[error("{0} is in the future")]
    Future(String),
    /// The month of the calls is closed.
    #[error("{day} is too late: {month} closed at {closed_at}")]
    Late {
        /// The billing day of the calls.
        day: BillingDay,
        /// The month of that day.
        month: BillingMonth,
        /// When usage of the month was last taken.
        closed_at: WallTime,
    },
    /// The provider was not billed yet.
    #[error("{day} is before {billed_from}, the first month in which the provider is billed")]
    BeforeBilling {
        /// The billing day of the calls.
        day: BillingDay,
        /// The provider's first month.
        billed_from: BillingMonth,
    },
    /// The provider's registration cannot be read. Nothing is wrong with the record.
    #[error("provider `{0}` cannot be counted now: its registration cannot be read; send it again")]
    UnreadableProvider(ProviderId),
    /// What is stored under the id cannot be read. Nothing is wrong with the record.
    #[error(
        "cannot be counted now: the item `{pk}` `{sk}`, which has what was counted before, cannot be read; send it again when an operator has repaired it"
    )]
    UnreadableReport {
        /// The item's partition key.
        pk: String,
        /// The item's sort key.
        sk: String,
    },
    /// The report names too many APIs of the provider on the day.
    #[error("more than {APIS_PER_DAY_MAX} APIs of one provider on a day: split the report")]
    TooManyApis,
    /// A report that counts once has no parts.
    #[error("part: only a cumulative report has parts; give \"cumulative\": true")]
    PartOfNew,
    /// The part is not one.
    #[error("part: {0}; write it such as `10:05`, or `10:05/a` for a part of it")]
    Part(IdError),
    /// A cumulative report says two counts of one thing.
    #[error("a cumulative report counts {api} of a provider and day once in each part")]
    Twice {
        /// The API that has two counts.
        api: ApiName,
    },
    /// The stored and the reported counts under the id are too much together.
    #[error(transparent)]
    TooLarge(TooLarge),
}
